import type { Chain } from '../device-chain.ts';
import { commitPolicy } from './commit-policy.ts';
import { credentialOf, isSameDevice, type LeafCredential } from './credential.ts';
import { readWelcome } from './key-package.ts';
import { checkCertified, checkMembers } from './members.ts';
import { type Policy, policyOf } from './policy.ts';
import { groupInfoMatches, InvalidGroupData, readGroupInfo } from './public-group.ts';
import type { PublicSuite } from './public-suite.ts';
import { messageOf, type Refusal } from './refusal.ts';

/** What a client uploads for a commit, in one piece. */
export type Bundle = { commit: Uint8Array; welcome?: Uint8Array; groupInfo: Uint8Array };
/** What the service may say of a group in one epoch. It keeps the group info, and nothing secret. */
export type GroupHead = { policy: Policy; epoch: bigint; leaves: LeafCredential[] };

/**
 * Opens a conversation: one leaf, its creator, at epoch 0, certified by the creator's chain. Throws `InvalidGroupData` on anything else.
 * The caller demands that the creator is the session's device, and that conversation id and kind are the ones that were asked for.
 */
export async function openGroup(
  groupInfo: Uint8Array,
  chain: Chain,
  suite: PublicSuite,
): Promise<GroupHead & { creator: LeafCredential }> {
  return orInvalid(async () => {
    const { group } = await readGroupInfo(groupInfo, suite);
    const policy = policyOf(group.groupContext.extensions);
    const [creator, ...others] = checkMembers(group, policy).values();
    if (!creator || others.length > 0 || group.groupContext.epoch !== 0n) throw new InvalidGroupData('not a new group');
    checkCertified(creator, policy, { chains: new Map([[chain.account, chain]]), leaving: new Set() }, new Map());
    const credential = credentialOf(creator);
    return { policy, epoch: 0n, leaves: [credential], creator: credential };
  });
}

/** Reads what the service stored. Throws `InvalidGroupData`. */
export async function readGroupHead(groupInfo: Uint8Array, suite: PublicSuite): Promise<GroupHead> {
  return orInvalid(async () => {
    const { group } = await readGroupInfo(groupInfo, suite);
    const policy = policyOf(group.groupContext.extensions);
    return { policy, epoch: group.groupContext.epoch, leaves: [...checkMembers(group, policy).values()].map(credentialOf) };
  });
}

export type CommitAnswer =
  | ({ accepted: true; by: LeafCredential; added: LeafCredential[]; welcomeRefs: string[] } & GroupHead)
  | { accepted: false; reason: 'stale-epoch' | 'group-info' | 'not-the-committer' | 'welcome' | Refusal; detail?: string };

/**
 * The sequencer's judgement of a commit bundle against the stored group info. `session` is the device whose session sent it: an
 * outsider cannot check a commit's membership tag, so the committing leaf must be that device. On acceptance the caller stores
 * `bundle.groupInfo`, in one transaction with `UNIQUE (conversation, epoch)`.
 */
export async function judgeCommit(
  { groupInfo, bundle, session }: { groupInfo: Uint8Array; bundle: Bundle; session: Pick<LeafCredential, 'account' | 'device'> },
  suite: PublicSuite,
): Promise<CommitAnswer> {
  const { group } = await readGroupInfo(groupInfo, suite);
  const verdict = await commitPolicy(group, bundle.commit, suite);
  if (!verdict.ok) {
    const reason = verdict.reason === 'other-epoch' ? 'stale-epoch' : verdict.reason;
    return { accepted: false, reason, ...(verdict.detail !== undefined && { detail: verdict.detail }) };
  }
  const { after, policy, by, added } = verdict;
  if (!isSameDevice(by, session)) return { accepted: false, reason: 'not-the-committer' };
  if (!(await groupInfoMatches(after, bundle.groupInfo, suite).catch(() => false)))
    return { accepted: false, reason: 'group-info' };
  const welcomeRefs = welcomeFor(bundle, added.length);
  if (!welcomeRefs) return { accepted: false, reason: 'welcome' };
  const leaves = [...checkMembers(after, policy).values()].map(credentialOf);
  return { accepted: true, by, added, welcomeRefs, policy, epoch: after.groupContext.epoch, leaves };
}

/** Undefined unless there is a welcome exactly when somebody was added, with one part for each. */
function welcomeFor({ welcome }: Bundle, added: number): string[] | undefined {
  if (!welcome) return added === 0 ? [] : undefined;
  try {
    const { refs } = readWelcome(welcome);
    return refs.length === added && added > 0 ? refs : undefined;
  } catch {
    return undefined; // not a welcome: the caller refuses the bundle
  }
}

/** ts-mls throws of many kinds at bytes that somebody made up; a caller needs to know one. */
async function orInvalid<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw cause instanceof InvalidGroupData ? cause : new InvalidGroupData(messageOf(cause), { cause });
  }
}
