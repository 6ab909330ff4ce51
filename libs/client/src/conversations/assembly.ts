import type { AccountId, ConversationId, DeviceId } from '@rialto/contracts';
import type { Chain, Engine } from '@rialto/crypto';
import type { KeyPackages } from '../account/key-packages.ts';
import type { Emitter } from '../events.ts';
import type { MessageRecord } from '../messages/message-record.ts';
import { Outbox } from '../messages/outbox.ts';
import { Outgoing } from '../messages/outgoing-record.ts';
import { Receipts } from '../messages/receipts.ts';
import { type CardJudge, Timeline } from '../messages/timeline.ts';
import type { People } from '../people/people.ts';
import { Rows } from '../rows.ts';
import type { Store } from '../store.ts';
import type { Api } from '../transport/api.ts';
import { CallNotes, type NotedCall } from './call-notes.ts';
import { Cell } from './cell.ts';
import { Conversations, shower } from './conversations.ts';
import type { ConversationRecord } from './conversation-record.ts';
import type { ConversationPorts } from './conversation.ts';
import { freshChains } from './fresh-chains.ts';
import { LogHashes } from './log-hash.ts';
import { LogReader } from './log-reader.ts';
import { Membership } from './membership.ts';
import { Opening } from './opening.ts';
import { Sync } from './sync.ts';

export interface ConversationDeps {
  readonly store: Store;
  readonly api: Api;
  readonly engine: Engine;
  readonly events: Emitter;
  readonly people: People;
  readonly keyPackages: KeyPackages;
  readonly cards: CardJudge;
  readonly me: { readonly accountId: AccountId; readonly deviceId: DeviceId };
  readonly closed: AbortSignal;
  readonly pay: ConversationPorts['pay'];
  ownChain(): Chain;
  now(): number;
  background(work: Promise<unknown>): void;
  sendsReadReceipts(): boolean;
}

/** The parts that conversations need, made in an order in which each finds what it uses of the others. */
export class ConversationParts {
  readonly timeline: Timeline;
  readonly outbox: Outbox;
  readonly sync: Sync;
  readonly conversations: Conversations;
  readonly show: (records: readonly MessageRecord[]) => void;
  readonly #deps: ConversationDeps;
  readonly #cells = new Map<string, Cell>();
  readonly #epochs = new EpochListeners();
  readonly #outgoing: Outgoing;
  readonly #reader: LogReader;
  readonly #membership: Membership;
  readonly #receipts: Receipts;
  readonly #notes: CallNotes;

  constructor(deps: ConversationDeps) {
    this.#deps = deps;
    const { store, events, background, me, now } = deps;
    this.timeline = new Timeline({ store, cards: deps.cards });
    this.show = shower(this.timeline, events, background);
    this.#outgoing = new Outgoing(store);
    this.#reader = this.#makeReader();
    this.#membership = this.#makeMembership();
    this.outbox = this.#makeOutbox();
    this.#receipts = new Receipts({ outbox: this.outbox, sent: this.flushLater });
    this.sync = this.#makeSync();
    this.conversations = this.#makeConversations();
    this.#notes = new CallNotes({ timeline: this.timeline, me: me.accountId, cell: this.cell, show: this.show, now });
  }

  readonly cell = (id: ConversationId): Cell => {
    const { store, engine } = this.#deps;
    const known = this.#cells.get(id) ?? new Cell(id, { store, engine });
    this.#cells.set(id, known);
    return known;
  };
  readonly flushLater = (cell: Cell): void => this.#deps.background(this.outbox.flush(cell));

  noteCall(call: NotedCall): Promise<void> {
    return this.#notes.note(call);
  }
  /** In every conversation, read in this run or not. Rejects with the first failure, after trying the rest. */
  async removeRevoked(): Promise<void> {
    const failures: unknown[] = [];
    for (const { value } of await new Rows<ConversationRecord>(this.#deps.store, 'conversation').list())
      await this.#membership.removeRevoked(this.cell(value.id)).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }
  /** Receipts, messages and acknowledgements that are due go out. */
  async settle(): Promise<void> {
    for (const cell of this.#cells.values()) {
      if (!cell.exists) continue;
      await this.#receipts.now(cell);
      await this.outbox.flush(cell);
      await this.sync.acknowledge(cell);
    }
  }
  stop(): void {
    this.sync.stop();
    this.#receipts.stop();
  }

  readonly #entered = (cell: Cell, epoch: number): void => this.#epochs.tell(cell.id, epoch);
  readonly #syncLog = (cell: Cell): Promise<void> => this.sync.log(cell);
  readonly #freshChains = (cell: Cell): Promise<void> =>
    freshChains(this.#deps.people, [this.#deps.me.accountId, cell.record.peer]);

  #makeReader(): LogReader {
    const { store, me, people, events, now, background } = this.#deps;
    return new LogReader({
      store,
      me,
      people,
      timeline: this.timeline,
      outgoing: this.#outgoing,
      hashes: new LogHashes(store),
      events,
      now,
      entered: this.#entered,
      show: this.show,
      background,
    });
  }

  #makeMembership(): Membership {
    const { api, engine, keyPackages, events, me, ownChain, now } = this.#deps;
    const outgoing = this.#outgoing;
    const [entered, sync] = [this.#entered, this.#syncLog];
    return new Membership({
      api: api.messaging,
      engine,
      keyPackages,
      outgoing,
      events,
      me,
      ownChain,
      now,
      entered,
      sync,
      freshChains: this.#freshChains,
    });
  }

  #makeOutbox(): Outbox {
    const { api, me, people, ownChain, now, events } = this.#deps;
    return new Outbox({
      api: api.messaging,
      outgoing: this.#outgoing,
      timeline: this.timeline,
      me: me.accountId,
      people,
      ownChain,
      now,
      sync: this.#syncLog,
      moved: (cell) => this.sync.moved(cell),
      show: this.show,
      changed: (cell) => events.emit('conversations.changed', { conversationId: cell.id as ConversationId }),
      stored: (cell, seq) => this.sync.stored(cell, seq),
    });
  }

  #makeSync(): Sync {
    const { api, events, me, now, background, people } = this.#deps;
    return new Sync({
      api: api.messaging,
      reader: this.#reader,
      membership: this.#membership,
      events,
      me: me.accountId,
      cell: this.cell,
      now,
      background,
      meet: (accountId) => people.get(accountId),
      freshChains: this.#freshChains,
      read: (cell) => this.conversations.tend(cell),
    });
  }

  #makeConversations(): Conversations {
    const { store, api, engine, keyPackages, people, me, ownChain, now, events, background } = this.#deps;
    const { timeline, outbox, sync, cell } = this;
    const outgoing = this.#outgoing;
    return new Conversations({
      store,
      api: api.messaging,
      me: me.accountId,
      people,
      timeline,
      outgoing,
      outbox,
      receipts: this.#receipts,
      membership: this.#membership,
      opening: new Opening({ api, engine, keyPackages, outgoing, outbox, people, me, ownChain, now, cell, show: this.show }),
      sync,
      events,
      conversationPorts: this.#conversationPorts(),
      cell,
      now,
      background,
    });
  }

  #conversationPorts(): ConversationPorts {
    const { events, me, people, closed, sendsReadReceipts, background, pay } = this.#deps;
    return {
      timeline: this.timeline,
      outbox: this.outbox,
      outgoing: this.#outgoing,
      events,
      me: me.accountId,
      people,
      closed,
      sync: this.#syncLog,
      flush: (cell) => this.conversations.flush(cell),
      flushLater: (cell) => background(this.conversations.flush(cell)),
      receiptsLater: (cell) => this.#receipts.gather(cell, background),
      show: this.show,
      sendsReadReceipts,
      onEpoch: (id, handler) => this.#epochs.on(id, handler),
      pay,
    };
  }
}

/** Who wants to hear of new epochs, by conversation. */
class EpochListeners {
  readonly #handlers = new Map<string, Set<(epoch: number) => void>>();

  on(id: string, handler: (epoch: number) => void): () => void {
    const handlers = this.#handlers.get(id) ?? new Set();
    this.#handlers.set(id, handlers);
    handlers.add(handler);
    return () => handlers.delete(handler);
  }
  tell(id: string, epoch: number): void {
    for (const handler of this.#handlers.get(id) ?? []) handler(epoch);
  }
}
