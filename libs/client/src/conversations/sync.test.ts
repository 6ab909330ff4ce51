import type { AccountId, ConversationId, ConversationView, LogRow } from '@rialto/contracts';
import { type Engine, ready } from '@rialto/crypto';
import { ClientError } from '../client-error.ts';
import { MemoryStore } from '../memory-store.ts';
import { Cell } from './cell.ts';
import { newConversation } from './conversation-record.ts';
import type { LogReader } from './log-reader.ts';
import type { Membership } from './membership.ts';
import { CATCH_UP_AFTER_MS, Sync } from './sync.ts';

beforeAll(() => ready());

const ME = 'A'.repeat(43) as AccountId;
const [BAD, GOOD] = ['cnv_B', 'cnv_G'].map((id) => id as ConversationId) as [ConversationId, ConversationId];
const [EVE, BEN] = ['E', 'B'].map((letter) => letter.repeat(43) as AccountId) as [AccountId, AccountId];
const AT = '2026-01-01T12:00:00.000Z';

const viewOf = (conversationId: ConversationId, peer: AccountId): ConversationView =>
  ({
    conversationId,
    kind: 'dm',
    standing: 'accepted',
    members: [{ accountId: ME }, { accountId: peer }],
    createdBy: peer,
    createdAt: AT,
    lastSeq: 1,
  }) as unknown as ConversationView;

/** Two conversations: Eve's, where this device waits for its welcome, and Ben's, in which a row was missed. */
async function world({ meet = async () => undefined }: { meet?: (accountId: AccountId) => Promise<unknown> } = {}) {
  const store = new MemoryStore();
  const cells = new Map<ConversationId, Cell>();
  const cell = (id: ConversationId): Cell => {
    const known = cells.get(id) ?? new Cell(id, { store, engine: {} as Engine });
    cells.set(id, known);
    return known;
  };
  const joined = newConversation({
    id: GOOD,
    peer: BEN,
    standing: 'accepted',
    membership: 'joined',
    createdByMe: false,
    activeAt: AT,
  });
  await cell(GOOD).run(() => cell(GOOD).begin(joined));
  const read: ConversationId[] = [];
  const asked = { lists: 0 };
  const sync = new Sync({
    api: {
      listConversations: async () => {
        asked.lists += 1;
        return { conversations: [viewOf(BAD, EVE), viewOf(GOOD, BEN)], nextCursor: null };
      },
      listWelcomes: async () => ({ welcomes: [{ conversationId: BAD, welcome: 'AA', seq: 1 }] as never }),
      listMessages: async ({ conversationId }) => {
        read.push(conversationId);
        return { rows: [], lastSeq: 0, firstSeq: 1 };
      },
      acknowledge: async () => ({}) as never,
    },
    reader: { takeSent: async () => undefined, take: async () => 'blocked' } as unknown as LogReader,
    membership: {
      join: async () => {
        throw new ClientError('server-lied');
      },
    } as unknown as Membership,
    events: { emit: () => undefined },
    me: ME,
    cell,
    now: () => Date.parse(AT),
    meet,
    read: () => undefined,
    background: () => undefined,
  });
  return { sync, read, cell, asked };
}

test('a welcome that makes no sense does not keep the other conversations from being read', async () => {
  const { sync, read } = await world();
  await expect(sync.all()).rejects.toMatchObject({ code: 'server-lied' });
  sync.stop();
  expect(read).toEqual([GOOD]);
});

test('a person who cannot be looked up does not keep the other conversations from being read', async () => {
  const meet = async (accountId: AccountId) => {
    if (accountId === EVE) throw new ClientError('server-lied');
  };
  const { sync, read } = await world({ meet });
  await expect(sync.all()).rejects.toMatchObject({ code: 'server-lied' });
  sync.stop();
  expect(read).toEqual([GOOD]);
});

test('when the rows before an own message do not come by themselves, they are read', async () => {
  const { sync, read, cell } = await world();
  jest.useFakeTimers();
  await cell(GOOD).run(() => sync.stored(cell(GOOD), 2));
  await jest.advanceTimersByTimeAsync(CATCH_UP_AFTER_MS - 1);
  expect(read).toEqual([]);
  await jest.advanceTimersByTimeAsync(1);
  jest.useRealTimers();
  expect(read).toEqual([GOOD]);
  sync.stop();
});

test('a conversation that is gone by then is not looked for', async () => {
  const { sync, read, cell } = await world();
  jest.useFakeTimers();
  await cell(GOOD).run(() => sync.stored(cell(GOOD), 2));
  await cell(GOOD).run(() => cell(GOOD).forget([]));
  await jest.advanceTimersByTimeAsync(CATCH_UP_AFTER_MS);
  jest.useRealTimers();
  expect(read).toEqual([]);
});

test('however often everything is asked for, one more is read after the one that runs, and it sees what happened meanwhile', async () => {
  const { sync, asked } = await world();
  const first = sync.all().catch(() => undefined);
  await Promise.resolve();
  await Promise.all(Array.from({ length: 20 }, () => sync.all().catch(() => undefined)));
  await first;
  expect(asked.lists).toBe(2);
  await sync.all().catch(() => undefined);
  expect(asked.lists).toBe(3);
  sync.stop();
});

test.each([
  ['removed', 'accepted', 0],
  ['lost', 'accepted', 0],
  ['waiting', 'requested', 0],
  ['waiting', 'accepted', 1],
  ['broken', 'accepted', 1],
] as const)(
  'a message into a conversation that is %s and %s has everything read %d times',
  async (membership, standing, times) => {
    const { sync, asked, cell } = await world();
    const known = cell(GOOD);
    await known.run(() => known.write({ patch: { membership, standing } }));
    await sync.push({ conversationId: GOOD, seq: 1 } as LogRow).catch(() => undefined);
    expect(asked.lists).toBe(times);
    sync.stop();
  },
);
