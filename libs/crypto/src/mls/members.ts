import type { LeafNode, Proposal } from 'ts-mls';
import { encodeCapabilities } from 'ts-mls/capabilities.js';
import { encodeLeafNode } from 'ts-mls/leafNode.js';
import { getHpkePublicKey } from 'ts-mls/ratchetTree.js';
import { type Chain, MAX_DEVICES } from '../device-chain.ts';
import { sameBytes, toBase64url } from '../primitives.ts';
import { certifies, decodeCredential, isSameDevice, type LeafCredential } from './credential.ts';
import type { VerifiedEvidence } from './evidence.ts';
import { capabilities, groupIdOf, type Kind, MAX_ACCOUNTS, MAX_LEAVES, type Policy, type RosterEntry } from './policy.ts';
import { leaves, type PublicGroup } from './public-group.ts';
import { refuseOnFailure, Refused } from './refusal.ts';

/** A leaf as the rules see it; `key` is its signature key as base64url. */
export type Leaf = LeafCredential & { key: string; node: LeafNode };

const ROSTER_SIZES: Record<Kind, { least: number; most: number }> = {
  dm: { least: 2, most: 2 },
  self: { least: 1, most: 1 },
  group: { least: 1, most: MAX_ACCOUNTS },
};

export function readLeaves(group: PublicGroup): Map<number, Leaf> {
  const read = (node: LeafNode): Leaf => ({
    ...decodeCredential(node.credential),
    key: toBase64url(node.signaturePublicKey),
    node,
  });
  return refuseOnFailure('malformed', () => new Map([...leaves(group)].map(([index, node]) => [index, read(node)])));
}

/** The rules for one state, whatever led to it; a joiner runs them on the group it is let into. Returns the leaves by index. */
export function checkMembers(group: PublicGroup, policy: Policy): Map<number, Leaf> {
  const found = readLeaves(group);
  if (!sameBytes(group.groupContext.groupId, groupIdOf(policy))) throw new Refused('policy-fixed', 'group id');
  if (found.size === 0 || found.size > MAX_LEAVES) throw new Refused('limit');
  checkRosterSize(policy);
  const distinct = new Set<string>();
  for (const node of group.ratchetTree) {
    if (!node) continue;
    const key = toBase64url(getHpkePublicKey(node)); // one used twice, on any node, makes ts-mls refuse every later commit and joiner
    if (distinct.has(key)) throw new Refused('duplicate');
    distinct.add(key);
  }
  const devices = new Map<string, number>();
  const declared = encodeCapabilities(capabilities(group.groupContext.cipherSuite));
  for (const leaf of found.values()) {
    entryOf(policy, leaf.account);
    devices.set(leaf.account, (devices.get(leaf.account) ?? 0) + 1);
    if (!sameBytes(encodeCapabilities(leaf.node.capabilities), declared) || leaf.node.extensions.length > 0)
      throw new Refused('capabilities');
    // The device id alone, also across accounts: the server keeps cursors and welcomes by it, and a chain may name any id it likes.
    for (const unique of [leaf.device, leaf.key]) {
      if (distinct.has(unique)) throw new Refused('duplicate');
      distinct.add(unique);
    }
  }
  if (Math.max(...devices.values()) > MAX_DEVICES) throw new Refused('limit');
  return found;
}

function checkRosterSize({ kind, roster }: Policy): void {
  const { least, most } = ROSTER_SIZES[kind];
  const admins = roster.filter((entry) => entry.role === 'admin').length;
  if (admins === 0 || roster.length < least || roster.length > most) throw new Refused('policy-fixed', 'roster size');
}

export type LeafChanges = {
  was: Map<number, Leaf>;
  is: Map<number, Leaf>;
  by: Leaf;
  joins: boolean;
  committer: number;
  proposals: Proposal[];
  policy: Policy;
  evidence: VerifiedEvidence;
};

/** Leaf by leaf: what stayed, who came and who went must be what the proposals say, and each new name must be certified. */
export function checkLeaves({ was, is, by, joins, committer, proposals, policy, evidence }: LeafChanges): void {
  const removed = removals(proposals);
  if (joins) {
    // An own leaf left behind is a duplicate already; a removed leaf must be the joiner's own.
    const others = removed.map((index) => was.get(index)).filter((leaf) => !leaf || !isSameDevice(leaf, by));
    if (others.length > 0) throw new Refused('removes-another');
  }
  const kept = new Map([...was].filter(([index]) => !removed.includes(index)));
  for (const [index, old] of kept) checkKept(old, is.get(index), index === committer);
  const added = proposals.flatMap((proposal) => (proposal.proposalType === 'add' ? [proposal.add.keyPackage.leafNode] : []));
  const fresh = [...is].filter(([index]) => !kept.has(index));
  if (fresh.length !== added.length + (joins ? 1 : 0)) throw new Refused('leaf-unexplained');
  for (const [index, leaf] of fresh) {
    const explained = joins
      ? index === committer
      : added.some((node) => sameBytes(encodeLeafNode(node), encodeLeafNode(leaf.node)));
    if (!explained) throw new Refused('leaf-unexplained');
  }
  for (const [index, leaf] of is) {
    if (kept.get(index)?.chainSeq === leaf.chainSeq) continue;
    checkCertified(leaf, policy, evidence, was);
  }
}

/** The chain in the evidence certifies the leaf, continues what others of the account name, and is not older than the roster wants. */
export function checkCertified(leaf: Leaf, policy: Policy, evidence: VerifiedEvidence, was: Map<number, Leaf>): void {
  const chain = evidence.chains.get(leaf.account);
  if (!chain || !certifies(chain, leaf, leaf.node.signaturePublicKey) || forks(chain, was)) throw new Refused('not-certified');
  if (leaf.chainSeq < entryOf(policy, leaf.account).minChainSeq) throw new Refused('below-minimum-chain');
}

/** Only the committer's leaf may change, and then keeps its name and its key; its chain seq may rise. */
function checkKept(old: Leaf, leaf: Leaf | undefined, commits: boolean): void {
  if (!leaf || !isSameDevice(leaf, old) || leaf.key !== old.key) throw new Refused('leaf-changed');
  if (!commits && !sameBytes(encodeLeafNode(leaf.node), encodeLeafNode(old.node))) throw new Refused('leaf-changed');
  if (leaf.chainSeq < old.chainSeq || (leaf.chainSeq === old.chainSeq && leaf.chainHead !== old.chainHead))
    throw new Refused('leaf-changed');
}

/** A leaf goes when its account leaves the roster, or when its chain revoked it and the roster's minimum now says so. */
export function checkRemovals({
  was,
  proposals,
  policy,
  evidence,
}: Pick<LeafChanges, 'was' | 'proposals' | 'policy' | 'evidence'>): void {
  for (const index of removals(proposals)) {
    const leaf = was.get(index);
    if (!leaf) throw new Refused('leaf-unexplained');
    const entry = policy.roster.find(({ account }) => account === leaf.account);
    if (!entry) continue;
    const chain = evidence.chains.get(leaf.account);
    const revoked = entry.minChainSeq > leaf.chainSeq && chain?.devices[entry.minChainSeq]?.has(leaf.device) === false;
    if (!chain || forks(chain, was) || !revoked) throw new Refused('remove-unexplained');
  }
}

export const removals = (proposals: Proposal[]): number[] =>
  proposals.flatMap((proposal) => (proposal.proposalType === 'remove' ? [proposal.remove.removed] : []));

/** Whether the chain contradicts one that a leaf of the same account already names. */
export const forks = (chain: Chain, was: Map<number, Leaf>): boolean =>
  [...was.values()].some(
    (leaf) =>
      leaf.account === chain.account && chain.heads.length > leaf.chainSeq && chain.heads[leaf.chainSeq] !== leaf.chainHead,
  );

function entryOf(policy: Policy, account: string): RosterEntry {
  const entry = policy.roster.find((candidate) => candidate.account === account);
  if (!entry) throw new Refused('not-in-roster', account);
  return entry;
}
