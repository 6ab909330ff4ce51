import { AppError, DisplayName, Handle, type AccountId, type DeviceId } from '@rialto/contracts';
import {
  Chains,
  fromBase64url,
  newDeviceId,
  newRecoveryPhrase,
  newSigningKey,
  readChain,
  rootKeyOf,
  startChain,
  toBase64url,
  wipe,
  xwingSuite,
} from '@rialto/crypto';
import { ClientError } from '../client-error.ts';
import { Rows } from '../rows.ts';
import type { Store } from '../store.ts';
import { anonymousApi, Connection } from '../transport/connection.ts';
import { signerOf } from '../transport/signing.ts';
import { type AccountRecord, keptPhrase, phraseCheck, signingKey, storedKey, type StoredKey } from './account-record.ts';
import { ACCOUNT_KEY } from '../place-of-account.ts';
import { KeyPackages } from './key-packages.ts';

/** What is known before the server is asked, so that a registration that was cut off goes on as the same account. */
interface RegistrationRecord {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly deviceKey: StoredKey;
  readonly mlsKey: StoredKey;
  readonly chain: string;
  /** Until the user has it: with the account it moves into a place of its own. */
  readonly phrase: string;
}
export interface RegistrationRequest {
  readonly url: string;
  readonly store: Store;
  readonly handle: string;
  readonly displayName: string;
}

const REGISTRATION_KEY = 'registration';

/**
 * Makes an account with this device as its first, and stores it. Cut off anywhere, it may be called again and goes on as the same
 * account, also with another handle when the first was taken. The root key lives for the length of one signature. Throws `AppError`
 * (`handle-taken`, `handle-reserved`, `invalid-input`) and `ClientError('account-exists')`.
 */
export async function registerAccount(request: RegistrationRequest): Promise<{ record: AccountRecord; recoveryPhrase: string }> {
  const { store, url } = request;
  const handle = request.handle.trim().replace(/^@/, '').toLowerCase();
  const displayName = request.displayName.trim();
  if (!Handle.safeParse(handle).success) throw new AppError('invalid-input', { field: 'handle' });
  if (!DisplayName.safeParse(displayName).success) throw new AppError('invalid-input', { field: 'displayName' });
  const settings = new Rows<AccountRecord | RegistrationRecord>(store, 'setting');
  if (await settings.get(ACCOUNT_KEY)) throw new ClientError('account-exists');
  const begun = ((await settings.get(REGISTRATION_KEY)) as RegistrationRecord | undefined) ?? (await begin(store, settings));

  const ended = new AbortController();
  const identity = {
    accountId: begun.accountId,
    deviceId: begun.deviceId,
    signer: signerOf(fromBase64url(begun.deviceKey.privateKey)),
  };
  const { api, stop } = sessionFor(url, identity);
  try {
    await anonymousApi(url, ended.signal).identity.createAccount({ accountId: begun.accountId, chain: begun.chain });
    await claim(api, begun.accountId, handle);
    await api.identity.setProfile({ displayName });
    await publishKeyPackages(store, begun, api);
  } finally {
    stop();
  }
  const { phrase, ...keys } = begun;
  const record: AccountRecord = { ...keys, url, handle, displayName, phraseCheck: phraseCheck(phrase), isPhraseConfirmed: false };
  await store.write([settings.insert(ACCOUNT_KEY, record), keptPhrase(store).keep(phrase), settings.delete(REGISTRATION_KEY)]);
  return { record, recoveryPhrase: phrase };
}

async function begin(store: Store, settings: Rows<AccountRecord | RegistrationRecord>): Promise<RegistrationRecord> {
  const phrase = newRecoveryPhrase();
  const [deviceKey, mlsKey] = [newSigningKey(), newSigningKey()];
  const device = newDeviceId();
  const root = rootKeyOf(phrase);
  const chain = startChain({ device, deviceKey: deviceKey.publicKey, mlsKey: mlsKey.publicKey }, root);
  wipe(root.privateKey);
  const record: RegistrationRecord = {
    accountId: chain.account as AccountId,
    deviceId: device as DeviceId,
    deviceKey: storedKey(deviceKey),
    mlsKey: storedKey(mlsKey),
    chain: toBase64url(chain.bytes),
    phrase,
  };
  await store.write([settings.insert(REGISTRATION_KEY, record)]);
  return record;
}

/** An answer that was lost leaves the handle claimed: then the account's own view says so. */
async function claim(api: Connection['api'], accountId: AccountId, handle: string): Promise<void> {
  try {
    await api.identity.claimHandle({ accountId, handle });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'account-has-handle') throw error;
    const own = await api.identity.getAccount({ accountId });
    if (own.handle !== handle) throw error;
  }
}

async function publishKeyPackages(store: Store, begun: RegistrationRecord, api: Connection['api']): Promise<void> {
  const chain = readChain(fromBase64url(begun.chain));
  const engine = { suite: await xwingSuite(), chains: new Chains() };
  const packages = new KeyPackages({
    store,
    engine,
    mlsKey: signingKey(begun.mlsKey),
    deviceId: begun.deviceId,
    chain: () => chain,
    now: () => Date.now(),
  });
  await packages.refill(api.identity);
}

function sessionFor(url: string, identity: ConstructorParameters<typeof Connection>[0]['identity']) {
  const connection = new Connection({ url, identity });
  return { api: connection.api, stop: () => connection.stop() };
}
