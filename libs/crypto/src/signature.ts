import sodium from 'libsodium-wrappers';
import { concat, utf8 } from './encoding.ts';

/**
 * Everything that a key of Rialto ever signs, so that a signature made for one purpose is none for another. MLS signs with its own
 * labels (RFC 9420 section 5.1.2) and its own key.
 */
export const SIGNATURE_PURPOSES = [
  'device-chain', // an entry of an account's device chain
  'leave', // "remove us from this group"
  'session', // origin, nonce and time, answered with a token
  'chain-append', // the request to add an entry to the chain
  'handle-claim', // "this handle is mine"
  'transfer-intent', // "pay this"
  'receipt', // the ledger's answer to a transfer
] as const;
export type SignaturePurpose = (typeof SIGNATURE_PURPOSES)[number];

/** Ed25519; the private key is libsodium's 64 bytes, seed and public key. */
export type SigningKey = { publicKey: Uint8Array; privateKey: Uint8Array };

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
const SEED_BYTES = 32;

export function newSigningKey(): SigningKey {
  const { publicKey, privateKey } = sodium.crypto_sign_keypair();
  return { publicKey, privateKey };
}

/** The same key for the same 32 bytes, always. */
export function signingKeyFromSeed(seed: Uint8Array): SigningKey {
  if (seed.length !== SEED_BYTES) throw new Error('a signing seed has 32 bytes');
  const { publicKey, privateKey } = sodium.crypto_sign_seed_keypair(seed);
  return { publicKey, privateKey };
}

/** Signs `"rialto/<purpose>/v1" ‖ 0x00 ‖ SHA-512(body)`. Only bytes that this program built are ever signed. */
export function sign(purpose: SignaturePurpose, body: Uint8Array, privateKey: Uint8Array): Uint8Array {
  return sodium.crypto_sign_detached(signedBytes(purpose, body), privateKey);
}

/** Whether the key signed exactly these bytes for this purpose. Wrong lengths are a no, never an exception. */
export function verify(purpose: SignaturePurpose, body: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  return sodium.crypto_sign_verify_detached(signature, signedBytes(purpose, body), publicKey);
}

const signedBytes = (purpose: SignaturePurpose, body: Uint8Array) =>
  concat(utf8(`rialto/${purpose}/v1\0`), sodium.crypto_hash(body));
