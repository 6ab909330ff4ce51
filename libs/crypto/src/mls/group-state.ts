import type { ClientConfig, ClientState } from 'ts-mls';
import { defaultClientConfig } from 'ts-mls/clientConfig.js';
import {
  decodeGroupState,
  decodeGroupStateWithoutTree,
  encodeGroupState,
  encodeGroupStateWithoutTree,
} from 'ts-mls/clientState.js';
import { encode } from 'ts-mls/codec/tlsEncoder.js';
import { bigintMapEncoder, decodeBigintMap } from 'ts-mls/codec/variableLength.js';
import { decodeEpochReceiverData, epochReceiverDataEncoder } from 'ts-mls/epochReceiverData.js';
import { decodeRatchetTree, encodeRatchetTree } from 'ts-mls/ratchetTree.js';
import { allSecretTreeValues } from 'ts-mls/secretTree.js';
import type { Chains } from '../device-chain.ts';
import { Reader, Writer } from '../encoding.ts';
import { hash, HASH_BYTES, sameBytes } from '../primitives.ts';
import { MAX_PAST_EPOCHS } from './application-message.ts';
import { authenticationService } from './credential.ts';

/** A commit of ours that the sequencer has not answered yet, and the state it leads to. */
export type Pending = { commit: Uint8Array; state: ClientState };
export type Snapshot = { state: ClientState; pending?: Pending };

/**
 * What to write for a group, in one transaction. `state` is small and comes with every step. `tree` holds the ratchet tree, past
 * epochs and the pending commit; it comes only when one of them changed, which is once an epoch, and replaces the one before.
 */
export type GroupSave = { state: Uint8Array; tree?: GroupTree };
export type GroupTree = { epoch: bigint; bytes: Uint8Array };
/** The newest of both, as read back. */
export type StoredGroup = { state: Uint8Array; tree: Uint8Array };

/** What a store holds after a step's `save` was written to it. */
export function storedAfter(stored: StoredGroup | undefined, { state, tree }: GroupSave): StoredGroup {
  const bytes = tree?.bytes ?? stored?.tree;
  if (!bytes) throw new GroupStateError('the first save of a group has a tree');
  return { state, tree: bytes };
}

/** The two parts of a stored group do not belong together, or are of another version. The group must be rejoined. */
export class GroupStateError extends Error {}

const VERSION = 1;
const encodeHistory = encode(bigintMapEncoder(epochReceiverDataEncoder));
const decodeHistory = decodeBigintMap(decodeEpochReceiverData);

/** Our guards for ts-mls, whose default authentication service believes every credential. */
export function clientConfig(chains: Chains): ClientConfig {
  return {
    ...defaultClientConfig,
    keyRetentionConfig: { ...defaultClientConfig.keyRetentionConfig, retainKeysForEpochs: MAX_PAST_EPOCHS },
    authService: authenticationService(chains),
  };
}

/** Encodes a snapshot; `written` is what the store holds already, so that an unchanged tree is not written again. */
export function encodeSnapshot(
  next: Snapshot,
  written?: { snapshot: Snapshot; treeHash: Uint8Array },
): { save: GroupSave; treeHash: Uint8Array } {
  const { state, pending } = next;
  const unchanged = written && sameTree(written.snapshot, next);
  const tree = unchanged ? undefined : { epoch: state.groupContext.epoch, bytes: encodeTree(state, pending) };
  const treeHash = tree ? hash(tree.bytes) : (written?.treeHash ?? new Uint8Array());
  const small = encodeGroupStateWithoutTree({ ...state, historicalReceiverData: new Map() });
  const save = { state: new Writer().number(VERSION, 1).fixed(treeHash).bytes(small).finish(), ...(tree && { tree }) };
  return { save, treeHash };
}

/** Throws `GroupStateError`. */
export function decodeSnapshot(stored: StoredGroup, chains: Chains): { snapshot: Snapshot; treeHash: Uint8Array } {
  const reader = new Reader(stored.state);
  if (reader.number(1) !== VERSION) throw new GroupStateError('unknown version');
  const treeHash = reader.fixed(HASH_BYTES);
  const small = reader.bytes();
  reader.end();
  if (!sameBytes(treeHash, hash(stored.tree))) throw new GroupStateError('state and tree of different writes');
  const parts = new Reader(stored.tree);
  const [ratchetTree, history] = [whole(decodeRatchetTree, parts.bytes()), whole(decodeHistory, parts.bytes())];
  const [commit, next] = parts.list(2);
  parts.end();
  const config = clientConfig(chains);
  const state = {
    ...whole(decodeGroupStateWithoutTree(ratchetTree), small),
    historicalReceiverData: history,
    clientConfig: config,
  };
  const pending = commit && next && { commit, state: { ...whole(decodeGroupState, next), clientConfig: config } };
  return { snapshot: { state, ...(pending && { pending }) }, treeHash };
}

/** Zeroes what `old` holds and `next` does not. ts-mls's `consumed` lists less: not the old epoch's schedule, not evicted epochs. */
export function wipeSnapshot(old: Snapshot, next: Snapshot | undefined): void {
  const kept = new Set(next ? secretsOf(next) : []);
  for (const secret of secretsOf(old)) if (!kept.has(secret)) secret.fill(0);
}

const sameTree = (a: Snapshot, b: Snapshot): boolean =>
  a.state.ratchetTree === b.state.ratchetTree &&
  a.state.historicalReceiverData === b.state.historicalReceiverData &&
  a.pending === b.pending;

function encodeTree(state: ClientState, pending: Pending | undefined): Uint8Array {
  return new Writer()
    .bytes(encodeRatchetTree(state.ratchetTree))
    .bytes(encodeHistory(state.historicalReceiverData))
    .list(pending ? [pending.commit, encodeGroupState(pending.state)] : [])
    .finish();
}

function secretsOf({ state, pending }: Snapshot): Uint8Array[] {
  const states = [state, ...(pending ? [pending.state] : [])];
  return states.flatMap(({ keySchedule, secretTree, privatePath, historicalReceiverData, signaturePrivateKey }) => [
    ...Object.values(keySchedule),
    ...allSecretTreeValues(secretTree).filter(Boolean), // its array starts with holes
    ...Object.values(privatePath.privateKeys),
    ...[...historicalReceiverData.values()].flatMap((past) => [
      ...allSecretTreeValues(past.secretTree).filter(Boolean),
      past.senderDataSecret,
      past.resumptionPsk,
    ]),
    signaturePrivateKey,
  ]);
}

type Decode<T> = (bytes: Uint8Array, offset: number) => [T, number] | undefined;

// ts-mls decodes into views of its input; `bytes` is a copy of ours, so wiping reaches every byte and nobody else's.
function whole<T>(decode: Decode<T>, bytes: Uint8Array): T {
  const decoded = decode(bytes, 0);
  if (!decoded || decoded[1] !== bytes.length) throw new GroupStateError('not a group state');
  return decoded[0];
}
