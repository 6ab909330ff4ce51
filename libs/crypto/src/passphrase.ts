import sodium from 'libsodium-wrappers';
import { randomBytes } from './primitives.ts';
import { SECRET_BOX_KEY_BYTES } from './secret-box.ts';

/** What a key store keeps beside itself to derive its key again. None of it is secret. */
export type PassphraseSalt = { salt: Uint8Array; passes: number; memoryBytes: number };

export const SALT_BYTES = 16;
const MIB = 1024 * 1024;
const DEFAULT_PASSES = 3;
const DEFAULT_MEMORY_BYTES = 64 * MIB;
const MAX_PASSES = 16;
const MAX_MEMORY_BYTES = 256 * MIB; // a changed file must not make us claim all memory

export function newPassphraseSalt(): PassphraseSalt {
  return { salt: randomBytes(SALT_BYTES), passes: DEFAULT_PASSES, memoryBytes: DEFAULT_MEMORY_BYTES };
}

/** Argon2id (RFC 9106) over the passphrase in Unicode's form KC. Takes some hundred milliseconds and `memoryBytes`, on purpose. */
export function passphraseKey(passphrase: string, { salt, passes, memoryBytes }: PassphraseSalt): Uint8Array {
  if (salt.length !== SALT_BYTES || passes < 1 || passes > MAX_PASSES) throw new Error('unusable passphrase parameters');
  if (memoryBytes < MIB || memoryBytes > MAX_MEMORY_BYTES) throw new Error('unusable passphrase memory');
  const algorithm = sodium.crypto_pwhash_ALG_ARGON2ID13;
  return sodium.crypto_pwhash(SECRET_BOX_KEY_BYTES, passphrase.normalize('NFKC'), salt, passes, memoryBytes, algorithm);
}
