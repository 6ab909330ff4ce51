import { ClientError, Rialto, type RialtoClient } from '@rialto/client';
import { BrowserMediaEngine, openBrowserStore, requestTakeOver } from '@rialto/client/browser';

const url = location.origin;

/** `no-account`: nobody registered in this browser. `elsewhere`: another tab is the writer. */
export async function openAccount(): Promise<RialtoClient | 'no-account' | 'elsewhere'> {
  try {
    const store = await openBrowserStore();
    return await Rialto.open({ url, store, media: new BrowserMediaEngine() });
  } catch (thrown) {
    if (thrown instanceof ClientError && (thrown.code === 'no-account' || thrown.code === 'elsewhere')) return thrown.code;
    throw thrown;
  }
}

export async function registerAccount(
  handle: string,
  displayName: string,
): Promise<{ client: RialtoClient; recoveryPhrase: string }> {
  const store = await openBrowserStore();
  return Rialto.register({ url, store, handle, displayName, media: new BrowserMediaEngine() });
}

export const checkHandle = (handle: string) => Rialto.checkHandle(url, handle);
export const takeOver = requestTakeOver;
