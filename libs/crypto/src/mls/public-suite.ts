import { sha256 } from '@noble/hashes/sha2.js';
import sodium from 'libsodium-wrappers';
import type { CiphersuiteImpl, CiphersuiteName } from 'ts-mls';
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from '../signature.ts';
import { type Encapsulation, x25519Encapsulation, xwingEncapsulation } from './encapsulation.ts';
import { type Hkdf, libsodiumHkdf } from './hkdf.ts';

/** What judging a group from outside takes of a cipher suite: hash, signatures, and trying a public key. Nothing here decrypts. */
export type PublicSuite = Pick<CiphersuiteImpl, 'hash' | 'signature'> & {
  name: CiphersuiteName;
  canEncryptTo(publicKey: Uint8Array): boolean;
};

/** The production suite: X-Wing, ChaCha20-Poly1305, SHA-512, Ed25519. */
export const XWING_SUITE = 'MLS_256_XWING_CHACHA20POLY1305_SHA512_Ed25519' satisfies CiphersuiteName;
/** RFC 9420's suite 3, for outside vectors and quick tests only. No production group uses it. */
export const CLASSIC_SUITE = 'MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519' satisfies CiphersuiteName;

export async function publicXwingSuite(): Promise<PublicSuite> {
  await sodium.ready;
  return publicSuite(XWING_SUITE, libsodiumHkdf(512), (data) => sodium.crypto_hash(data), xwingEncapsulation);
}

/** SHA-256 is not in the standard libsodium build. */
export async function publicClassicSuite(): Promise<PublicSuite> {
  await sodium.ready;
  const hkdf = libsodiumHkdf(256);
  return publicSuite(CLASSIC_SUITE, hkdf, sha256, x25519Encapsulation(hkdf));
}

function publicSuite(
  name: CiphersuiteName,
  hkdf: Hkdf,
  digest: (data: Uint8Array) => Uint8Array,
  { encapsulate }: Encapsulation,
): PublicSuite {
  return {
    name,
    hash: {
      digest: async (data) => digest(data),
      mac: async (key, data) => hkdf.extract(key, data), // HKDF-Extract(salt, ikm) is HMAC(salt, ikm), RFC 5869 section 2.2
      verifyMac: async (key, mac, data) => mac.length === hkdf.size && sodium.memcmp(mac, hkdf.extract(key, data)),
    },
    signature: {
      sign: async (key, message) => sodium.crypto_sign_detached(message, key),
      verify: async (key, message, signature) =>
        signature.length === SIGNATURE_BYTES &&
        key.length === PUBLIC_KEY_BYTES &&
        sodium.crypto_sign_verify_detached(signature, message, key),
      keygen: async () => {
        const pair = sodium.crypto_sign_keypair();
        return { publicKey: pair.publicKey, signKey: pair.privateKey };
      },
    },
    canEncryptTo: (publicKey) => {
      try {
        encapsulate(publicKey);
        return true;
      } catch {
        return false; // a wrong length or a point of small order: the answer that was asked for
      }
    },
  };
}
