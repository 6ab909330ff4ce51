import type { Welcome } from 'ts-mls';
import { makeKeyPackageRef } from 'ts-mls/keyPackage.js';
import { decryptGroupInfo, decryptGroupSecrets } from 'ts-mls/welcome.js';
import { Reader, Writer } from '../encoding.ts';
import { fromBase64url, HASH_BYTES, sameBytes, toBase64url } from '../primitives.ts';
import type { Suite } from './cipher-suite.ts';
import { decodeCredential } from './credential.ts';
import type { KeyPackagePair } from './own-key-package.ts';
import { MAX_ACCOUNTS, type Policy, policyOf } from './policy.ts';
import { encodeGroupInfo, InvalidGroupData, leaves, type PublicGroup, readGroupInfo } from './public-group.ts';

/** What a device remembers of a conversation outside its MLS state, and inside its backup. */
export type Pin = {
  conversationId: string;
  resetSeq: number;
  maxEpoch: bigint;
  transcript: Uint8Array; // confirmed transcript hash of `maxEpoch`
  accounts: string[];
};
export type PinRefusal = 'group-info-invalid' | 'other-conversation' | 'stale' | 'forked' | 'untrusted-signer';
export type PinVerdict =
  | { ok: true; group: PublicGroup; newAccounts: string[] } // show these before the first send
  | { ok: false; reason: PinRefusal };

export function pinOf(group: PublicGroup): Pin {
  const policy = policyOf(group.groupContext.extensions);
  return {
    conversationId: policy.conversationId,
    resetSeq: policy.resetSeq,
    maxEpoch: group.groupContext.epoch,
    transcript: new Uint8Array(group.groupContext.confirmedTranscriptHash),
    accounts: accounts(policy),
  };
}

export function encodePin(pin: Pin): Uint8Array {
  return new Writer()
    .text(pin.conversationId)
    .number(pin.resetSeq, 4)
    .number(pin.maxEpoch, 8)
    .bytes(pin.transcript)
    .list(pin.accounts.map((account) => fromBase64url(account, HASH_BYTES)))
    .finish();
}

/** Throws `EncodingError`. */
export function decodePin(bytes: Uint8Array): Pin {
  const reader = new Reader(bytes);
  const [conversationId, resetSeq, maxEpoch] = [reader.text(), reader.number(4), reader.bigint()];
  const [transcript, ids] = [reader.bytes(), reader.list(MAX_ACCOUNTS)];
  reader.end();
  return { conversationId, resetSeq, maxEpoch, transcript, accounts: ids.map(toBase64url) };
}

/** Whether group info may be used to rejoin: of this conversation, not older than what we saw, and signed by somebody we knew. */
export async function checkGroupInfo(pin: Pin, bytes: Uint8Array, suite: Suite): Promise<PinVerdict> {
  const read = await readGroupInfo(bytes, suite).catch(() => undefined);
  if (!read) return { ok: false, reason: 'group-info-invalid' };
  const { group, signer } = read;
  const policy = policyOf(group.groupContext.extensions);
  const { epoch, confirmedTranscriptHash } = group.groupContext;
  if (policy.conversationId !== pin.conversationId || policy.resetSeq !== pin.resetSeq)
    return { ok: false, reason: 'other-conversation' };
  if (epoch < pin.maxEpoch) return { ok: false, reason: 'stale' };
  if (epoch === pin.maxEpoch && !sameBytes(confirmedTranscriptHash, pin.transcript)) return { ok: false, reason: 'forked' };
  if (!pin.accounts.includes(decodeCredential(signer.credential).account)) return { ok: false, reason: 'untrusted-signer' };
  const strangers = [...leaves(group).values()].filter(
    (leaf) => !accounts(policy).includes(decodeCredential(leaf.credential).account),
  );
  if (strangers.length > 0) return { ok: false, reason: 'group-info-invalid' };
  return { ok: true, group, newAccounts: accounts(policy).filter((account) => !pin.accounts.includes(account)) };
}

/** The group info inside a welcome, so that a pin can judge it before ts-mls works on the tree. PSKs are not used, hence the zeros. */
export async function groupInfoIn(
  welcome: Welcome,
  { publicPackage, privatePackage }: KeyPackagePair,
  suite: Suite,
): Promise<Uint8Array> {
  const initKey = await suite.hpke.importPrivateKey(privatePackage.initPrivateKey);
  const secrets = await decryptGroupSecrets(initKey, await makeKeyPackageRef(publicPackage, suite.hash), welcome, suite.hpke);
  const info = secrets && (await decryptGroupInfo(welcome, secrets.joinerSecret, new Uint8Array(suite.kdf.size), suite));
  if (!info) throw new InvalidGroupData('not a welcome to this key package');
  return encodeGroupInfo(info);
}

const accounts = (policy: Policy) => policy.roster.map((entry) => entry.account);
