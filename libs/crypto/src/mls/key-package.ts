import type { KeyPackage } from 'ts-mls';
import { encodeCapabilities } from 'ts-mls/capabilities.js';
import { makeKeyPackageRef, verifyKeyPackage } from 'ts-mls/keyPackage.js';
import { verifyLeafNodeSignatureKeyPackage } from 'ts-mls/leafNode.js';
import { encodeMlsMessage } from 'ts-mls/message.js';
import type { Chain } from '../device-chain.ts';
import { sameBytes, toBase64url } from '../primitives.ts';
import { certifies, decodeCredential, type LeafCredential } from './credential.ts';
import { capabilities, LAST_RESORT_EXTENSION } from './policy.ts';
import { decodeMessage, InvalidGroupData } from './public-group.ts';
import type { PublicSuite } from './public-suite.ts';
import { messageOf } from './refusal.ts';

export type KeyPackageProblem =
  'malformed' | 'suite' | 'capabilities' | 'signature' | 'unusable-key' | 'lifetime' | 'not-certified';

export class KeyPackageError extends Error {
  problem: KeyPackageProblem;
  constructor(problem: KeyPackageProblem, detail?: string) {
    super(detail ?? problem);
    this.problem = problem;
  }
}

/** A device's offer to be added, as it was checked. `ref` is RFC 9420's KeyPackageRef as base64url; a welcome names it. */
export type CheckedKeyPackage = {
  credential: LeafCredential;
  account: string;
  device: string;
  ref: string;
  lastResort: boolean;
  notAfterMs: number;
  keyPackage: KeyPackage;
};

export const MAX_KEY_PACKAGE_BYTES = 8 * 1024;
/** From making to expiry. */
export const KEY_PACKAGE_LIFETIME_MS = 90 * 24 * 60 * 60 * 1000;
/** How far a maker's clock may run ahead of a reader's. */
export const KEY_PACKAGE_CLOCK_SKEW_MS = 24 * 60 * 60 * 1000;

/**
 * Checks a key package as the service does when it is uploaded and a client before it adds the device: encoding, suite, both
 * signatures, usable keys, lifetime at `nowMs`, and that the chain certifies the device *now*. Throws `KeyPackageError`.
 */
export async function readKeyPackage(
  bytes: Uint8Array,
  { chain, nowMs, suite }: { chain: Chain; nowMs: number; suite: PublicSuite },
): Promise<CheckedKeyPackage> {
  const { keyPackage, credential } = decode(bytes);
  const { leafNode, initKey } = keyPackage;
  if (keyPackage.cipherSuite !== suite.name) throw new KeyPackageError('suite');
  const declared = encodeCapabilities(capabilities(suite.name));
  if (!sameBytes(encodeCapabilities(leafNode.capabilities), declared) || leafNode.extensions.length > 0)
    throw new KeyPackageError('capabilities');
  const signed =
    (await verifyKeyPackage(keyPackage, suite.signature)) && (await verifyLeafNodeSignatureKeyPackage(leafNode, suite.signature));
  if (!signed) throw new KeyPackageError('signature');
  const keys = [initKey, leafNode.hpkePublicKey];
  if (sameBytes(initKey, leafNode.hpkePublicKey) || !keys.every((key) => suite.canEncryptTo(key)))
    throw new KeyPackageError('unusable-key');
  const notAfterMs = checkedLifetime(keyPackage, nowMs);
  const newest = chain.devices.at(-1)?.has(credential.device) === true;
  if (!newest || !certifies(chain, credential, leafNode.signaturePublicKey)) throw new KeyPackageError('not-certified');
  const ref = await keyPackageRef(keyPackage, suite);
  const { account, device } = credential;
  return { credential, account, device, ref, lastResort: isLastResort(keyPackage), notAfterMs, keyPackage };
}

/** Decodes without checking: for a package of one's own, or one that `readKeyPackage` has let through. Throws `KeyPackageError`. */
export function decodeKeyPackageBytes(bytes: Uint8Array): KeyPackage {
  return decode(bytes).keyPackage;
}

export function encodeKeyPackage(keyPackage: KeyPackage): Uint8Array {
  return encodeMlsMessage({ version: 'mls10', wireformat: 'mls_key_package', keyPackage });
}

export async function keyPackageRef(keyPackage: KeyPackage, suite: Pick<PublicSuite, 'hash'>): Promise<string> {
  return toBase64url(await makeKeyPackageRef(keyPackage, suite.hash));
}

const isLastResort = ({ extensions }: Pick<KeyPackage, 'extensions'>): boolean =>
  extensions.some((extension) => extension.extensionType === LAST_RESORT_EXTENSION);

/**
 * The refs of the key packages that a welcome answers, so that each device gets its own and finds its secrets. Throws
 * `InvalidGroupData`.
 */
export function readWelcome(bytes: Uint8Array): { refs: string[] } {
  const message = decodeMessage(bytes);
  if (message.wireformat !== 'mls_welcome') throw new InvalidGroupData('not a welcome');
  return { refs: message.welcome.secrets.map((secret) => toBase64url(secret.newMember)) };
}

function decode(bytes: Uint8Array): { keyPackage: KeyPackage; credential: LeafCredential } {
  if (bytes.length > MAX_KEY_PACKAGE_BYTES) throw new KeyPackageError('malformed', 'too large');
  try {
    const message = decodeMessage(bytes);
    if (message.wireformat !== 'mls_key_package') throw new KeyPackageError('malformed', 'not a key package');
    const { keyPackage } = message;
    const [extension, ...others] = keyPackage.extensions;
    const lastResort = extension?.extensionType === LAST_RESORT_EXTENSION && extension.extensionData.length === 0;
    if (others.length > 0 || (extension && !lastResort)) throw new KeyPackageError('malformed', 'extensions');
    return { keyPackage, credential: decodeCredential(keyPackage.leafNode.credential) };
  } catch (cause) {
    throw cause instanceof KeyPackageError ? cause : new KeyPackageError('malformed', messageOf(cause));
  }
}

function checkedLifetime({ leafNode }: KeyPackage, nowMs: number): number {
  if (leafNode.leafNodeSource !== 'key_package') throw new KeyPackageError('malformed', 'leaf source');
  const notBeforeMs = Number(leafNode.lifetime.notBefore) * 1000;
  const notAfterMs = Number(leafNode.lifetime.notAfter) * 1000;
  const span = notAfterMs - notBeforeMs;
  const longest = KEY_PACKAGE_LIFETIME_MS + 2 * KEY_PACKAGE_CLOCK_SKEW_MS;
  if (nowMs < notBeforeMs || nowMs > notAfterMs || span > longest) throw new KeyPackageError('lifetime');
  return notAfterMs;
}
