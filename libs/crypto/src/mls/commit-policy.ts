import type { Proposal } from 'ts-mls';
import type { Chain } from '../device-chain.ts';
import { sameBytes } from '../primitives.ts';
import { credentialOf, type LeafCredential } from './credential.ts';
import { readEvidence, type VerifiedEvidence } from './evidence.ts';
import { checkLeaves, checkMembers, checkRemovals, forks, type Leaf, readLeaves, removals } from './members.ts';
import { type Policy, policyOf } from './policy.ts';
import { advance, type AdvancedGroup, type CommitMessage, decodeMessage, type PublicGroup } from './public-group.ts';
import type { PublicSuite } from './public-suite.ts';
import { messageOf, type Refusal, refuseOnFailure, Refused } from './refusal.ts';

/**
 * `by` is the committing leaf. The sequencer cannot check a commit's membership tag, so it must demand that the session's device is
 * this leaf. `added` are the devices that need a welcome, `chains` what the evidence held, verified.
 */
export type Verdict =
  | { ok: true; after: AdvancedGroup; policy: Policy; by: LeafCredential; added: LeafCredential[]; chains: Chain[] }
  | { ok: false; reason: Refusal; detail?: string };

/**
 * Whether a commit may take the group from `before` to the next epoch, and the public state it leads to. Run by the sequencer and by
 * every client, on group state and commit bytes alone: no clock, no pins, no lookup, so that all of them give the same answer.
 */
export async function commitPolicy(before: PublicGroup, commit: Uint8Array, suite: PublicSuite): Promise<Verdict> {
  try {
    return await judge(before, commit, suite);
  } catch (cause) {
    if (cause instanceof Refused) return { ok: false, reason: cause.reason, detail: cause.message };
    return { ok: false, reason: 'malformed', detail: messageOf(cause) };
  }
}

async function judge(before: PublicGroup, commit: Uint8Array, suite: PublicSuite): Promise<Verdict> {
  const message = readCommit(before, commit);
  const proposals = readProposals(message);
  const policyBefore = policyOf(before.groupContext.extensions);
  const evidence = readCommitEvidence(before, message, policyBefore);
  const was = readLeaves(before);
  const removed = removals(proposals);
  if (removed.some((index) => !was.has(index)) || new Set(removed).size !== removed.length) throw new Refused('leaf-unexplained');
  const after = await advance(before, message, proposals, suite).catch((cause: unknown) => {
    throw new Refused('invalid', messageOf(cause));
  });
  const policy = refuseOnFailure('policy-fixed', () => policyOf(after.groupContext.extensions));
  const is = checkMembers(after, policy);
  const by = is.get(after.committer);
  if (!by) throw new Refused('sender');
  const joins = message.content.sender.senderType === 'new_member_commit';
  checkLeaves({ was, is, by, joins, proposals, committer: after.committer, policy, evidence });
  checkRoster({ before: policyBefore, after: policy, by, was, evidence, epoch: after.groupContext.epoch });
  if (!joins) checkRemovals({ was, proposals, policy, evidence });
  const added = [...is].filter(([index]) => index !== after.committer && (!was.has(index) || removed.includes(index)));
  const chains = [...evidence.chains.values()];
  return { ok: true, after, policy, by: credentialOf(by), added: added.map(([, leaf]) => credentialOf(leaf)), chains };
}

function readCommit(before: PublicGroup, bytes: Uint8Array): CommitMessage {
  const message = refuseOnFailure('malformed', () => decodeMessage(bytes));
  if (message.wireformat !== 'mls_public_message' || message.publicMessage.content.contentType !== 'commit')
    throw new Refused('not-a-public-commit');
  const commit = message.publicMessage as CommitMessage;
  if (!sameBytes(commit.content.groupId, before.groupContext.groupId)) throw new Refused('other-group');
  if (commit.content.epoch !== before.groupContext.epoch) throw new Refused('other-epoch');
  if (!commit.content.commit.path) throw new Refused('no-path');
  if (!['member', 'new_member_commit'].includes(commit.content.sender.senderType)) throw new Refused('sender');
  return commit;
}

function readProposals(message: CommitMessage): Proposal[] {
  const proposals = message.content.commit.proposals.map((item) => {
    if (item.proposalOrRefType !== 'proposal') throw new Refused('proposal', 'by reference');
    return item.proposal;
  });
  const count = (type: Proposal['proposalType']) => proposals.filter((proposal) => proposal.proposalType === type).length;
  const joins = message.content.sender.senderType === 'new_member_commit';
  const known = joins
    ? count('external_init') + count('remove')
    : count('add') + count('remove') + count('group_context_extensions');
  if (known !== proposals.length) throw new Refused('proposal', 'type');
  if (joins && (count('external_init') !== 1 || count('remove') > 1)) throw new Refused('proposal', 'external commit');
  if (count('group_context_extensions') > 1) throw new Refused('proposal', 'two policies');
  if (count('add') > 0 && count('remove') > 0) throw new Refused('add-with-remove'); // ts-mls members disagree on the tree afterwards
  return proposals;
}

function readCommitEvidence(before: PublicGroup, message: CommitMessage, { roster }: Policy): VerifiedEvidence {
  const { groupId } = before.groupContext;
  const evidence = refuseOnFailure('malformed', () => readEvidence(message.content.authenticatedData, { groupId, roster }));
  for (const { account, minChainSeq } of roster) {
    const chain = evidence.chains.get(account); // an older chain is no evidence: it could bring back the revoked
    if (chain && chain.heads.length <= minChainSeq) throw new Refused('below-minimum-chain');
  }
  return evidence;
}

type RosterChange = {
  before: Policy;
  after: Policy;
  by: Leaf;
  was: Map<number, Leaf>;
  evidence: VerifiedEvidence;
  epoch: bigint;
};

/** Accounts and roles are an admin's; a minimum chain seq may be raised by anyone who shows the chain; a leaver may be dropped. */
function checkRoster({ before, after, by, was, evidence, epoch }: RosterChange): void {
  if (before.conversationId !== after.conversationId || before.resetSeq !== after.resetSeq || before.kind !== after.kind)
    throw new Refused('policy-fixed');
  const admin = before.roster.some((entry) => entry.account === by.account && entry.role === 'admin');
  const fixed = before.kind !== 'group';
  for (const old of before.roster) {
    const entry = after.roster.find(({ account }) => account === old.account);
    if (!entry) {
      if (fixed) throw new Refused('policy-fixed');
      if (!admin && !evidence.leaving.has(old.account)) throw new Refused('not-admin');
      continue;
    }
    if (entry.role !== old.role && (!admin || fixed)) throw new Refused('not-admin');
    if (entry.since !== old.since || entry.minChainSeq < old.minChainSeq) throw new Refused('policy-fixed');
    const chain = evidence.chains.get(entry.account);
    if (entry.minChainSeq > old.minChainSeq && (!chain || chain.heads.length <= entry.minChainSeq || forks(chain, was)))
      throw new Refused('not-certified', 'minimum chain seq');
  }
  for (const entry of after.roster) {
    if (before.roster.some(({ account }) => account === entry.account)) continue;
    if (fixed) throw new Refused('policy-fixed');
    if (!admin) throw new Refused('not-admin');
    if (entry.since !== epoch) throw new Refused('policy-fixed', 'since');
    const chain = evidence.chains.get(entry.account);
    if (!chain || chain.heads.length <= entry.minChainSeq) throw new Refused('not-certified');
  }
}
