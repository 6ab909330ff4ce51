import { ClientError, Rialto, type RialtoClient, type Store, waitOf } from '@rialto/client';
import { BrowserMediaEngine, openBrowserStore, requestTakeOver } from '@rialto/client/browser';
import { learnWaits } from './failure.ts';

learnWaits(waitOf);

const url = location.origin;
/** This tab's store: it holds the writer's lock, so it is opened once and used by whatever comes, opening or registering. */
let opened: Promise<Store> | undefined;
async function ownStore(): Promise<Store> {
  const opening = (opened ??= openBrowserStore());
  try {
    return await opening;
  } catch (thrown) {
    if (opened === opening) opened = undefined; // the next one who asks tries again
    throw thrown;
  }
}

/** `no-account`: nobody registered in this browser. `elsewhere`: another tab is the writer. */
export async function openAccount(): Promise<RialtoClient | 'no-account' | 'elsewhere'> {
  try {
    return await Rialto.open({ url, store: await ownStore(), media: new BrowserMediaEngine() });
  } catch (thrown) {
    if (thrown instanceof ClientError && (thrown.code === 'no-account' || thrown.code === 'elsewhere')) return thrown.code;
    throw thrown;
  }
}

export async function registerAccount(
  handle: string,
  displayName: string,
): Promise<{ client: RialtoClient; recoveryPhrase: string }> {
  return Rialto.register({ url, store: await ownStore(), handle, displayName, media: new BrowserMediaEngine() });
}

export const checkHandle = (handle: string) => Rialto.checkHandle(url, handle);

export async function takeOver(): Promise<void> {
  opened = undefined;
  await requestTakeOver();
}
