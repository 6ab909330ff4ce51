import sodium from 'libsodium-wrappers';
import { concat, EncodingError, utf8 } from './encoding.ts';

export const HASH_BYTES = 32;
const ID_BYTES = 16;

/** Resolves when libsodium's module is loaded. Everything in this library but `./sframe` needs it first. */
export async function ready(): Promise<void> {
  await sodium.ready;
}

/** BLAKE2b with 32 bytes of output: the hash of account ids, chain links and logs. */
export function hash(...parts: readonly Uint8Array[]): Uint8Array {
  return sodium.crypto_generichash(HASH_BYTES, concat(...parts), null);
}

export function randomBytes(size: number): Uint8Array {
  return sodium.randombytes_buf(size);
}

/** A new id such as `msg_pV3…`: the prefix, an underscore, and 128 random bits as 22 base64url characters. */
export function randomId(prefix: string): string {
  return `${prefix}_${toBase64url(randomBytes(ID_BYTES))}`;
}

/** Compares in a time that depends on the length alone. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && sodium.memcmp(a, b);
}

/** Overwrites a secret that is no longer needed. */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}

/** RFC 4648 section 5, without padding. */
export function toBase64url(bytes: Uint8Array): string {
  return sodium.to_base64(bytes, sodium.base64_variants.URLSAFE_NO_PADDING);
}

/**
 * The bytes of a base64url text, of exactly `size` bytes where one is given. Throws `EncodingError`, also for padding, white space and
 * stray bits at the end, so that two texts never mean the same bytes.
 */
export function fromBase64url(text: string, size?: number): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = sodium.from_base64(text, sodium.base64_variants.URLSAFE_NO_PADDING);
  } catch (cause) {
    throw new EncodingError('not base64url', { cause });
  }
  if (size !== undefined && bytes.length !== size) throw new EncodingError(`expected ${size} bytes`);
  return bytes;
}

export { utf8 };
