import type { ClientState, Proposal } from 'ts-mls';
import { createCommit, createGroupInfoWithExternalPubAndRatchetTree } from 'ts-mls/createCommit.js';
import { encodeMlsMessage } from 'ts-mls/message.js';
import { emptyPskIndex } from 'ts-mls/pskIndex.js';
import { commitPolicy } from './commit-policy.ts';
import { decodeCredential, encodeCredential, type LeafCredential } from './credential.ts';
import { CommitRefused, type Engine, type Intent } from './engine.ts';
import { encodeEvidence } from './evidence.ts';
import type { Pending } from './group-state.ts';
import { decodeKeyPackageBytes } from './key-package.ts';
import { editRoster, groupExtensions, policyOf } from './policy.ts';
import { encodeGroupInfo, leaves } from './public-group.ts';
import type { Bundle } from './sequencer.ts';

/** Makes a commit for the intent and the state that it leads to, and judges it as everybody else will. Throws `CommitRefused`. */
export async function prepareCommit(
  { suite, chains }: Engine,
  now: ClientState,
  intent: Intent,
): Promise<{ bundle: Bundle; pending: Pending }> {
  for (const chain of intent.evidence?.chains ?? []) chains.learn(chain.bytes);
  const created = await createCommit(
    { state: withCredential(now, intent.credential), cipherSuite: suite, pskIndex: emptyPskIndex },
    {
      wireAsPublicMessage: true,
      extraProposals: proposalsFor(now, intent),
      ratchetTreeExtension: true,
      authenticatedData: encodeEvidence(intent.evidence ?? {}),
    },
  );
  const commit = encodeMlsMessage(created.commit);
  const verdict = await commitPolicy(now, commit, suite);
  if (!verdict.ok) throw new CommitRefused(verdict.reason, verdict.detail);
  const bundle: Bundle = { commit, groupInfo: await groupInfoOf(created.newState, { suite }) };
  const { welcome } = created;
  if (welcome) bundle.welcome = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_welcome', welcome });
  // Without its copy of this epoch's ratchets, which would keep used keys alive for as long as the commit waits.
  return { bundle, pending: { commit, state: { ...created.newState, historicalReceiverData: new Map() } } };
}

/** What the sequencer keeps, and what a device needs to come back. */
export async function groupInfoOf(state: ClientState, { suite }: Pick<Engine, 'suite'>): Promise<Uint8Array> {
  return encodeGroupInfo(await createGroupInfoWithExternalPubAndRatchetTree(state, [], suite));
}

function proposalsFor(state: ClientState, { add = [], remove = [], roster }: Intent): Proposal[] {
  const proposals: Proposal[] = add.map((bytes) => ({ proposalType: 'add', add: { keyPackage: decodeKeyPackageBytes(bytes) } }));
  for (const [removed, leaf] of leaves(state)) {
    const { account, device } = decodeCredential(leaf.credential);
    const gone = remove.some((target) => target.account === account && (target.device ?? device) === device);
    if (gone) proposals.push({ proposalType: 'remove', remove: { removed } });
  }
  if (roster) {
    const policy = editRoster(policyOf(state.groupContext.extensions), roster, state.groupContext.epoch + 1n);
    proposals.push({ proposalType: 'group_context_extensions', groupContextExtensions: { extensions: groupExtensions(policy) } });
  }
  return proposals;
}

/** ts-mls copies the credential of the own leaf into every path, so a new one goes in by way of the tree. */
function withCredential(state: ClientState, credential: LeafCredential | undefined): ClientState {
  if (!credential) return state;
  const index = state.privatePath.leafIndex * 2;
  const ratchetTree = state.ratchetTree.map((node, at) =>
    at === index && node?.nodeType === 'leaf'
      ? { ...node, leaf: { ...node.leaf, credential: encodeCredential(credential) } }
      : node,
  );
  return { ...state, ratchetTree };
}
