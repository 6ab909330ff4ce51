import { type AccountId, AppError, type ConversationId, type ConversationView, type LogRow, MAX_PAGE } from '@rialto/contracts';
import { ChainMissing } from '@rialto/crypto';
import type { Emitter } from '../events.ts';
import { Lanes } from '../single-flight.ts';
import type { Api } from '../transport/api.ts';
import type { Cell } from './cell.ts';
import { type ConversationRecord, newConversation } from './conversation-record.ts';
import type { LogReader, RowOutcome } from './log-reader.ts';
import type { Membership } from './membership.ts';

const ACKNOWLEDGE_AFTER_MS = 250;
/** So long the pushes of rows before an own one may take. */
export const CATCH_UP_AFTER_MS = 1_000;

export interface SyncPorts {
  readonly api: Pick<Api['messaging'], 'listConversations' | 'getConversation' | 'listMessages' | 'listWelcomes' | 'acknowledge'>;
  readonly reader: LogReader;
  readonly membership: Membership;
  readonly events: Pick<Emitter, 'emit'>;
  readonly me: AccountId;
  cell(id: ConversationId): Cell;
  now(): number;
  /** A person of whom a conversation speaks is looked up once. */
  meet(accountId: AccountId): Promise<unknown>;
  /** Asks for the chains of both people of a conversation, within a limit. */
  freshChains(cell: Cell): Promise<void>;
  /** Rows were read: receipts may be due, and messages may go out. */
  read(cell: Cell): void;
  background(work: Promise<unknown>): void;
}

/** Reads what the server has: the list of conversations, welcomes, and each log from where this device stopped. */
export class Sync {
  readonly #ports: SyncPorts;
  readonly #lanes = new Lanes();
  /** The whole synchronisation that was asked for and has not begun. */
  #next: Promise<void> | undefined;
  /** Readings of one conversation that were asked for and have not begun. */
  readonly #nextLogs = new Map<string, Promise<void>>();
  readonly #due = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #expected = new Set<ReturnType<typeof setTimeout>>();

  constructor(ports: SyncPorts) {
    this.#ports = ports;
  }

  /** Everything. Rejects with the first thing that failed, after trying the rest. Who asks while one runs shares the one that follows. */
  all(): Promise<void> {
    this.#next ??= this.#lanes.run('all', () => {
      this.#next = undefined; // What changes from now on, this one may have looked at already.
      return this.#all();
    });
    return this.#next;
  }

  /**
   * One conversation's log to its end, and back into the group when it has run away. One at a time for each conversation; who asks while one
   * runs shares the one that follows.
   */
  log(cell: Cell): Promise<void> {
    const waiting = this.#nextLogs.get(cell.id);
    if (waiting) return waiting;
    const next = this.#lanes.run(cell.id, () => {
      this.#nextLogs.delete(cell.id);
      return this.#log(cell);
    });
    this.#nextLogs.set(cell.id, next);
    return next;
  }

  /** The server says that the group has moved on, and the log showed nothing of it: what ended its epoch may be deleted by now. */
  async moved(cell: Cell): Promise<void> {
    await this.log(cell);
    if (!cell.exists || cell.record.membership !== 'joined') return;
    await this.#catchUp(cell, await this.#ports.api.getConversation({ conversationId: cell.record.id }));
  }

  /** A pushed row. Resolves when it was durably processed, or when the log was read because rows before it were missing. */
  async push(row: LogRow): Promise<void> {
    const cell = this.#ports.cell(row.conversationId);
    const outcome = await this.#take(cell, row);
    if (outcome === 'done') {
      await cell.run(async () => cell.exists && this.#ports.reader.takeSent(cell));
      this.#acknowledgeLater(cell);
      this.#ports.read(cell);
    }
    if (outcome === 'gap' || outcome === 'repair') {
      await this.log(cell);
      this.#ports.read(cell);
    }
    if (outcome === 'blocked' && canComeIn(cell)) await this.all();
  }

  /** A message of ours was stored: counted when everything before it is here, which its pushes bring, and if not, the log. Only inside `cell.run`. */
  async stored(cell: Cell, seq: number): Promise<void> {
    await this.#ports.reader.takeSent(cell);
    if (cell.record.cursor >= seq) return;
    const timer = setTimeout(() => {
      this.#expected.delete(timer);
      if (cell.exists && cell.record.cursor < seq) this.#ports.background(this.log(cell).then(() => this.#ports.read(cell)));
    }, CATCH_UP_AFTER_MS);
    this.#expected.add(timer);
  }

  /** Tells the server at once how far this device has come. */
  async acknowledge(cell: Cell): Promise<void> {
    clearTimeout(this.#due.get(cell.id));
    this.#due.delete(cell.id);
    await this.#acknowledge(cell);
  }

  stop(): void {
    for (const timer of [...this.#due.values(), ...this.#expected]) clearTimeout(timer);
    this.#due.clear();
    this.#expected.clear();
  }

  async #all(): Promise<void> {
    const views = await this.#listAll();
    const cells: Cell[] = [];
    // What somebody broke in one conversation must not keep the others from being read.
    const failures: unknown[] = [];
    const fail = (error: unknown): void => void failures.push(error);
    for (const view of views) {
      const cell = await this.#upsert(view).catch(fail);
      if (cell) cells.push(cell);
    }
    await this.#joinWaiting(cells, fail);
    for (const cell of cells) {
      const view = views.find(({ conversationId }) => conversationId === cell.id);
      const isBehind = view && view.lastSeq > cell.record.cursor;
      if (isBehind || cell.record.membership === 'broken') await this.log(cell).catch(fail);
      else if (cell.record.cursor > cell.record.acknowledged) this.#acknowledgeLater(cell);
      if (view) await this.#catchUp(cell, view).catch(fail);
      this.#ports.read(cell);
    }
    if (failures.length > 0) throw failures[0];
  }

  async #log(cell: Cell): Promise<void> {
    const { membership, api } = this.#ports;
    await cell.run(async () => undefined);
    if (!cell.exists) return;
    if (cell.record.membership === 'broken' && !(await membership.rejoin(cell))) return;
    if (cell.record.membership !== 'joined') return;
    let hasSkipped = false;
    for (;;) {
      const outcome = await this.#page(cell, () => {
        hasSkipped = true;
      });
      this.#acknowledgeLater(cell);
      if (outcome === 'end' && !hasSkipped) return;
      if (outcome === 'end') {
        hasSkipped = false;
        if (!(await this.#isBehind(cell, await api.getConversation({ conversationId: cell.record.id })))) return;
      }
      if ((outcome === 'repair' || outcome === 'end') && !(await membership.rejoin(cell))) return;
    }
  }

  /**
   * One row, in the conversation's turn. What has to be asked for, a chain that it names or its bytes once more, is asked for outside of the
   * turn, so that nobody who wants to look or to write waits for a server's answer.
   */
  async #take(cell: Cell, row: LogRow): Promise<RowOutcome> {
    const attempt = (each: LogRow, isFinal: boolean) =>
      cell.run(async (): Promise<RowOutcome> => (cell.exists ? this.#ports.reader.take(cell, each, isFinal) : 'blocked'));
    const first = await attempt(row, false).catch(async (error: unknown) => {
      if (!(error instanceof ChainMissing)) throw error;
      await this.#ports.freshChains(cell);
      return attempt(row, false);
    });
    if (first !== 'damaged') return first;
    const { rows } = await this.#ports.api.listMessages({ conversationId: row.conversationId, after: row.seq - 1, limit: 1 });
    const again = rows[0];
    return attempt(again?.seq === row.seq ? again : row, true);
  }

  async #page(cell: Cell, skipped: () => void): Promise<'more' | 'end' | 'repair'> {
    const { api } = this.#ports;
    const conversationId = cell.record.id;
    const { rows, lastSeq, firstSeq } = await api.listMessages({ conversationId, after: cell.record.cursor, limit: MAX_PAGE });
    if (firstSeq > cell.record.cursor + 1) {
      await this.#skipDeleted(cell, firstSeq);
      skipped();
    }
    for (const row of rows) {
      if (row.conversationId !== conversationId) throw new AppError('internal');
      const outcome = await this.#take(cell, row);
      if (outcome === 'repair') return 'repair';
      if (outcome === 'blocked') return 'end';
      if (outcome === 'gap') return this.#reportHole(cell, row);
    }
    return rows.length === 0 || cell.record.cursor >= lastSeq ? 'end' : 'more';
  }

  /** The retention time has passed over rows that this device never read: that is shown by the next message's missing numbers. */
  async #skipDeleted(cell: Cell, firstSeq: number): Promise<void> {
    await cell.run(() => cell.write({ patch: { cursor: firstSeq - 1, logHash: null } }));
  }

  async #catchUp(cell: Cell, view: ConversationView): Promise<void> {
    if (await this.#isBehind(cell, view)) await this.log(cell);
  }

  /** The log is read and the group is behind: what ended its epoch was deleted while this device was away, and only the pin leads on. */
  #isBehind(cell: Cell, view: ConversationView): Promise<boolean> {
    return cell.run(async () => {
      const { membership, cursor } = cell.record;
      if (membership !== 'joined' || cursor < view.lastSeq || cell.group.epoch >= BigInt(view.epoch)) return false;
      await cell.write({ patch: { membership: 'broken' } });
      return true;
    });
  }

  /** Rows that the server says it has and does not give: nothing behind the hole is read, or it would look complete. */
  #reportHole(cell: Cell, row: LogRow): 'end' {
    const detail = `row ${row.seq} follows ${cell.record.cursor}`;
    this.#ports.events.emit('problem', { code: 'log-rewritten', conversationId: cell.record.id, detail });
    return 'end';
  }

  async #listAll(): Promise<ConversationView[]> {
    const views: ConversationView[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#ports.api.listConversations({ limit: MAX_PAGE, ...(cursor !== undefined && { cursor }) });
      views.push(...page.conversations);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return views;
  }

  async #upsert(view: ConversationView): Promise<Cell | undefined> {
    const { me, meet, events, now } = this.#ports;
    const peer = view.members.find(({ accountId }) => accountId !== me)?.accountId;
    if (view.kind !== 'dm' || peer === undefined || view.members.length !== 2) return undefined;
    await meet(peer);
    const cell = this.#ports.cell(view.conversationId);
    const isChanged = await cell.run(async () => {
      if (!cell.exists) {
        const about = { id: view.conversationId, peer, standing: view.standing, createdByMe: view.createdBy === me };
        const record = newConversation({ ...about, membership: 'waiting', activeAt: view.createdAt });
        await cell.begin({ ...record, waitingSince: new Date(now()).toISOString() });
        return true;
      }
      const { standing, membership } = cell.record;
      const opened = membership === 'opening' && view.createdBy === me ? { membership: 'joined' as const } : {};
      if (standing === view.standing && !('membership' in opened)) return false;
      await cell.write({ patch: { standing: view.standing, ...opened } });
      return true;
    });
    if (isChanged) events.emit('conversations.changed', { conversationId: view.conversationId });
    return cell;
  }

  /** A request's welcome waits, unread, until the user accepts. */
  async #joinWaiting(cells: readonly Cell[], fail: (error: unknown) => void): Promise<void> {
    const isWaiting = ({ standing, membership }: ConversationRecord) =>
      standing === 'accepted' && (membership === 'waiting' || membership === 'lost');
    const waiting = cells.filter((cell) => isWaiting(cell.record));
    if (waiting.length === 0) return;
    const { welcomes } = await this.#ports.api.listWelcomes({ limit: MAX_PAGE });
    for (const cell of waiting) {
      const welcome = welcomes.find(({ conversationId }) => conversationId === cell.id);
      if (welcome) await this.#ports.membership.join(cell, welcome).catch(fail);
    }
  }

  #acknowledgeLater(cell: Cell): void {
    if (this.#due.has(cell.id)) return;
    const timer = setTimeout(() => {
      this.#due.delete(cell.id);
      this.#ports.background(this.#acknowledge(cell));
    }, ACKNOWLEDGE_AFTER_MS);
    this.#due.set(cell.id, timer);
  }

  /** Only what is durably here: the server may delete what every device has acknowledged. */
  async #acknowledge(cell: Cell): Promise<void> {
    if (!cell.exists) return;
    const { id, cursor, acknowledged, membership } = cell.record;
    if (cursor <= acknowledged || membership !== 'joined') return;
    await this.#ports.api.acknowledge({ conversationId: id, upTo: cursor });
    await cell.run(() => cell.write({ patch: { acknowledged: Math.max(cell.record.acknowledged, cursor) } }));
  }
}

/** Whether reading everything can let this device into a group that it is not in: a welcome may wait, or its pin brings it back. */
function canComeIn(cell: Cell): boolean {
  if (!cell.exists) return true;
  const { standing, membership } = cell.record;
  return membership === 'broken' || membership === 'opening' || (membership === 'waiting' && standing === 'accepted');
}
