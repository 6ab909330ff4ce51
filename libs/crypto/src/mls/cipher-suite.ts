import sodium from 'libsodium-wrappers';
import type { CiphersuiteImpl, PrivateKey, PublicKey } from 'ts-mls';
import { concat, utf8 } from '../encoding.ts';
import { type Encapsulation, x25519Encapsulation, x25519Labels, x25519Shared, xwingEncapsulation } from './encapsulation.ts';
import { type Hkdf, labeledHkdf, libsodiumHkdf, twoBytes } from './hkdf.ts';
import { publicClassicSuite, type PublicSuite, publicXwingSuite } from './public-suite.ts';

/** A whole cipher suite as ts-mls takes it, every primitive libsodium's. Only clients have one. */
export type Suite = CiphersuiteImpl & PublicSuite;

type KeyPair = { privateKey: PrivateKey; publicKey: PublicKey };
type RawPrivateKey = { secret: Uint8Array };
type Kem = Encapsulation & {
  decapsulate(key: RawPrivateKey, enc: Uint8Array): Uint8Array;
  fromSecret(secret: Uint8Array): KeyPair;
  derive(ikm: Uint8Array): KeyPair;
};

const SECRET_KEY_BYTES = 32;
const AEAD_KEY_BYTES = 32;
const AEAD_NONCE_BYTES = 12;
const HKDF_SHA256 = 1;
const HKDF_SHA512 = 3;
const CHACHA20_POLY1305 = 3;
const none = new Uint8Array();

/** The production suite: X-Wing, ChaCha20-Poly1305, SHA-512, Ed25519. */
export async function xwingSuite(): Promise<Suite> {
  const open = await publicXwingSuite();
  return suite(open, libsodiumHkdf(512), HKDF_SHA512, xwing());
}

/** RFC 9420's suite 3, for outside vectors and quick tests only. */
export async function classicSuite(): Promise<Suite> {
  const open = await publicClassicSuite();
  const hkdf = libsodiumHkdf(256);
  return suite(open, hkdf, HKDF_SHA256, x25519(hkdf));
}

function suite(open: PublicSuite, hkdf: Hkdf, kdfId: number, kem: Kem): Suite {
  return {
    ...open,
    kdf: {
      size: hkdf.size,
      extract: async (salt, ikm) => hkdf.extract(salt, ikm),
      expand: async (key, info, length) => hkdf.expand(key, info, length),
    },
    hpke: hpke(kem, hkdf, kdfId),
    rng: { randomBytes: (size) => sodium.randombytes_buf(size) },
  };
}

/** The secret key is its 32-byte seed. */
function xwing(): Kem {
  const fromSecret = (secret: Uint8Array) => keyPair(secret, sodium.crypto_kem_xwing_seed_keypair(secret).publicKey);
  return {
    ...xwingEncapsulation,
    decapsulate: (key, enc) => sodium.crypto_kem_xwing_dec(enc, key.secret),
    derive: (ikm) => fromSecret(sodium.crypto_xof_shake256(SECRET_KEY_BYTES, ikm)),
    fromSecret,
  };
}

function x25519(hkdf: Hkdf): Kem {
  const labeled = x25519Labels(hkdf);
  const fromSecret = (secret: Uint8Array) => keyPair(secret, sodium.crypto_scalarmult_base(secret));
  return {
    ...x25519Encapsulation(hkdf),
    decapsulate: ({ secret }, enc) =>
      x25519Shared(labeled, sodium.crypto_scalarmult(secret, enc), enc, sodium.crypto_scalarmult_base(secret)),
    derive: (ikm) => fromSecret(labeled.expand(labeled.extract(none, 'dkp_prk', ikm), 'sk', none, SECRET_KEY_BYTES)),
    fromSecret,
  };
}

/** RFC 9180 base mode with export, sections 5.1 to 5.3. */
function hpke(kem: Kem, hkdf: Hkdf, kdfId: number): Suite['hpke'] {
  const labeled = labeledHkdf(hkdf, concat(utf8('HPKE'), twoBytes(kem.id), twoBytes(kdfId), twoBytes(CHACHA20_POLY1305)));
  const schedule = (shared: Uint8Array, info: Uint8Array) => {
    const hashes = [labeled.extract(none, 'psk_id_hash', none), labeled.extract(none, 'info_hash', info)];
    const context = concat(new Uint8Array([0]), ...hashes);
    const secret = labeled.extract(shared, 'secret', none);
    return (label: string, length: number) => labeled.expand(secret, label, context, length);
  };
  const keyAndNonce = (shared: Uint8Array, info: Uint8Array) => {
    const derive = schedule(shared, info);
    return [derive('key', AEAD_KEY_BYTES), derive('base_nonce', AEAD_NONCE_BYTES)] as const;
  };
  const exported = (shared: Uint8Array, info: Uint8Array, context: Uint8Array, length: number) =>
    labeled.expand(schedule(shared, info)('exp', hkdf.size), 'sec', context, length);
  return {
    keyLength: AEAD_KEY_BYTES,
    nonceLength: AEAD_NONCE_BYTES,
    seal: async (publicKey, plaintext, info, aad) => {
      const { enc, shared } = kem.encapsulate(publicBytes(publicKey));
      return { enc, ct: encrypt(...keyAndNonce(shared, info), aad, plaintext) };
    },
    open: async (privateKey, enc, ciphertext, info, aad) =>
      decrypt(...keyAndNonce(kem.decapsulate(privateParts(privateKey), enc), info), aad, ciphertext),
    exportSecret: async (publicKey, context, length, info) => {
      const { enc, shared } = kem.encapsulate(publicBytes(publicKey));
      return { enc, secret: exported(shared, info, context, length) };
    },
    importSecret: async (privateKey, context, enc, length, info) =>
      exported(kem.decapsulate(privateParts(privateKey), enc), info, context, length),
    importPrivateKey: async (key) => keyPair(checkedLength(key, SECRET_KEY_BYTES), none).privateKey,
    importPublicKey: async (key) => keyPair(none, checkedLength(key, kem.publicKeyBytes)).publicKey,
    exportPublicKey: async (key) => publicBytes(key),
    exportPrivateKey: async (key) => privateParts(key).secret,
    encryptAead: async (key, nonce, aad, plaintext) => encrypt(key, nonce, aad, plaintext),
    decryptAead: async (key, nonce, aad, ciphertext) => decrypt(key, nonce, aad, ciphertext),
    deriveKeyPair: async (ikm) => kem.derive(ikm),
    generateKeyPair: async () => kem.fromSecret(sodium.randombytes_buf(SECRET_KEY_BYTES)),
  };
}

function encrypt(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array | undefined, plaintext: Uint8Array): Uint8Array {
  return sodium.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, aad?.length ? aad : null, null, nonce, key);
}

function decrypt(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array | undefined, ciphertext: Uint8Array): Uint8Array {
  return sodium.crypto_aead_chacha20poly1305_ietf_decrypt(null, ciphertext, aad?.length ? aad : null, nonce, key);
}

// ts-mls types keys as CryptoKey although it only hands them back to the suite; ours are plain bytes behind that type.
function keyPair(secret: Uint8Array, publicKey: Uint8Array): KeyPair {
  return {
    privateKey: { secret, type: 'private' } as unknown as PrivateKey,
    publicKey: { bytes: publicKey, type: 'public' } as unknown as PublicKey,
  };
}
const publicBytes = (key: PublicKey) => (key as unknown as { bytes: Uint8Array }).bytes;
const privateParts = (key: PrivateKey) => key as unknown as RawPrivateKey;

function checkedLength(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new Error(`expected a key of ${length} bytes`);
  return bytes;
}
