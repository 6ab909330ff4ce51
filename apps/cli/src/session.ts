import { join } from 'node:path';
import { type MediaEngine, Rialto, type RialtoClient, type Store } from '@rialto/client';
import { openFileStore } from '@rialto/client/node';
import { DEFAULT_URL, readEnvironment } from './config.ts';
import { printable } from './printable.ts';

/** What every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly profile?: string;
  readonly url?: string;
}
const PROFILE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** A command was given something that it cannot use: shown with the hint to `--help`. */
export class UsageError extends Error {}

/** A call came to nothing: `code` is how it ended, such as `declined` or `missed`. */
export class CallNotHeld extends Error {
  readonly code: string;
  constructor(code: string, failure: string | null) {
    super(failure ?? `The call came to nothing: ${code}.`);
    this.code = code;
  }
}

/** Opens the profile's store. Throws `ClientError('store-locked')` while another process uses it. */
export function openProfile({ profile }: GlobalOptions): Promise<Store> {
  const { home, passphrase, profile: fallback } = readEnvironment();
  const name = profile ?? fallback;
  if (!PROFILE_NAME.test(name) || name.startsWith('.'))
    throw new UsageError('A profile is named with letters, digits, - _ and .');
  return openFileStore({ directory: join(home, 'profiles', name), ...(passphrase !== undefined && { passphrase }) });
}

const namedUrl = ({ url }: GlobalOptions): string | undefined => url ?? readEnvironment().url;
export const serverUrl = (options: GlobalOptions): string => namedUrl(options) ?? DEFAULT_URL;

export interface ClientNeeds {
  /** Works on what is stored when the server is away. */
  readonly offline?: boolean;
  readonly media?: MediaEngine;
}

/** Opens the profile's account, lets a command use it, and closes it whatever happens. */
export async function withClient<T>(
  options: GlobalOptions,
  run: (client: RialtoClient) => Promise<T>,
  { offline = false, media }: ClientNeeds = {},
): Promise<T> {
  const store = await openProfile(options);
  let client: RialtoClient;
  try {
    // Without a name it is the server that the account was made at.
    const url = namedUrl(options);
    client = await Rialto.open({ store, ...(url !== undefined && { url }), ...(media && { media }) });
  } catch (error) {
    await store.close();
    throw error;
  }
  client.on('problem', ({ code, detail }) => console.error(printable(`! ${code}${detail === undefined ? '' : ` (${detail})`}`)));
  try {
    if (!offline) {
      await client.whenOnline();
      await client.sync();
    }
    const result = await run(client);
    if (!offline) await client.settle();
    return result;
  } finally {
    await client.close();
  }
}
