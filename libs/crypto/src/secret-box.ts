import sodium from 'libsodium-wrappers';
import { concat, utf8 } from './encoding.ts';
import { randomBytes } from './primitives.ts';

/** The key is wrong, the bytes were changed, or they were sealed for another place. */
export class SecretBoxError extends Error {}

export const SECRET_BOX_KEY_BYTES = 32;
const NONCE_BYTES = 24;
const TAG_BYTES = 16;
const VERSION = new Uint8Array([1]);

/**
 * Encrypts a record of a key store with XChaCha20-Poly1305. `place` names where it is kept (a table and key, say) and is authenticated,
 * so that records cannot be exchanged. The result is one version byte, the random nonce, and the ciphertext: 41 bytes longer.
 */
export function sealSecret(key: Uint8Array, plaintext: Uint8Array, place: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const sealed = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, concat(VERSION, utf8(place)), null, nonce, key);
  return concat(VERSION, nonce, sealed);
}

/** Throws `SecretBoxError`. */
export function openSecret(key: Uint8Array, box: Uint8Array, place: string): Uint8Array {
  if (box[0] !== VERSION[0] || box.length < VERSION.length + NONCE_BYTES + TAG_BYTES)
    throw new SecretBoxError('not a secret box');
  const nonce = box.subarray(VERSION.length, VERSION.length + NONCE_BYTES);
  const sealed = box.subarray(VERSION.length + NONCE_BYTES);
  try {
    return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed, concat(VERSION, utf8(place)), nonce, key);
  } catch (cause) {
    throw new SecretBoxError('cannot open: wrong key or changed bytes', { cause });
  }
}
