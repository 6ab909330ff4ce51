// RFC 9420's vectors for what the corrections of ts-mls touch: the tree's arithmetic, its paths, joining, and how messages are written.
import { readFileSync } from 'node:fs';
import { decodeMlsMessage, encodeMlsMessage } from 'ts-mls';
import { determineLength } from 'ts-mls/codec/variableLength.js';
import { decodeCommit, encodeCommit } from 'ts-mls/commit.js';
import { applyUpdatePathSecret } from 'ts-mls/createCommit.js';
import { verifyGroupInfoSignature, verifyGroupInfoConfirmationTag } from 'ts-mls/groupInfo.js';
import type { GroupContext } from 'ts-mls/groupContext.js';
import { decodeGroupSecrets, encodeGroupSecrets } from 'ts-mls/groupSecrets.js';
import { makeKeyPackageRef } from 'ts-mls/keyPackage.js';
import { getCommitSecret } from 'ts-mls/pathSecrets.js';
import { toPrivateKeyPath, updateLeafKey } from 'ts-mls/privateKeyPath.js';
import { decodeProposal } from 'ts-mls/proposal.js';
import {
  addLeafNode,
  decodeRatchetTree,
  encodeRatchetTree,
  type RatchetTree,
  removeLeafNode,
  updateLeafNode,
} from 'ts-mls/ratchetTree.js';
import { treeHashRoot } from 'ts-mls/treeHash.js';
import { copath, directPath, left, parent, right, root, sibling, toLeafIndex, toNodeIndex } from 'ts-mls/treemath.js';
import { applyUpdatePath, decodeUpdatePath } from 'ts-mls/updatePath.js';
import { decryptGroupInfo, decryptGroupSecrets } from 'ts-mls/welcome.js';
import { must } from '../../test/world.ts';
import { classicSuite, type Suite } from './cipher-suite.ts';

type Hex = string;
type Places = (number | null)[];
type Vectors = {
  treeMath: { n_leaves: number; root: number; left: Places; right: Places; parent: Places; sibling: Places }[];
  treeOperations: (Record<'proposal' | 'tree_before' | 'tree_after', Hex> & { proposal_sender: number })[];
  welcome: Record<'init_priv' | 'key_package' | 'signer_pub' | 'welcome', Hex>[];
  deserialization: { vlbytes_header: Hex; length: number }[];
  messages: Record<string, Hex>[];
  treekem: {
    epoch: number;
    group_id: Hex;
    confirmed_transcript_hash: Hex;
    ratchet_tree: Hex;
    leaves_private: { index: number; encryption_priv: Hex; path_secrets: { node: number; path_secret: Hex }[] }[];
    update_paths: {
      sender: number;
      update_path: Hex;
      path_secrets: (Hex | null)[];
      commit_secret: Hex;
      tree_hash_after: Hex;
    }[];
  }[];
};
const vectors = JSON.parse(readFileSync(`${__dirname}/../../vectors/rfc9420-suite3-tree.json`, 'utf8')) as Vectors;
const bytes = (hex: Hex | undefined) => new Uint8Array(Buffer.from(must(hex), 'hex'));
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');
const treeOf = (text: Hex): RatchetTree => must(decodeRatchetTree(bytes(text), 0))[0];
const messageOf = (text: Hex | undefined) => must(decodeMlsMessage(bytes(text), 0))[0];

let suite: Suite;
beforeAll(async () => {
  suite = await classicSuite();
});

test.each(vectors.treeMath)('tree arithmetic, $n_leaves leaves', (vector) => {
  const { n_leaves: count } = vector;
  expect(root(count)).toBe(vector.root);
  const relations = {
    left: (node: number) => left(toNodeIndex(node)),
    right: (node: number) => right(toNodeIndex(node)),
    parent: (node: number) => parent(toNodeIndex(node), count),
    sibling: (node: number) => sibling(toNodeIndex(node), count),
  };
  for (const [name, relation] of Object.entries(relations)) {
    for (const [node, expected] of vector[name as keyof typeof relations].entries()) {
      if (expected === null) expect(() => relation(node)).toThrow();
      else expect([name, node, relation(node)]).toEqual([name, node, expected]);
    }
  }
  for (const node of vector.parent.keys()) {
    const path: number[] = [];
    for (let up = vector.parent[node] ?? null; up !== null; up = vector.parent[up] ?? null) path.push(up);
    expect(directPath(toNodeIndex(node), count)).toEqual(path);
    const beside = node === vector.root ? [] : [node, ...path.slice(0, -1)].map((each) => vector.sibling[each]);
    expect(copath(toNodeIndex(node), count)).toEqual(beside);
  }
  expect(() => directPath(toNodeIndex(vector.parent.length), count)).toThrow('outside the tree');
});

test.each(vectors.treeOperations.map((vector, index) => [index, vector] as const))('tree operation %i', (_index, vector) => {
  const [proposal] = must(decodeProposal(bytes(vector.proposal), 0));
  const before = treeOf(vector.tree_before);
  expect(hex(encodeRatchetTree(before))).toBe(vector.tree_before);
  let after: RatchetTree | undefined;
  if (proposal.proposalType === 'add' && 'add' in proposal) [after] = addLeafNode(before, proposal.add.keyPackage.leafNode);
  if (proposal.proposalType === 'update' && 'update' in proposal)
    after = updateLeafNode(before, proposal.update.leafNode, toLeafIndex(vector.proposal_sender));
  if (proposal.proposalType === 'remove' && 'remove' in proposal)
    after = removeLeafNode(before, toLeafIndex(proposal.remove.removed));
  expect(hex(encodeRatchetTree(must(after)))).toBe(vector.tree_after);
});

test.each(vectors.welcome)('a welcome opens to a group info that its signer and its tag prove', async (vector) => {
  const [keyMessage, message] = [messageOf(vector.key_package), messageOf(vector.welcome)];
  if (keyMessage.wireformat !== 'mls_key_package' || message.wireformat !== 'mls_welcome') throw new Error('wire format');
  const ref = await makeKeyPackageRef(keyMessage.keyPackage, suite.hash);
  const initKey = await suite.hpke.importPrivateKey(bytes(vector.init_priv));
  const { joinerSecret } = must(await decryptGroupSecrets(initKey, ref, message.welcome, suite.hpke));
  const pskSecret = new Uint8Array(suite.kdf.size);
  const info = must(await decryptGroupInfo(message.welcome, joinerSecret, pskSecret, suite));
  expect(await verifyGroupInfoSignature(info, bytes(vector.signer_pub), suite.signature)).toBe(true);
  expect(await verifyGroupInfoConfirmationTag(info, joinerSecret, pskSecret, suite)).toBe(true);
  const changed = { ...info, confirmationTag: new Uint8Array(info.confirmationTag.length) };
  expect(await verifyGroupInfoSignature(changed, bytes(vector.signer_pub), suite.signature)).toBe(false);
  expect(await verifyGroupInfoConfirmationTag(changed, joinerSecret, pskSecret, suite)).toBe(false);
});

test.each(vectors.deserialization)('a length of $length is written $vlbytes_header', ({ vlbytes_header, length }) => {
  const found = determineLength(bytes(vlbytes_header));
  expect(found).toEqual({ length, lengthFieldSize: vlbytes_header.length / 2 });
});

test.each(vectors.messages)('messages are read and written again as they were', (vector) => {
  for (const name of ['mls_welcome', 'mls_group_info', 'mls_key_package', 'public_message_proposal', 'private_message'])
    expect([name, hex(encodeMlsMessage(messageOf(vector[name])))]).toEqual([name, vector[name]]);
  for (const name of ['public_message_application', 'public_message_commit'])
    expect([name, hex(encodeMlsMessage(messageOf(vector[name])))]).toEqual([name, vector[name]]);
  expect(hex(encodeRatchetTree(treeOf(must(vector['ratchet_tree']))))).toBe(vector['ratchet_tree']);
  expect(hex(encodeGroupSecrets(must(decodeGroupSecrets(bytes(vector['group_secrets']), 0))[0]))).toBe(vector['group_secrets']);
  expect(hex(encodeCommit(must(decodeCommit(bytes(vector['commit']), 0))[0]))).toBe(vector['commit']);
});

test.each(vectors.treekem.map((vector, index) => [index, vector] as const))('TreeKEM, group %i', async (_index, vector) => {
  const tree = treeOf(vector.ratchet_tree);
  for (const update of vector.update_paths) {
    const sender = toLeafIndex(update.sender);
    const [path] = must(decodeUpdatePath(bytes(update.update_path), 0));
    const after = await applyUpdatePath(tree, sender, path, suite.hash);
    const treeHash = await treeHashRoot(after, suite.hash);
    expect(hex(treeHash)).toBe(update.tree_hash_after);
    const context: GroupContext = {
      version: 'mls10',
      cipherSuite: suite.name,
      groupId: bytes(vector.group_id),
      epoch: BigInt(vector.epoch),
      treeHash,
      confirmedTranscriptHash: bytes(vector.confirmed_transcript_hash),
      extensions: [],
    };
    for (const leaf of vector.leaves_private) {
      if (leaf.index === update.sender) continue;
      const known = Object.fromEntries(leaf.path_secrets.map(({ node, path_secret }) => [node, bytes(path_secret)]));
      const keys = updateLeafKey(await toPrivateKeyPath(known, leaf.index, suite), bytes(leaf.encryption_priv));
      const { nodeIndex, pathSecret } = await applyUpdatePathSecret(tree, keys, sender, context, path, [], suite);
      expect(hex(pathSecret)).toBe(update.path_secrets[leaf.index]);
      expect(hex(await getCommitSecret(after, nodeIndex, pathSecret, suite.kdf))).toBe(update.commit_secret);
    }
  }
});
