import type { AccountId, DeviceId } from '@rialto/contracts';
import {
  type Chain,
  fromBase64url,
  hash,
  parseRecoveryPhrase,
  randomBytes,
  readChain,
  sameBytes,
  type SigningKey,
  toBase64url,
} from '@rialto/crypto';
import { Rows } from '../rows.ts';
import type { Change, Store } from '../store.ts';

/** Keys as they lie in the sealed store: base64url. */
export interface StoredKey {
  readonly publicKey: string;
  readonly privateKey: string;
}
/** Everything of this device's account, under `setting/account`. */
export interface AccountRecord {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly url: string;
  readonly handle: string;
  readonly displayName: string;
  readonly deviceKey: StoredKey;
  readonly mlsKey: StoredKey;
  /** The device chain as it was last verified. */
  readonly chain: string;
  readonly phraseCheck: PhraseCheck;
  readonly isPhraseConfirmed: boolean;
}
/** What a typed phrase is compared with: a salted hash of its 128 random bits, which nobody can search through. */
export interface PhraseCheck {
  readonly salt: string;
  readonly hash: string;
}

const PHRASE_KEY = 'recoveryPhrase';
const SALT_BYTES = 16;

export const storedKey = ({ publicKey, privateKey }: SigningKey): StoredKey => ({
  publicKey: toBase64url(publicKey),
  privateKey: toBase64url(privateKey),
});
export const signingKey = ({ publicKey, privateKey }: StoredKey): SigningKey => ({
  publicKey: fromBase64url(publicKey),
  privateKey: fromBase64url(privateKey),
});
export const chainOf = ({ chain }: Pick<AccountRecord, 'chain'>): Chain => readChain(fromBase64url(chain));

export function phraseCheck(phrase: string): PhraseCheck {
  const salt = randomBytes(SALT_BYTES);
  return { salt: toBase64url(salt), hash: toBase64url(hash(salt, parseRecoveryPhrase(phrase))) };
}

/** The words themselves, in the sealed store, from the making of the account until the user has them. */
export function keptPhrase(store: Store) {
  const rows = new Rows<{ readonly phrase: string }>(store, 'setting');
  return {
    keep: (phrase: string): Change => rows.put(PHRASE_KEY, { phrase }),
    read: async (): Promise<string | null> => (await rows.get(PHRASE_KEY))?.phrase ?? null,
    forget: (): Change => rows.delete(PHRASE_KEY),
  };
}

/** Throws `RecoveryPhraseError` for what cannot be a phrase at all. */
export function isPhrase(check: PhraseCheck, typed: string): boolean {
  return sameBytes(hash(fromBase64url(check.salt), parseRecoveryPhrase(typed)), fromBase64url(check.hash));
}
