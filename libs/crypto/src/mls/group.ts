import type { ClientState } from 'ts-mls';
import { mlsExporter } from 'ts-mls/keySchedule.js';
import { processPublicMessage } from 'ts-mls/processMessages.js';
import { emptyPskIndex } from 'ts-mls/pskIndex.js';
import { addHistoricalReceiverData } from 'ts-mls/clientState.js';
import { ChainMissing } from '../device-chain.ts';
import { utf8, Writer } from '../encoding.ts';
import { sameBytes } from '../primitives.ts';
import { type MessageMark, open, OpenError, seal, type Sender } from './application-message.ts';
import { commitPolicy } from './commit-policy.ts';
import { decodeCredential, type LeafCredential } from './credential.ts';
import { CommitRefused, type Engine, type Intent, type Received, type Step } from './engine.ts';
import type { Evidence } from './evidence.ts';
import { createState, joinState, rejoinState } from './group-entry.ts';
import {
  decodeSnapshot,
  encodeSnapshot,
  type GroupSave,
  type Pending,
  type Snapshot,
  type StoredGroup,
  wipeSnapshot,
} from './group-state.ts';
import { newMessageId } from './message-id.ts';
import type { OwnKeyPackage } from './own-key-package.ts';
import { type Pin, pinOf } from './pin.ts';
import { type Policy, policyOf } from './policy.ts';
import { groupInfoOf, prepareCommit } from './prepared-commit.ts';
import { decodeMessage, InvalidGroupData, leaves, type PublicGroup, samePublicGroup } from './public-group.ts';
import { messageOf } from './refusal.ts';
import type { Bundle } from './sequencer.ts';

/** A group that was just entered. Write `save` before anything leaves. */
export type Entered = { group: Group; save: GroupSave; groupInfo: Uint8Array };

const MEDIA_KEY_BYTES = 32;
const MEDIA_LABEL = 'Rialto SFrame 1.0';

/**
 * One MLS group of this device. It owns the state: nobody else holds a reference, so an old state, whose keys ts-mls may have zeroed
 * already, cannot be used twice. One step at a time: a second one before `settle` or `abandon` throws.
 */
export class Group {
  #engine: Engine;
  #snapshot: Snapshot | undefined;
  #treeHash: Uint8Array;
  #busy = false;

  private constructor(engine: Engine, snapshot: Snapshot, treeHash: Uint8Array) {
    this.#engine = engine;
    this.#snapshot = snapshot;
    this.#treeHash = treeHash;
  }

  /** A new group of one leaf, at epoch 0. Upload the group info to open the conversation; add the others with `commit`. */
  static async create(engine: Engine, own: OwnKeyPackage, policy: Policy): Promise<Entered> {
    return Group.#enter(engine, await createState(engine, own, policy));
  }

  /**
   * Joins by a member's welcome. With a pin, the group must also continue what the pin remembers. Throws `ChainMissing` (fetch the
   * chain, try again), `CommitRefused`, or `InvalidGroupData` for a welcome that is malformed or for another key package.
   */
  static async join(
    engine: Engine,
    own: OwnKeyPackage,
    welcome: Uint8Array,
    expected: { conversationId: string; pin?: Pin },
  ): Promise<Entered> {
    const state = await joinState(engine, own, welcome, expected).catch((cause: unknown) => {
      const isTyped = [ChainMissing, CommitRefused, InvalidGroupData].some((kind) => cause instanceof kind);
      throw isTyped ? cause : new InvalidGroupData(messageOf(cause), { cause }); // ts-mls's own errors are not all typed
    });
    return Group.#enter(engine, state);
  }

  /**
   * Comes back by external commit. The group may be used once the sequencer accepted the bundle; drop it otherwise. `newAccounts` are
   * in the roster and not in the pin: show them before the first send. The only leaf of a group cannot rejoin.
   */
  static async rejoin(
    engine: Engine,
    own: OwnKeyPackage,
    from: { groupInfo: Uint8Array; pin: Pin; evidence: Evidence },
  ): Promise<Entered & { bundle: Bundle; newAccounts: string[] }> {
    const { state, commit, newAccounts } = await rejoinState(engine, own, from);
    const entered = await Group.#enter(engine, state);
    return { ...entered, newAccounts, bundle: { commit, groupInfo: entered.groupInfo } };
  }

  /** Throws `GroupStateError` when the two parts do not belong together. */
  static load(engine: Engine, stored: StoredGroup): Group {
    const { snapshot, treeHash } = decodeSnapshot(stored, engine.chains);
    return new Group(engine, snapshot, treeHash);
  }

  static async #enter(engine: Engine, state: ClientState): Promise<Entered> {
    const snapshot: Snapshot = { state };
    const { save, treeHash } = encodeSnapshot(snapshot);
    return { group: new Group(engine, snapshot, treeHash), save, groupInfo: await groupInfoOf(state, engine) };
  }

  get epoch(): bigint {
    return this.#current.state.groupContext.epoch;
  }
  get policy(): Policy {
    return policyOf(this.#current.state.groupContext.extensions);
  }
  /** Who is here, from the tree alone. */
  get members(): Sender[] {
    return [...leaves(this.#current.state)].map(([leafIndex, leaf]) => ({ ...decodeCredential(leaf.credential), leafIndex }));
  }
  /** The own leaf's index: the one that others' `sender.leafIndex` and `mediaKey` name for this device. */
  get ownLeafIndex(): number {
    return this.#current.state.privatePath.leafIndex;
  }
  get publicGroup(): PublicGroup {
    const { groupContext, ratchetTree, confirmationTag } = this.#current.state;
    return { groupContext, ratchetTree, confirmationTag };
  }
  get pin(): Pin {
    return pinOf(this.publicGroup);
  }
  /** Whether a commit of ours waits for the sequencer's answer. */
  get hasPendingCommit(): boolean {
    return this.#current.pending !== undefined;
  }
  /** Equal for all members of one epoch and for nobody else: what own devices compare in the self group. */
  get epochAuthenticator(): Uint8Array {
    return new Uint8Array(this.#current.state.keySchedule.epochAuthenticator);
  }

  /** Seals an application message. Pass the id under which the client already keeps it, or one is made. */
  async send(plaintext: Uint8Array, messageId: string = newMessageId()): Promise<Step<{ bytes: Uint8Array; messageId: string }>> {
    return this.#step(async (now) => {
      const { next, bytes } = await seal(now.state, plaintext, messageId, this.#engine.suite);
      return { next: { ...now, state: next }, result: { bytes, messageId } };
    });
  }

  /**
   * Prepares a commit and keeps it as pending. It takes effect when `receive` is given its own bytes as the sequencer's winner; when
   * another wins, `receive` answers `lostPending` and the intent may be tried again. Throws `CommitRefused`.
   */
  async commit(intent: Intent): Promise<Step<Bundle>> {
    return this.#step(async (now) => {
      if (now.pending) throw new Error('a commit is already pending');
      const { bundle, pending } = await prepareCommit(this.#engine, now.state, intent);
      return { next: { ...now, pending }, result: bundle };
    });
  }

  /** Drops the pending commit: the sequencer refused it for good. Never after an unknown outcome: it may have won. */
  async dropPending(): Promise<Step<undefined>> {
    return this.#step(async ({ state }) => ({ next: { state }, result: undefined }));
  }

  /**
   * Takes what the conversation's log holds next. Throws `OpenError`, `CommitRefused` or `ChainMissing`, and then nothing has changed.
   *
   * A member can encrypt another's signed message again, so a message is new only if its `mark` (epoch, leaf, message id) is. The
   * client's message table has a unique index on conversation and mark: insert the message in the transaction that writes
   * `step.save`; if the index refuses it, roll back, `abandon()` the step, and treat the bytes as `message-replayed`. Marks older than
   * `MAX_PAST_EPOCHS` may be deleted. `seen` is a quicker first look at the same table, and what a store without such an index uses.
   */
  async receive(
    bytes: Uint8Array,
    { seen }: { seen?: (mark: MessageMark) => boolean | Promise<boolean> } = {},
  ): Promise<Step<Received>> {
    return this.#step<Received>(async (now) => {
      if (now.pending && sameBytes(bytes, now.pending.commit)) return this.#merge(now, now.pending);
      const message = decoded(bytes);
      if (message.wireformat !== 'mls_private_message') return this.#processCommit(now, bytes);
      const { next, opened } = await open(now.state, message.privateMessage, this.#engine.suite);
      if (await seen?.(opened.mark)) throw new OpenError('message-replayed');
      return { next: { ...now, state: next }, result: { kind: 'message', message: opened } };
    });
  }

  /** RFC 9605 base key for one sender's media: MLS-Exporter("Rialto SFrame 1.0", callId ‖ leaf ‖ instance), 32 bytes. */
  async mediaKey({
    callId,
    leafIndex,
    instance,
  }: {
    callId: string;
    leafIndex: number;
    instance: Uint8Array;
  }): Promise<Uint8Array> {
    const context = new Writer().bytes(utf8(callId)).number(leafIndex, 4).bytes(instance).finish();
    return mlsExporter(this.#current.state.keySchedule.exporterSecret, MEDIA_LABEL, context, MEDIA_KEY_BYTES, this.#engine.suite);
  }

  async #processCommit(now: Snapshot, bytes: Uint8Array): Promise<{ next: Snapshot | undefined; result: Received }> {
    const { suite, chains } = this.#engine;
    const verdict = await commitPolicy(now.state, bytes, suite);
    if (!verdict.ok) throw new CommitRefused(verdict.reason, verdict.detail);
    for (const chain of verdict.chains) chains.learn(chain.bytes);
    const message = decoded(bytes);
    if (message.wireformat !== 'mls_public_message') throw new CommitRefused('not-a-public-commit');
    const { newState } = await processPublicMessage(now.state, message.publicMessage, emptyPskIndex, suite).catch(
      (cause: unknown) => {
        // The membership tag, the confirmation tag or the path: what `commitPolicy` cannot see.
        throw cause instanceof ChainMissing ? cause : new CommitRefused('mls', cause);
      },
    );
    const { policy, by } = verdict;
    if (newState.groupActiveState.kind === 'removedFromGroup') return { next: undefined, result: { kind: 'removed', by } };
    if (!samePublicGroup(newState, verdict.after)) throw new CommitRefused('invalid', 'public and private state disagree');
    const lostPending = now.pending !== undefined;
    const rejoined = message.publicMessage.content.sender.senderType === 'new_member_commit';
    return { next: { state: newState }, result: { kind: 'commit', own: false, by, policy, lostPending, rejoined } };
  }

  #merge(now: Snapshot, pending: Pending): { next: Snapshot; result: Received } {
    const [historicalReceiverData] = addHistoricalReceiverData(now.state); // with the ratchets as they are now, not as when it was prepared
    const state = { ...pending.state, historicalReceiverData };
    const policy = policyOf(state.groupContext.extensions);
    const by: LeafCredential | undefined = this.members.find((member) => member.leafIndex === state.privatePath.leafIndex);
    return { next: { state }, result: { kind: 'commit', own: true, by, policy, lostPending: false, rejoined: false } };
  }

  async #step<T>(run: (now: Snapshot) => Promise<{ next: Snapshot | undefined; result: T }>): Promise<Step<T>> {
    const now = this.#current;
    if (this.#busy) throw new Error('the last step is neither settled nor abandoned');
    this.#busy = true;
    try {
      const { next, result } = await run(now);
      const encoded = next && encodeSnapshot(next, { snapshot: now, treeHash: this.#treeHash });
      let open = true;
      const close = () => {
        if (!open) throw new Error('this step is over');
        open = false;
        this.#busy = false;
      };
      const settle = () => {
        close();
        this.#snapshot = next;
        if (encoded) this.#treeHash = encoded.treeHash;
        wipeSnapshot(now, next);
      };
      const abandon = () => {
        close();
        if (next) wipeSnapshot(next, now);
      };
      return { save: encoded?.save, result, settle, abandon };
    } catch (cause) {
      this.#busy = false;
      throw cause;
    }
  }

  get #current(): Snapshot {
    if (!this.#snapshot) throw new Error('removed from the group');
    return this.#snapshot;
  }
}

/** Bytes that are no MLS message at all are unreadable for everybody. */
function decoded(bytes: Uint8Array): ReturnType<typeof decodeMessage> {
  try {
    return decodeMessage(bytes);
  } catch (cause) {
    throw new OpenError('unreadable', cause);
  }
}
