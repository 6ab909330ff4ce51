import type { KeyPackage, PrivateKeyPackage } from 'ts-mls';
import { generateKeyPackageWithKey } from 'ts-mls/keyPackage.js';
import { Reader, Writer } from '../encoding.ts';
import type { SigningKey } from '../signature.ts';
import type { Suite } from './cipher-suite.ts';
import { encodeCredential, type LeafCredential } from './credential.ts';
import {
  decodeKeyPackageBytes,
  encodeKeyPackage,
  KEY_PACKAGE_CLOCK_SKEW_MS,
  KEY_PACKAGE_LIFETIME_MS,
  keyPackageRef,
} from './key-package.ts';
import { capabilities, LAST_RESORT_EXTENSION } from './policy.ts';

/** A key package of this device: `publicBytes` to upload, `privateBytes` for the encrypted key store, under `ref`. */
export type OwnKeyPackage = { publicBytes: Uint8Array; privateBytes: Uint8Array };
export type NewKeyPackage = OwnKeyPackage & { ref: string; lastResort: boolean };
/** What ts-mls takes: decoded copies of our own, which its wiping may reach. */
export type KeyPackagePair = { publicPackage: KeyPackage; privatePackage: PrivateKeyPackage };

const VERSION = 1;
const none = new Uint8Array();

/**
 * Makes a device's offer to be added. Single-use ones are deleted with their secrets after the welcome; the one marked last resort
 * may be used again and is replaced every week. `nowMs` is Unix time.
 */
export async function createKeyPackage(
  { suite }: { suite: Suite },
  mlsKey: SigningKey,
  credential: LeafCredential,
  { nowMs, lastResort = false }: { nowMs: number; lastResort?: boolean },
): Promise<NewKeyPackage> {
  const seconds = (ms: number) => BigInt(Math.floor(ms / 1000));
  const lifetime = { notBefore: seconds(nowMs - KEY_PACKAGE_CLOCK_SKEW_MS), notAfter: seconds(nowMs + KEY_PACKAGE_LIFETIME_MS) };
  const extensions = lastResort ? [{ extensionType: LAST_RESORT_EXTENSION, extensionData: none }] : [];
  const keys = { signKey: mlsKey.privateKey, publicKey: mlsKey.publicKey };
  const identity = encodeCredential(credential);
  const made = await generateKeyPackageWithKey(identity, capabilities(suite.name), lifetime, extensions, keys, suite);
  const { initPrivateKey, hpkePrivateKey, signaturePrivateKey } = made.privatePackage;
  const privateBytes = new Writer()
    .number(VERSION, 1)
    .bytes(initPrivateKey)
    .bytes(hpkePrivateKey)
    .bytes(signaturePrivateKey)
    .finish();
  const publicBytes = encodeKeyPackage(made.publicPackage);
  return { publicBytes, privateBytes, ref: await keyPackageRef(made.publicPackage, suite), lastResort };
}

/** Throws `KeyPackageError` or `EncodingError` on bytes that `createKeyPackage` did not write. */
export function openKeyPackage({ publicBytes, privateBytes }: OwnKeyPackage): KeyPackagePair {
  const reader = new Reader(privateBytes);
  if (reader.number(1) !== VERSION) throw new Error('unknown version of a key package');
  const [initPrivateKey, hpkePrivateKey, signaturePrivateKey] = [reader.bytes(), reader.bytes(), reader.bytes()];
  reader.end();
  return {
    publicPackage: decodeKeyPackageBytes(publicBytes),
    privatePackage: { initPrivateKey, hpkePrivateKey, signaturePrivateKey },
  };
}
