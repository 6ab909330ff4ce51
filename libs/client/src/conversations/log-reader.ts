import type { AccountId, DeviceId, LogRow } from '@rialto/contracts';
import { ChainMissing, encodePin, fromBase64url, MAX_PAST_EPOCHS, type Received, type Step, toBase64url } from '@rialto/crypto';
import type { Emitter } from '../events.ts';
import { decodeEnvelope } from '../messages/envelope.ts';
import { effectOf, visible } from '../messages/incoming.ts';
import { type Outgoing, type OutgoingCommit, wasSealedHere } from '../messages/outgoing-record.ts';
import { advanced, type Timeline } from '../messages/timeline.ts';
import type { People } from '../people/people.ts';
import { type Change, type Store, StoreConflict } from '../store.ts';
import type { MessageRecord } from '../messages/message-record.ts';
import type { SystemText } from '../views.ts';
import type { Cell } from './cell.ts';
import type { ConversationRecord } from './conversation-record.ts';
import type { CountedRow, LogHashes } from './log-hash.ts';
import { clearIdOf, type Failure, failureOf, oneMoreUnreadable } from './row-failure.ts';

export interface LogReaderPorts {
  readonly store: Store;
  readonly me: { readonly accountId: AccountId; readonly deviceId: DeviceId };
  readonly people: Pick<People, 'compareClaim'>;
  readonly timeline: Timeline;
  readonly outgoing: Outgoing;
  readonly hashes: LogHashes;
  readonly events: Pick<Emitter, 'emit'>;
  now(): number;
  entered(cell: Cell, epoch: number): void;
  show(records: readonly MessageRecord[]): void;
  background(work: Promise<unknown>): void;
}

/**
 * What became of a row. `gap`: rows before it are missing here, so read the log. `blocked`: this device is not in the group (yet).
 * `repair`: it was counted, and the group can no longer follow: come back by the pin. `damaged`: it is not counted yet, because its first
 * copy may only have been damaged on its way.
 */
export type RowOutcome = 'done' | 'known' | 'gap' | 'blocked' | 'repair' | 'damaged';

/** Takes the log row by row: each one moves ratchet, messages, hash and cursor in a single transaction, or nothing. */
export class LogReader {
  readonly #ports: LogReaderPorts;
  constructor(ports: LogReaderPorts) {
    this.#ports = ports;
  }

  /**
   * Only inside `cell.run`, and without asking anybody. `isFinal`: this is the second copy, or there is no other. Throws what may succeed
   * later (`ChainMissing`, a full disk); the row stays unread then.
   */
  async take(cell: Cell, row: LogRow, isFinal = false): Promise<RowOutcome> {
    const { record } = cell;
    if (row.seq <= record.cursor) return 'known';
    if (row.seq !== record.cursor + 1) return 'gap';
    if (row.seq <= record.joinedAt) return this.#takeBeforeJoining(cell, row);
    if (record.membership === 'removed') return 'blocked';
    if (!cell.hasGroup) return 'blocked';
    const { me } = this.#ports;
    const isOwn = row.senderDevice === me.deviceId && row.senderAccount === me.accountId;
    if (isOwn && row.kind === 'application') return this.#takeOwn(cell, row);
    return this.#open(cell, row, isFinal);
  }

  /**
   * Counts what this device sent and the server has stored next, as far as that goes: it told the number in its answer and need not push
   * the row. Only inside `cell.run`.
   */
  async takeSent(cell: Cell): Promise<void> {
    const { id } = cell.record;
    while (cell.record.membership === 'joined') {
      const seq = cell.record.cursor + 1;
      const sent = await this.#ports.outgoing.committedAt(id, seq);
      if (sent?.bytes === undefined) return;
      await this.#takeOwn(cell, { conversationId: id, seq, kind: 'application', clientMessageId: sent.id, bytes: sent.bytes });
    }
  }

  /** Sealed in an epoch that this device was not in: counted, and shown as missing when the device had been reading before. */
  async #takeBeforeJoining(cell: Cell, row: LogRow): Promise<RowOutcome> {
    const { patch, changes } = this.#ports.hashes.count(cell.record, row);
    const { me, show } = this.#ports;
    const own = row.kind === 'application' && row.senderDevice === me.deviceId;
    if (own) return this.#takeOwn(cell, row);
    const wasReading = cell.record.rejoins.count > 0;
    if (wasReading && row.kind === 'application')
      return this.#writeFailure(cell, row, { reason: 'not-yet-joined', repair: false });
    // Said where the gap ends, so that it is explained.
    const isBack = wasReading && row.seq === cell.record.joinedAt;
    const note = isBack ? this.#note(cell, row, 'device-rejoined', me.accountId) : NO_NOTE;
    await cell.write({ patch: { ...patch, ...note.patch }, changes: [...changes, ...note.changes] });
    show(note.shown);
    return 'done';
  }

  async #takeOwn(cell: Cell, row: CountedRow & Pick<LogRow, 'clientMessageId'>): Promise<RowOutcome> {
    const { outgoing, timeline, hashes, events, show } = this.#ports;
    const { patch, changes } = hashes.count(cell.record, row);
    const intent = await outgoing.message(cell.record.id, row.clientMessageId);
    const isWhatWasSent = intent !== undefined && wasSealedHere(intent, fromBase64url(row.bytes));
    if (!isWhatWasSent) {
      // The server has said that it has this message, so it is not waited for any longer.
      const done = intent?.state === 'committed' ? [outgoing.delete(intent)] : [];
      await cell.write({ patch, changes: [...changes, ...done] });
      events.emit('problem', { code: 'log-rewritten', conversationId: cell.record.id, detail: `row ${row.seq}` });
      return 'done';
    }
    const message = intent.isVisible ? await timeline.find(cell.record.id, intent.id) : undefined;
    const sent = message && { ...(advanced(message, 'sent') ?? message), seq: row.seq };
    await cell.write({ patch, changes: [...changes, outgoing.delete(intent), ...(sent ? [timeline.put(sent)] : [])] });
    if (sent) show([sent]);
    return 'done';
  }

  async #open(cell: Cell, row: LogRow, isFinal: boolean): Promise<RowOutcome> {
    let step: Step<Received>;
    try {
      step = await cell.group.receive(fromBase64url(row.bytes));
    } catch (error) {
      if (error instanceof ChainMissing) cell.needChainAt(row.seq); // the engine has changed nothing
      const failure = failureOf(error, row, Number(cell.group.epoch));
      if (failure === 'replayed') return this.#skip(cell, row);
      if (!isFinal && isOfBytes(failure)) return 'damaged';
      return row.kind === 'application' && failure.reason === 'unreadable'
        ? this.#takeUnreadable(cell, row, failure)
        : this.#writeFailure(cell, row, failure);
    }
    const received = step.result;
    if (received.kind === 'message') return this.#takeMessage(cell, row, step, received);
    if (received.kind === 'removed') return this.#takeRemoval(cell, row, step);
    return this.#takeCommit(cell, row, step, received);
  }

  async #takeMessage(
    cell: Cell,
    row: LogRow,
    step: Step<Received>,
    { message }: Extract<Received, { kind: 'message' }>,
  ): Promise<RowOutcome> {
    const { timeline, hashes, me, events, people, background, show } = this.#ports;
    const effect = await effectOf({ timeline, hashes, me: me.accountId }, cell.record, row, message).catch((error: unknown) => {
      step.abandon();
      throw error;
    });
    const known = cell.record.logHash ?? adoptedHash(message.plaintext, row);
    const counted = hashes.count(cell.record, row, known);
    const mark = markChange(row.conversationId, message.mark);
    try {
      await cell.write({
        patch: { ...counted.patch, ...effect?.patch, unreadableInARow: 0 },
        changes: [...counted.changes, ...(effect?.changes ?? []), mark],
        step,
      });
    } catch (error) {
      if (error instanceof StoreConflict) return this.#skip(cell, row); // the same signed message, encrypted again
      throw error;
    }
    if (effect) show(effect.shown);
    if (effect?.historyDiffers)
      events.emit('problem', { code: 'history-differs', conversationId: cell.record.id, detail: `row ${row.seq}` });
    if (effect?.claim) background(people.compareClaim(effect.claim.account, effect.claim.chain));
    return 'done';
  }

  async #takeCommit(
    cell: Cell,
    row: LogRow,
    step: Step<Received>,
    received: Extract<Received, { kind: 'commit' }>,
  ): Promise<RowOutcome> {
    const { hashes, outgoing, show } = this.#ports;
    const { patch, changes } = hashes.count(cell.record, row);
    const devices = deviceSet(cell);
    const intent = await outgoing.commit(cell.record.id);
    const intents: Change[] = [];
    if (received.own) intents.push(outgoing.deleteCommit(cell.record.id));
    else if (received.lostPending && intent) intents.push(outgoing.putCommit({ ...intent, state: 'planned' }));
    const done = received.own && intent ? afterOwn(intent.what.kind) : {};
    await cell.write({ patch: { ...patch, ...done, unreadableInARow: 0 }, changes: [...changes, ...intents], step });
    // What follows is worth having at once and may come a row later: the pin of the new epoch, and marks that no window needs.
    const epoch = Number(cell.group.epoch);
    const grew = [...deviceSet(cell)].some((device) => !devices.has(device)) && !received.own;
    const text = received.rejoined ? 'device-rejoined' : grew ? 'devices-changed' : undefined;
    const by = (received.by?.account ?? cell.record.peer) as AccountId;
    const note = text === undefined ? NO_NOTE : this.#note(cell, row, text, by);
    await cell.write({
      patch: { ...note.patch, pin: toBase64url(encodePin(cell.group.pin)) },
      changes: [...note.changes, ...(await this.#oldMarks(cell.record.id, epoch))],
    });
    show(note.shown);
    this.#ports.entered(cell, epoch);
    return 'done';
  }

  async #takeRemoval(cell: Cell, row: LogRow, step: Step<Received>): Promise<RowOutcome> {
    const { hashes, show, events } = this.#ports;
    const counted = hashes.count(cell.record, row);
    const note = this.#note(cell, row, 'removed', cell.record.peer);
    await cell.write({
      patch: { ...counted.patch, ...note.patch, membership: 'removed' },
      changes: [...counted.changes, ...note.changes],
      step,
    });
    show(note.shown);
    events.emit('conversations.changed', { conversationId: cell.record.id });
    return 'done';
  }

  /** What a row says that is no message. */
  #note(cell: Cell, row: LogRow, text: SystemText, sender: AccountId): ReturnType<typeof visible> {
    const { timeline, me } = this.#ports;
    const content = { type: 'system', text } as const;
    return visible({ timeline, me: me.accountId }, cell.record, row, { id: `row_${row.seq}`, sender, sentAt: row.at, content });
  }

  async #skip(cell: Cell, row: LogRow): Promise<RowOutcome> {
    await cell.write(this.#ports.hashes.count(cell.record, row));
    return 'done';
  }

  /** Bytes that were opened before do not open again, because their keys are gone: that is a repetition, which is not shown. */
  async #takeUnreadable(cell: Cell, row: LogRow, failure: Failure): Promise<RowOutcome> {
    const id = clearIdOf(row);
    if (id !== undefined && (await this.#ports.timeline.isUsed(cell.record.id, id))) return this.#skip(cell, row);
    const { patch, repair } = oneMoreUnreadable(cell.record, this.#ports.now());
    return this.#writeFailure(cell, row, { ...failure, repair }, patch);
  }

  async #writeFailure(
    cell: Cell,
    row: LogRow,
    { reason, repair }: Failure,
    patch: Partial<ConversationRecord> = {},
  ): Promise<RowOutcome> {
    const { timeline, me, hashes, show } = this.#ports;
    const counted = hashes.count(cell.record, row);
    const content = { type: 'undecryptable', reason, willRepair: repair } as const;
    const shown =
      row.kind === 'application'
        ? // Who the server says it is from, because nothing better is known; the text beside it says that it could not be opened.
          visible({ timeline, me: me.accountId }, cell.record, row, {
            id: `row_${row.seq}`,
            sender: cell.record.peer,
            sentAt: row.at,
            content,
          })
        : { patch: {}, changes: [], shown: [] };
    await cell.write({
      patch: { ...counted.patch, ...shown.patch, ...patch, ...(repair && { membership: 'broken' as const }) },
      changes: [...counted.changes, ...shown.changes],
    });
    show(shown.shown);
    return repair ? 'repair' : 'done';
  }

  async #oldMarks(conversationId: string, epoch: number): Promise<Change[]> {
    const prefix = `${conversationId}/mark/`;
    const rows = await this.#ports.store.list('messageKey', { prefix });
    return rows
      .filter(({ key }) => Number(key.slice(prefix.length).split('/')[0]) < epoch - MAX_PAST_EPOCHS)
      .map(({ key }) => ({ kind: 'delete', table: 'messageKey', key }));
  }
}

const NO_NOTE: ReturnType<typeof visible> = { patch: {}, changes: [], shown: [] };

/** What makes a message unique for ever: a member can encrypt another's signed message again, but not change these. */
export function markChange(conversationId: string, mark: { epoch: bigint; leaf: number; messageId: string }): Change {
  const key = `${conversationId}/mark/${mark.epoch}/${mark.leaf}/${mark.messageId}`;
  return { kind: 'insert', table: 'messageKey', key, value: new TextEncoder().encode('{"order":null}') };
}

/** What a damaged byte can cause, in a message or in a commit. */
const isOfBytes = ({ reason }: Failure): boolean => reason === 'unreadable' || reason === 'commit-refused';

/** Where the log's beginning is gone, the sender's view of it is taken over: it is authentic, and later ones are checked against it. */
function adoptedHash(plaintext: Uint8Array, row: LogRow): string | null {
  const seen = decodeEnvelope(plaintext)?.seen;
  return seen?.seq === row.seq - 1 ? seen.logHash : null;
}

/** What an own commit was for is done when the log shows it, whatever became of the server's answer. */
function afterOwn(kind: OutgoingCommit['what']['kind']): Partial<ConversationRecord> {
  if (kind === 'update') return { needsSelfUpdate: false };
  return kind === 'open' ? { membership: 'joined' } : {};
}

const deviceSet = (cell: Cell) => new Set(cell.group.members.map(({ account, device }) => `${account}/${device}`));
