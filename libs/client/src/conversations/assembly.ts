import type { AccountId, ConversationId, DeviceId, LogRow } from '@rialto/contracts';
import type { Chain, Engine } from '@rialto/crypto';
import type { KeyPackages } from '../account/key-packages.ts';
import type { Emitter } from '../events.ts';
import type { MessageRecord } from '../messages/message-record.ts';
import { Outbox } from '../messages/outbox.ts';
import { Outgoing, type OutgoingMessage } from '../messages/outgoing-record.ts';
import { Receipts } from '../messages/receipts.ts';
import { type CardJudge, Timeline } from '../messages/timeline.ts';
import type { People } from '../people/people.ts';
import type { Store } from '../store.ts';
import type { Api } from '../transport/api.ts';
import type { TransferResult } from '../views.ts';
import { CallNotes, type NotedCall } from './call-notes.ts';
import { Cell } from './cell.ts';
import { Conversations, shower } from './conversations.ts';
import type { ConversationPorts } from './conversation.ts';
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
export interface ConversationParts {
  readonly conversations: Conversations;
  readonly sync: Sync;
  readonly timeline: Timeline;
  readonly outbox: Outbox;
  cell(id: ConversationId): Cell;
  show(records: readonly MessageRecord[]): void;
  flushLater(cell: Cell): void;
  noteCall(call: NotedCall): Promise<void>;
  removeRevoked(): Promise<void>;
  /** Receipts, messages and acknowledgements that are due go out. */
  settle(): Promise<void>;
  stop(): void;
}
export type { TransferResult };

/** Makes the parts that conversations need and lets each know what it uses of the others. */
export function assembleConversations(deps: ConversationDeps): ConversationParts {
  const { store, api, engine, events, people, keyPackages, me, background, now, ownChain } = deps;
  const cells = new Map<string, Cell>();
  const cell = (id: ConversationId): Cell => {
    const known = cells.get(id) ?? new Cell(id, { store, engine });
    cells.set(id, known);
    return known;
  };
  const epochs = new EpochListeners();
  const timeline = new Timeline({ store, cards: deps.cards });
  const show = shower(timeline, events, background);
  const outgoing = new Outgoing(store);
  const entered = (inside: Cell, epoch: number) => epochs.tell(inside.id, epoch);
  const syncLog = (inside: Cell): Promise<void> => sync.log(inside);
  const reader = new LogReader({
    store,
    me,
    people,
    timeline,
    outgoing,
    hashes: new LogHashes(store),
    events,
    entered,
    show,
    background,
    refetch: (row) => refetch(api.messaging, row),
  });
  const membership = new Membership({
    api: api.messaging,
    engine,
    keyPackages,
    outgoing,
    people,
    events,
    me,
    ownChain,
    now,
    entered,
    sync: syncLog,
  });
  const outbox = new Outbox({
    api: api.messaging,
    outgoing,
    timeline,
    me: me.accountId,
    people,
    ownChain,
    now,
    sync: syncLog,
    show,
    changed: (inside) => events.emit('conversations.changed', { conversationId: inside.id as ConversationId }),
    takeOwn: async (inside, message, answer) => {
      await reader.take(inside, rowOf(message, answer, me));
    },
  });
  const flushLater = (inside: Cell) => background(outbox.flush(inside));
  const receipts = new Receipts({ outbox, sent: flushLater });
  const opening = new Opening({ api, engine, keyPackages, outgoing, people, me, ownChain, now, cell });
  const sync = new Sync({
    api: api.messaging,
    reader,
    membership,
    events,
    me: me.accountId,
    cell,
    now,
    background,
    meet: (accountId) => people.get(accountId),
    read: (inside) => conversations.tend(inside),
  });
  const conversationPorts: ConversationPorts = {
    timeline,
    outbox,
    outgoing,
    events,
    me: me.accountId,
    closed: deps.closed,
    sync: syncLog,
    flushLater,
    receiptsLater: (inside) => receipts.gather(inside, background),
    show,
    sendsReadReceipts: deps.sendsReadReceipts,
    onEpoch: (id, handler) => epochs.on(id, handler),
    pay: deps.pay,
  };
  const conversations = new Conversations({
    store,
    api: api.messaging,
    me: me.accountId,
    people,
    timeline,
    outgoing,
    outbox,
    receipts,
    membership,
    opening,
    sync,
    events,
    conversationPorts,
    cell,
    now,
    background,
  });
  const notes = new CallNotes({ timeline, me: me.accountId, cell, show, now });
  return {
    conversations,
    sync,
    timeline,
    outbox,
    cell,
    show,
    flushLater,
    noteCall: (call) => notes.note(call),
    removeRevoked: async () => {
      for (const inside of cells.values()) if (inside.exists) await membership.removeRevoked(inside);
    },
    settle: async () => {
      for (const inside of cells.values()) {
        if (!inside.exists) continue;
        await receipts.now(inside);
        await outbox.flush(inside);
        await sync.acknowledge(inside);
      }
    },
    stop: () => {
      sync.stop();
      receipts.stop();
    },
  };
}

/** The row that the server must have stored for an acknowledged message; the log's own copy is compared when it is read. */
const rowOf = (message: OutgoingMessage, { seq, at }: { seq: number; at: string }, me: ConversationDeps['me']): LogRow => ({
  conversationId: message.conversationId,
  seq,
  kind: 'application',
  epoch: message.epoch ?? 0,
  senderAccount: me.accountId,
  senderDevice: me.deviceId,
  clientMessageId: message.id,
  bytes: message.bytes ?? '',
  at,
});

async function refetch(
  api: Pick<Api['messaging'], 'listMessages'>,
  { conversationId, seq }: LogRow,
): Promise<LogRow | undefined> {
  const { rows } = await api.listMessages({ conversationId, after: seq - 1, limit: 1 });
  return rows[0];
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
