import type { ClientState, KeyPackage, KeyPackageEqualityConfig } from 'ts-mls';
import { createGroup, joinGroup } from 'ts-mls/clientState.js';
import { joinGroupExternal } from 'ts-mls/createCommit.js';
import { encodeMlsMessage } from 'ts-mls/message.js';
import { emptyPskIndex } from 'ts-mls/pskIndex.js';
import { commitPolicy } from './commit-policy.ts';
import { decodeCredential, isSameDevice } from './credential.ts';
import { CommitRefused, type Engine } from './engine.ts';
import { encodeEvidence, type Evidence } from './evidence.ts';
import { clientConfig } from './group-state.ts';
import { checkMembers } from './members.ts';
import { openKeyPackage, type OwnKeyPackage } from './own-key-package.ts';
import { checkGroupInfo, groupInfoIn, type Pin } from './pin.ts';
import { groupExtensions, groupIdOf, type Policy, policyOf } from './policy.ts';
import { decodeMessage, InvalidGroupData, leaves } from './public-group.ts';
import { Refused } from './refusal.ts';

/** A new group of one leaf, at epoch 0. */
export async function createState({ suite, chains }: Engine, own: OwnKeyPackage, policy: Policy): Promise<ClientState> {
  const { publicPackage, privatePackage } = openKeyPackage(own);
  const extensions = groupExtensions(policy);
  const state = await createGroup(groupIdOf(policy), publicPackage, privatePackage, extensions, suite, clientConfig(chains));
  refusing(() => checkMembers(state, policyOf(state.groupContext.extensions)));
  return state;
}

/** By a member's welcome. With a pin, the group must also continue what the pin remembers, and that is checked before its tree. */
export async function joinState(
  { suite, chains }: Engine,
  own: OwnKeyPackage,
  welcome: Uint8Array,
  expected: { conversationId: string; pin?: Pin },
): Promise<ClientState> {
  const message = decodeMessage(welcome);
  if (message.wireformat !== 'mls_welcome') throw new InvalidGroupData('not a welcome');
  const pair = openKeyPackage(own);
  // RFC 9420, section 12.4.3.1. Nothing signs this field, and ts-mls looks only at the one inside.
  if (message.welcome.cipherSuite !== pair.publicPackage.cipherSuite) throw new InvalidGroupData('a welcome of another suite');
  if (expected.pin) {
    const checked = await checkGroupInfo(expected.pin, await groupInfoIn(message.welcome, pair, suite), suite);
    if (!checked.ok) throw new CommitRefused(`welcome-untrusted: ${checked.reason}`);
  }
  const { publicPackage, privatePackage } = pair;
  const config = clientConfig(chains);
  const state = await joinGroup(
    message.welcome,
    publicPackage,
    privatePackage,
    emptyPskIndex,
    suite,
    undefined,
    undefined,
    config,
  );
  const policy = policyOf(state.groupContext.extensions);
  refusing(() => checkMembers(state, policy));
  if (policy.conversationId !== expected.conversationId)
    throw new CommitRefused('other-group', 'welcome to another conversation');
  return state;
}

export type Rejoined = { state: ClientState; commit: Uint8Array; newAccounts: string[] };

/** By external commit, in place of the own old leaf if there is one. */
export async function rejoinState(
  { suite, chains }: Engine,
  own: OwnKeyPackage,
  { groupInfo, pin, evidence }: { groupInfo: Uint8Array; pin: Pin; evidence: Evidence },
): Promise<Rejoined> {
  for (const chain of evidence.chains ?? []) chains.learn(chain.bytes);
  const checked = await checkGroupInfo(pin, groupInfo, suite);
  if (!checked.ok) throw new CommitRefused(`group-info-untrusted: ${checked.reason}`);
  const message = decodeMessage(groupInfo);
  if (message.wireformat !== 'mls_group_info') throw new InvalidGroupData('not group info');
  const { publicPackage, privatePackage } = openKeyPackage(own);
  const self = decodeCredential(publicPackage.leafNode.credential);
  // ts-mls looks for ever for a leaf to replace when there is none, so it is told only when there is one.
  const resync = [...leaves(checked.group).values()].some((leaf) => isSameDevice(decodeCredential(leaf.credential), self));
  const config = clientConfig(chains);
  const { publicMessage, newState } = await joinGroupExternal(
    message.groupInfo,
    publicPackage,
    privatePackage,
    resync,
    suite,
    undefined,
    { ...config, keyPackageEqualityConfig: sameDeviceConfig },
    encodeEvidence(evidence),
  );
  const commit = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_public_message', publicMessage });
  const verdict = await commitPolicy(checked.group, commit, suite);
  if (!verdict.ok) throw new CommitRefused(verdict.reason, verdict.detail);
  return { state: { ...newState, clientConfig: config }, commit, newAccounts: checked.newAccounts };
}

/** The rules throw their own kind; what leaves the engine is `CommitRefused`. */
function refusing(check: () => unknown): void {
  try {
    check();
  } catch (cause) {
    throw cause instanceof Refused ? new CommitRefused(cause.reason, cause.message) : cause;
  }
}

const sameDeviceConfig: KeyPackageEqualityConfig = {
  compareKeyPackages: (a: KeyPackage, b: KeyPackage) =>
    isSameDevice(decodeCredential(a.leafNode.credential), decodeCredential(b.leafNode.credential)),
  compareKeyPackageToLeafNode: (a, b) => isSameDevice(decodeCredential(a.leafNode.credential), decodeCredential(b.credential)),
};
