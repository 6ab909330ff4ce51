import sodium from 'libsodium-wrappers';
import { concat, utf8 } from '../encoding.ts';
import { type Hkdf, labeledHkdf, type LabeledHkdf, twoBytes } from './hkdf.ts';

/** The public half of a KEM: what anybody may do with somebody's public key. */
export type Encapsulation = {
  id: number;
  publicKeyBytes: number;
  /** Throws on a public key that is none. */
  encapsulate(publicKey: Uint8Array): { enc: Uint8Array; shared: Uint8Array };
};

const SECRET_BYTES = 32;
const none = new Uint8Array();

/** draft-connolly-cfrg-xwing-kem, libsodium's. */
export const xwingEncapsulation: Encapsulation = {
  id: 0x647a,
  publicKeyBytes: 1216,
  encapsulate: (publicKey) => {
    const { ciphertext, sharedSecret } = sodium.crypto_kem_xwing_enc(publicKey);
    return { enc: ciphertext, shared: sharedSecret };
  },
};

/** DHKEM(X25519, HKDF-SHA256), RFC 9180 section 4.1. libsodium refuses an all-zero result, as section 7.1.4 demands. */
export function x25519Encapsulation(hkdf: Hkdf): Encapsulation {
  const labeled = x25519Labels(hkdf);
  return {
    id: X25519_ID,
    publicKeyBytes: 32,
    encapsulate: (publicKey) => {
      const secret = sodium.randombytes_buf(SECRET_BYTES);
      const enc = sodium.crypto_scalarmult_base(secret);
      return { enc, shared: x25519Shared(labeled, sodium.crypto_scalarmult(secret, publicKey), enc, publicKey) };
    },
  };
}

const X25519_ID = 0x0020;

export const x25519Labels = (hkdf: Hkdf): LabeledHkdf => labeledHkdf(hkdf, concat(utf8('KEM'), twoBytes(X25519_ID)));

/** ExtractAndExpand, RFC 9180 section 4.1. */
export function x25519Shared(labeled: LabeledHkdf, dh: Uint8Array, enc: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return labeled.expand(labeled.extract(none, 'eae_prk', dh), 'shared_secret', concat(enc, publicKey), SECRET_BYTES);
}
