import { type AccountId, AppError, type ConversationId, type LogRow } from '@rialto/contracts';
import { ClientError } from '../client-error.ts';
import type { Emitter } from '../events.ts';
import type { MessageRecord } from '../messages/message-record.ts';
import type { Outbox } from '../messages/outbox.ts';
import type { Outgoing } from '../messages/outgoing-record.ts';
import type { Receipts } from '../messages/receipts.ts';
import type { Timeline } from '../messages/timeline.ts';
import type { People } from '../people/people.ts';
import { Rows } from '../rows.ts';
import type { Conversations as ConversationsSurface } from '../sdk.ts';
import { Lanes } from '../single-flight.ts';
import type { Store } from '../store.ts';
import type { Api } from '../transport/api.ts';
import type { ConversationNeed, ConversationSummary } from '../views.ts';
import type { Cell } from './cell.ts';
import { Conversation, type ConversationPorts } from './conversation.ts';
import type { ConversationRecord } from './conversation-record.ts';
import type { Membership } from './membership.ts';
import { isRefusal, type Opened, type Opening } from './opening.ts';
import type { Sync } from './sync.ts';

/** A welcome is stored with the conversation, so one that is not there after this will not come. */
const WELCOME_PATIENCE_MS = 10_000;

export interface ConversationsPorts {
  readonly store: Store;
  readonly api: Api['messaging'];
  readonly me: AccountId;
  readonly people: People;
  readonly timeline: Timeline;
  readonly outgoing: Outgoing;
  readonly outbox: Outbox;
  readonly receipts: Receipts;
  readonly membership: Membership;
  readonly opening: Opening;
  readonly sync: Sync;
  readonly events: Emitter;
  readonly conversationPorts: ConversationPorts;
  cell(id: ConversationId): Cell;
  now(): number;
  background(work: Promise<unknown>): void;
}

/** All conversations of this device. */
export class Conversations implements ConversationsSurface {
  readonly #ports: ConversationsPorts;
  readonly #rows: Rows<ConversationRecord>;
  readonly #open = new Map<ConversationId, Conversation>();
  readonly #lanes = new Lanes();

  constructor(ports: ConversationsPorts) {
    this.#ports = ports;
    this.#rows = new Rows(ports.store, 'conversation');
  }

  async list(): Promise<ConversationSummary[]> {
    const records = (await this.#rows.list()).map(({ value }) => value);
    const summaries = await Promise.all(records.map((record) => this.#summaryOf(record)));
    return summaries.toSorted((a, b) => (a.activeAt < b.activeAt ? 1 : -1));
  }

  async summary(id: ConversationId): Promise<ConversationSummary> {
    const record = await this.#rows.get(id);
    if (!record) throw new ClientError('no-such-conversation');
    return this.#summaryOf(record);
  }

  async get(id: ConversationId): Promise<Conversation> {
    const cell = this.#ports.cell(id);
    await cell.run(async () => undefined);
    if (!cell.exists) throw new ClientError('no-such-conversation');
    const open = this.#open.get(id) ?? new Conversation(cell, this.#ports.conversationPorts);
    this.#open.set(id, open);
    return open;
  }

  async createDm(peer: string): Promise<Conversation> {
    const { people, me } = this.#ports;
    const { accountId } = await people.resolve(peer);
    if (accountId === me) throw new AppError('invalid-input');
    return this.#lanes.run(accountId, async () => this.get(await this.#findOrOpen(accountId)));
  }

  async accept(id: ConversationId): Promise<Conversation> {
    const { api, sync, events, cell } = this.#ports;
    const conversation = await this.get(id);
    const { standing } = await api.acceptConversation({ conversationId: id });
    const accepted = cell(id);
    await accepted.run(() => accepted.write({ patch: { standing, waitingSince: new Date(this.#ports.now()).toISOString() } }));
    events.emit('conversations.changed', { conversationId: id });
    await sync.all();
    return conversation;
  }

  async block(accountId: AccountId): Promise<void> {
    await this.#ports.api.blockAccount({ accountId });
    await this.#ports.sync.all();
  }
  async unblock(accountId: AccountId): Promise<void> {
    await this.#ports.api.unblockAccount({ accountId });
    await this.#ports.sync.all();
  }
  async blocked(): Promise<AccountId[]> {
    return (await this.#ports.api.listBlocks({})).accounts;
  }

  /** After rows were read, or on a timer: what waits in a conversation goes on. */
  tend(cell: Cell): void {
    const { receipts, background } = this.#ports;
    receipts.gather(cell, background);
    background(this.#tend(cell));
  }

  /** What was cut off in the last run: openings and commits go out again with the bytes that they had. */
  async resume(): Promise<void> {
    const failures: unknown[] = [];
    for (const { value } of await this.#rows.list()) {
      const cell = this.#ports.cell(value.id);
      await cell.run(async () => undefined);
      const membership = cell.exists ? cell.record.membership : undefined;
      const again = membership === 'opening' ? this.#resumeOpening : membership === 'refused' ? this.#reopen : undefined;
      await this.#lanes
        .run(value.peer, async () => again?.(cell))
        .catch((error: unknown) => {
          // What was written into it says that it was refused.
          if (!cell.exists || cell.record.membership !== 'refused') failures.push(error);
        });
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Sends what waits. What is written into a conversation that the server refused asks for it once more. */
  async flush(cell: Cell): Promise<void> {
    await cell.run(async () => undefined);
    if (cell.exists && cell.record.membership === 'refused') await this.#lanes.run(cell.record.peer, () => this.#reopen(cell));
    await this.#ports.outbox.flush(cell);
  }

  async handleMessage(row: LogRow): Promise<void> {
    await this.#ports.sync.push(row);
  }

  async #tend(cell: Cell): Promise<void> {
    const { membership, outbox } = this.#ports;
    if (!cell.exists || cell.record.membership !== 'joined') return;
    await membership.resume(cell);
    await membership.selfUpdate(cell);
    await membership.removeRevoked(cell); // before anything is sealed that a revoked device could read
    await outbox.flush(cell);
  }

  async #findOrOpen(peer: AccountId): Promise<ConversationId> {
    const { api, opening, sync, cell } = this.#ports;
    const records = (await this.#rows.list()).map(({ value }) => value).filter((record) => record.peer === peer);
    const known = records.find(({ membership }) => membership !== 'refused');
    const refused = records.find(({ membership }) => membership === 'refused');
    if (known?.membership === 'opening') return this.#resumeOpening(cell(known.id));
    if (known && !refused) return known.id;
    const there = known?.id ?? (await api.findDm({ peer })).conversationId;
    if (there !== null && refused) return this.#settle({ id: there, created: false, cell: cell(refused.id) });
    if (there !== null) {
      await sync.all();
      return there;
    }
    return this.#settle(await opening.open(peer, refused && cell(refused.id)));
  }

  /** One at a time for each person. */
  readonly #resumeOpening = async (cell: Cell): Promise<ConversationId> => {
    const { outgoing, opening } = this.#ports;
    await cell.run(async () => undefined);
    // Another attempt may have come to its end while this one waited its turn.
    if (!cell.exists || cell.record.membership !== 'opening') return cell.id as ConversationId;
    const intent = await outgoing.commit(cell.record.id);
    if (!intent) throw new Error('an opening without its intent');
    return this.#settle(await opening.submit(cell, intent));
  };

  /**
   * One at a time for each person, and only because the user wrote something there or tried it again, so that nobody's key packages are
   * taken for nothing. A refusal is told by what was written.
   */
  readonly #reopen = async (cell: Cell): Promise<void> => {
    const { outgoing, opening } = this.#ports;
    await cell.run(async () => undefined);
    if (!cell.exists || cell.record.membership !== 'refused') return;
    if ((await outgoing.messages(cell.record.id)).every(({ state }) => state === 'failed')) return;
    await this.#findOrOpen(cell.record.peer).catch(async (error: unknown) => {
      if (!isRefusal(error)) throw error;
      if (cell.exists) await opening.refuse(cell, error.code);
    });
  };

  /** Both opened it at once and the other one was first: the user wanted to talk to this person, so theirs is accepted. */
  async #settle({ id, created, cell: ours }: Opened): Promise<ConversationId> {
    const { sync, cell, events } = this.#ports;
    await sync.all();
    const settled = cell(id);
    await settled.run(async () => undefined);
    if (!created) {
      if (settled.exists && settled.record.standing === 'requested') await this.accept(id);
      await this.#replace(ours, settled);
    }
    events.emit('conversations.changed', { conversationId: id });
    return id;
  }

  /**
   * Ours lost against another one: what was written into it goes to that one, each message in the transaction that takes it away here (one
   * that failed waits there to be tried again), and only then is it forgotten. Cut off in between, the next attempt goes on with the rest.
   */
  #replace(ours: Cell, by: Cell): Promise<void> {
    return ours.run(async () => {
      if (!ours.exists) return;
      const { outgoing, outbox, timeline, background } = this.#ports;
      const id = ours.record.id;
      for (const message of await outgoing.messages(id)) {
        const { body } = message;
        const changes = [outgoing.delete(message)];
        if (!message.isVisible || body.type !== 'text') continue;
        const error = message.state === 'failed' ? (await timeline.find(id, message.id))?.error : undefined;
        const content = { type: 'text' as const, text: body.text };
        await by.run(() => outbox.plan(by, { body, content, changes, ...(error !== undefined && { error }) }));
      }
      await ours.forget([outgoing.deleteCommit(id)]);
      this.#open.delete(id);
      background(outbox.flush(by));
    });
  }

  async #summaryOf(record: ConversationRecord): Promise<ConversationSummary> {
    const { people, timeline, outgoing } = this.#ports;
    const last = record.lastVisible === null ? undefined : await timeline.at(record.id, record.lastVisible);
    const waiting = (await outgoing.messages(record.id)).filter(
      ({ state, isVisible }) => isVisible && (state === 'planned' || state === 'published'),
    );
    const needs = this.#needOf(record);
    return {
      id: record.id,
      peer: people.known(record.peer) ?? (await people.get(record.peer)),
      standing: record.standing,
      unread: record.unread,
      pendingSends: waiting.length,
      activeAt: record.activeAt,
      ...(last && { lastMessage: await timeline.view(last) }),
      ...(needs && { needs }),
    };
  }

  #needOf({ standing, membership, waitingSince }: ConversationRecord): ConversationNeed | undefined {
    if (standing === 'requested') return 'acceptance';
    if (membership === 'lost' || membership === 'broken' || membership === 'removed') return 'repair';
    const isLate = waitingSince !== null && this.#ports.now() - Date.parse(waitingSince) > WELCOME_PATIENCE_MS;
    return standing === 'accepted' && membership === 'waiting' && isLate ? 'repair' : undefined;
  }
}

/** Emits what changed, one event a message and one for the list. */
export function shower(timeline: Timeline, events: Emitter, background: (work: Promise<unknown>) => void) {
  return (records: readonly MessageRecord[]): void => {
    for (const record of records) {
      const { conversationId } = record;
      background(
        timeline.view(record).then((message) => {
          events.emit('message.changed', { conversationId, message });
          events.emit('conversations.changed', { conversationId });
        }),
      );
    }
  };
}
