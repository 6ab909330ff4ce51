import type { ClientState, GroupInfo, LeafNode, MLSMessage, PublicMessage, Proposal, RatchetTree } from 'ts-mls';
import { verifyFramedContentSignature } from 'ts-mls/framedContent.js';
import { encodeGroupContext } from 'ts-mls/groupContext.js';
import { ratchetTreeFromExtension, verifyGroupInfoSignature } from 'ts-mls/groupInfo.js';
import { verifyKeyPackage } from 'ts-mls/keyPackage.js';
import { verifyLeafNodeSignature, verifyLeafNodeSignatureKeyPackage } from 'ts-mls/leafNode.js';
import { decodeMlsMessage, encodeMlsMessage } from 'ts-mls/message.js';
import { findSignaturePublicKey } from 'ts-mls/publicMessage.js';
import { addLeafNode, filteredDirectPathAndCopathResolution, removeLeafNode } from 'ts-mls/ratchetTree.js';
import { createConfirmedHash, createInterimHash } from 'ts-mls/transcriptHash.js';
import { treeHashRoot } from 'ts-mls/treeHash.js';
import { leafToNodeIndex, nodeToLeafIndex, toLeafIndex, toNodeIndex } from 'ts-mls/treemath.js';
import { applyUpdatePath } from 'ts-mls/updatePath.js';
import { sameBytes } from '../primitives.ts';
import type { PublicSuite } from './public-suite.ts';

/** What anyone may know about a group in one epoch, and all that the sequencer keeps. A `ClientState` is one, with secrets beside it. */
export type PublicGroup = Pick<ClientState, 'groupContext' | 'ratchetTree' | 'confirmationTag'>;
/** A public group after a commit, with the leaf index of its committer. */
export type AdvancedGroup = PublicGroup & { committer: number };
type CommitContent = PublicMessage['content'] & { contentType: 'commit' };
export type CommitMessage = PublicMessage & { content: CommitContent; auth: { confirmationTag: Uint8Array } };

/** Bytes that are not a valid message, group info or commit. Clients and sequencer catch it at their own edge. */
export class InvalidGroupData extends Error {}

/** Decodes one whole MLS message. Throws `InvalidGroupData`: ts-mls answers `undefined` or throws for garbage, and ignores what follows. */
export function decodeMessage(bytes: Uint8Array): MLSMessage {
  let decoded: ReturnType<typeof decodeMlsMessage>;
  try {
    decoded = decodeMlsMessage(new Uint8Array(bytes), 0);
  } catch (cause) {
    throw new InvalidGroupData('not an MLS message', { cause });
  }
  if (!decoded || decoded[1] !== bytes.length) throw new InvalidGroupData('not one MLS message');
  return decoded[0];
}

export function leaves({ ratchetTree }: Pick<PublicGroup, 'ratchetTree'>): Map<number, LeafNode> {
  const found = new Map<number, LeafNode>();
  for (const [index, node] of ratchetTree.entries()) {
    if (node?.nodeType === 'leaf') found.set(nodeToLeafIndex(toNodeIndex(index)), node.leaf);
  }
  return found;
}

export type ReadGroupInfo = { info: GroupInfo; group: PublicGroup; signer: LeafNode };

/** Reads group info and verifies its tree hash and its signer's signature. Whether the signer belongs there is the pin's question. */
export async function readGroupInfo(bytes: Uint8Array, suite: PublicSuite): Promise<ReadGroupInfo> {
  const message = decodeMessage(bytes);
  if (message.wireformat !== 'mls_group_info') throw new InvalidGroupData('not group info');
  const info = message.groupInfo;
  if (info.groupContext.cipherSuite !== suite.name) throw new InvalidGroupData('cipher suite');
  const ratchetTree = ratchetTreeFromExtension(info);
  const signer = ratchetTree && leaves({ ratchetTree }).get(info.signer);
  if (!ratchetTree || !signer) throw new InvalidGroupData('group info without tree or signer');
  if (!(await verifyGroupInfoSignature(info, signer.signaturePublicKey, suite.signature)))
    throw new InvalidGroupData('group info signature');
  if (!sameBytes(info.groupContext.treeHash, await treeHashRoot(ratchetTree, suite.hash)))
    throw new InvalidGroupData('group info tree hash');
  return { info, group: { groupContext: info.groupContext, ratchetTree, confirmationTag: info.confirmationTag }, signer };
}

/**
 * Applies a commit to public state: every check of RFC 9420 section 12.4.2 that needs no secret. Not checked, because an outsider
 * cannot: the membership tag, the confirmation tag, and what the path's ciphertexts contain. Throws.
 */
export async function advance(
  before: PublicGroup,
  message: CommitMessage,
  proposals: Proposal[],
  suite: PublicSuite,
): Promise<AdvancedGroup> {
  const { groupContext } = before;
  const { content, auth } = message;
  const path = content.commit.path;
  if (!path) throw new InvalidGroupData('no path');
  // For a member the signed bytes include the whole group context, so the signature is bound to this group, epoch and transcript.
  const committerKey = findSignaturePublicKey(before.ratchetTree, groupContext, content);
  if (!(await verifyFramedContentSignature(committerKey, 'mls_public_message', content, auth, groupContext, suite.signature)))
    throw new InvalidGroupData('commit signature');

  const applied = await applyProposals(before, proposals, suite);
  const joins = content.sender.senderType !== 'member';
  let tree = applied.tree;
  let committer = content.sender.senderType === 'member' ? content.sender.leafIndex : -1;
  if (joins) {
    const [grown, index] = addLeafNode(tree, path.leafNode);
    tree = grown;
    committer = nodeToLeafIndex(index);
  }
  await checkPath({ message, tree, committer, added: applied.added, groupContext }, suite);
  tree = await applyUpdatePath(tree, toLeafIndex(committer), path, suite.hash, joins); // checks the parent hash

  const change = proposals.find((proposal) => proposal.proposalType === 'group_context_extensions');
  const extensions = change ? change.groupContextExtensions.extensions : groupContext.extensions;
  const interim = await createInterimHash(groupContext.confirmedTranscriptHash, before.confirmationTag, suite.hash);
  const signed = { wireformat: 'mls_public_message' as const, content, signature: auth.signature };
  const confirmedTranscriptHash = await createConfirmedHash(interim, signed, suite.hash);
  const treeHash = await treeHashRoot(tree, suite.hash);
  return {
    groupContext: { ...groupContext, epoch: groupContext.epoch + 1n, extensions, treeHash, confirmedTranscriptHash },
    ratchetTree: tree,
    confirmationTag: auth.confirmationTag,
    committer,
  };
}

async function applyProposals({ groupContext, ratchetTree }: PublicGroup, proposals: Proposal[], suite: PublicSuite) {
  let tree: RatchetTree = ratchetTree;
  const added: number[] = [];
  for (const proposal of proposals)
    if (proposal.proposalType === 'remove') tree = removeLeafNode(tree, toLeafIndex(proposal.remove.removed));
  for (const proposal of proposals) {
    if (proposal.proposalType !== 'add') continue;
    const { keyPackage } = proposal.add;
    if (keyPackage.cipherSuite !== groupContext.cipherSuite || sameBytes(keyPackage.initKey, keyPackage.leafNode.hpkePublicKey))
      throw new InvalidGroupData('key package');
    if (!(await verifyKeyPackage(keyPackage, suite.signature))) throw new InvalidGroupData('key package signature');
    if (!(await verifyLeafNodeSignatureKeyPackage(keyPackage.leafNode, suite.signature)))
      throw new InvalidGroupData('added leaf signature');
    mustEncrypt([keyPackage.initKey, keyPackage.leafNode.hpkePublicKey], suite);
    const [grown, index] = addLeafNode(tree, keyPackage.leafNode);
    tree = grown;
    added.push(index);
  }
  return { tree, added };
}

type PathCheck = {
  message: CommitMessage;
  tree: RatchetTree;
  committer: number;
  added: number[];
  groupContext: PublicGroup['groupContext'];
};

/** The path fits the tree: one node a level, one ciphertext for each receiver, and keys that the next committer can encrypt to. */
async function checkPath({ message, tree, committer, added, groupContext }: PathCheck, suite: PublicSuite): Promise<void> {
  const path = message.content.commit.path;
  if (!path) throw new InvalidGroupData('no path');
  const own = toLeafIndex(committer);
  if (tree[leafToNodeIndex(own)]?.nodeType !== 'leaf') throw new InvalidGroupData('committer is gone');
  if (!(await verifyLeafNodeSignature(path.leafNode, groupContext.groupId, committer, suite.signature)))
    throw new InvalidGroupData('path leaf signature');
  const levels = filteredDirectPathAndCopathResolution(own, tree);
  const wellFormed = path.nodes.every((node, level) => {
    const receivers = levels[level]?.resolution.filter((index) => !added.includes(index)).length;
    return node.encryptedPathSecret.length === receivers;
  });
  if (!wellFormed || levels.length !== path.nodes.length) throw new InvalidGroupData('path does not fit the tree');
  mustEncrypt([path.leafNode.hpkePublicKey, ...path.nodes.map((node) => node.hpkePublicKey)], suite);
}

/** A public key that the next committer cannot encrypt to would stop the group, so each new one is tried once. */
function mustEncrypt(keys: Uint8Array[], suite: PublicSuite): void {
  if (!keys.every((key) => suite.canEncryptTo(key))) throw new InvalidGroupData('unusable public key');
}

/** Whether uploaded group info is the public state that the accepted commit led to, signed by the committer. Throws or says no. */
export async function groupInfoMatches(after: AdvancedGroup, bytes: Uint8Array, suite: PublicSuite): Promise<boolean> {
  const { info, group } = await readGroupInfo(bytes, suite);
  const externalPub = info.extensions.find((extension) => extension.extensionType === 'external_pub');
  if (!externalPub || info.extensions.length !== 2) return false; // the other is the tree
  mustEncrypt([externalPub.extensionData], suite); // whether it is the *right* key shows only when somebody rejoins
  return info.signer === after.committer && samePublicGroup(after, group);
}

/** The group context holds the tree hash and the transcript hash, so equal contexts and tags mean equal public state. */
export function samePublicGroup(a: PublicGroup, b: PublicGroup): boolean {
  return (
    sameBytes(encodeGroupContext(a.groupContext), encodeGroupContext(b.groupContext)) &&
    sameBytes(a.confirmationTag, b.confirmationTag)
  );
}

export function encodeGroupInfo(groupInfo: GroupInfo): Uint8Array {
  return encodeMlsMessage({ version: 'mls10', wireformat: 'mls_group_info', groupInfo });
}
