import { Chains, ready, xwingSuite } from '@rialto/crypto';
import type { AccountRecord } from './account/account-record.ts';
import { registerAccount, type RegistrationRequest } from './account/registration.ts';
import type { MediaEngine } from './calls/media-engine.ts';
import { Client } from './client.ts';
import { ClientError } from './client-error.ts';
import { noMedia } from './no-media.ts';
import { ACCOUNT_KEY } from './place-of-account.ts';
import { Rows } from './rows.ts';
import type { HandleAvailability } from './sdk.ts';
import type { Store } from './store.ts';
import { anonymousApi } from './transport/connection.ts';

export interface OpenRequest {
  /** The server's address; left out, the one with which the account was registered. */
  readonly url?: string;
  readonly store: Store;
  /** Microphone, camera and frame encryption of this platform; without it there are no calls. */
  readonly media?: MediaEngine;
}

/** The way in. */
export const Rialto = {
  /**
   * Makes an account with this device as its first and opens it. The recovery phrase is kept in the store until
   * the user has it (`client.recoveryPhrase`). Cut off, it may be called again on the same store and goes on; once the account is there, `open`
   * it. Throws `AppError` and `ClientError('account-exists')`.
   */
  async register(
    request: Omit<RegistrationRequest, 'displayName'> & { readonly displayName?: string; readonly media?: MediaEngine },
  ): Promise<{ client: Client; recoveryPhrase: string }> {
    await ready();
    const url = request.url.replace(/\/+$/, '');
    const displayName = request.displayName ?? request.handle.replace(/^@/, '');
    const { recoveryPhrase } = await registerAccount({ ...request, url, displayName });
    return { client: await Rialto.open(request), recoveryPhrase };
  },

  /** Opens the account of a store and connects. Works offline: what is stored is there at once. Throws `ClientError('no-account')`. */
  async open({ url, store, media = noMedia }: OpenRequest): Promise<Client> {
    await ready();
    const record = await new Rows<AccountRecord>(store, 'setting').get(ACCOUNT_KEY);
    if (!record) throw new ClientError('no-account');
    const engine = { suite: await xwingSuite(), chains: new Chains() };
    const address = (url ?? record.url).replace(/\/+$/, '');
    const client = new Client({ store, record, url: address, engine, media });
    await client.start();
    return client;
  },

  /** Whether a store holds an account. */
  async hasAccount(store: Store): Promise<boolean> {
    return (await new Rows<AccountRecord>(store, 'setting').get(ACCOUNT_KEY)) !== undefined;
  },

  /** Whether a handle can be claimed; needs no account. */
  async checkHandle(url: string, handle: string): Promise<HandleAvailability> {
    await ready();
    const api = anonymousApi(url.replace(/\/+$/, ''), AbortSignal.timeout(30_000));
    return api.identity.checkHandle({ handle: handle.trim().replace(/^@/, '').toLowerCase() });
  },
};
