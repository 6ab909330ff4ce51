import { argon2idAsync } from '@noble/hashes/argon2.js';
import { randomBytes } from './primitives.ts';
import { SECRET_BOX_KEY_BYTES } from './secret-box.ts';

/** What a key store keeps beside itself to derive its key again. None of it is secret. */
export type PassphraseSalt = { salt: Uint8Array; passes: number; memoryBytes: number };

const SALT_BYTES = 16;
const KIB = 1024;
const MIB = 1024 * KIB;
// OWASP's least parameters for Argon2id: half a second in JavaScript. libsodium's standard build has Argon2's constants and not
// its function, and the full build costs every visitor more than a faster key derivation is worth.
const DEFAULT_PASSES = 2;
const DEFAULT_MEMORY_BYTES = 19 * MIB;
const MAX_PASSES = 16;
const MAX_MEMORY_BYTES = 256 * MIB; // a changed file must not make us claim all memory
const YIELD_AFTER_MS = 20;

export function newPassphraseSalt(): PassphraseSalt {
  return { salt: randomBytes(SALT_BYTES), passes: DEFAULT_PASSES, memoryBytes: DEFAULT_MEMORY_BYTES };
}

/** Argon2id (RFC 9106), one lane, over the passphrase in Unicode's form KC. Slow on purpose, and lets others run meanwhile. */
export async function passphraseKey(passphrase: string, { salt, passes, memoryBytes }: PassphraseSalt): Promise<Uint8Array> {
  if (salt.length !== SALT_BYTES || passes < 1 || passes > MAX_PASSES) throw new Error('unusable passphrase parameters');
  if (memoryBytes < MIB || memoryBytes > MAX_MEMORY_BYTES) throw new Error('unusable passphrase memory');
  const options = { t: passes, m: memoryBytes / KIB, p: 1, dkLen: SECRET_BOX_KEY_BYTES, asyncTick: YIELD_AFTER_MS };
  return argon2idAsync(passphrase.normalize('NFKC'), salt, options);
}
