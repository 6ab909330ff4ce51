import { type AccountId, AppError, type ConversationId, type ConversationView, type LogRow } from '@rialto/contracts';
import { ChainMissing, type Engine, type Group, ready } from '@rialto/crypto';
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
async function world({
  meet = async () => undefined,
  take = async () => 'blocked',
  freshChains = async () => undefined,
  page = { rows: [], lastSeq: 0, firstSeq: 1 },
}: {
  meet?: (accountId: AccountId) => Promise<unknown>;
  take?: LogReader['take'];
  freshChains?: () => Promise<void>;
  page?: { rows: LogRow[]; lastSeq: number; firstSeq: number };
} = {}) {
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
  const rejoined: string[] = [];
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
        return page;
      },
      acknowledge: async () => ({}) as never,
      getConversation: async () => ({ ...viewOf(GOOD, BEN), epoch: 5, lastSeq: page.lastSeq }),
    },
    freshChains,
    reader: { takeSent: async () => undefined, take } as unknown as LogReader,
    membership: {
      join: async () => {
        throw new ClientError('server-lied');
      },
      rejoin: async (each: Cell) => {
        rejoined.push(each.record.membership);
        await each.run(() => each.write({ patch: { membership: 'joined' } }));
        return true;
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
  return { sync, read, cell, asked, rejoined };
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

const rowAt = (seq: number, bytes = 'AA') => ({ conversationId: GOOD, seq, kind: 'commit', bytes }) as unknown as LogRow;
/** Counts a row once `isKnown` says that its chain is here. */
const needing = (isKnown: () => boolean): LogReader['take'] =>
  async function take(cell, row) {
    if (row.seq <= cell.record.cursor) return 'known';
    if (!isKnown()) {
      cell.needChainAt(row.seq);
      throw new ChainMissing('head');
    }
    await cell.write({ patch: { cursor: row.seq } });
    return 'done';
  };

test('while a chain is asked for, the conversation is free, and only sealing for its group has to wait', async () => {
  let isKnown = false;
  let answer = (): void => undefined;
  const freshChains = () =>
    new Promise<void>((resolve) => {
      answer = () => {
        isKnown = true;
        resolve();
      };
    });
  const { sync, cell } = await world({ take: needing(() => isKnown), freshChains });
  const pushed = sync.push(rowAt(1));
  await new Promise((resolve) => setTimeout(resolve, 5));
  await cell(GOOD).run(() => cell(GOOD).write({ patch: { unread: 7 } })); // resolves: nobody holds the conversation
  expect([cell(GOOD).awaitsChain, cell(GOOD).record.cursor]).toEqual([true, 0]);
  answer();
  await pushed;
  expect([cell(GOOD).awaitsChain, cell(GOOD).record]).toEqual([false, expect.objectContaining({ cursor: 1, unread: 7 })]);
  sync.stop();
});

test('a chain that does not come leaves the row for later, and the conversation free', async () => {
  const freshChains = () => Promise.reject(new AppError('unavailable'));
  const { sync, cell } = await world({ take: needing(() => false), freshChains });
  await expect(sync.push(rowAt(1))).rejects.toMatchObject({ code: 'unavailable' });
  await cell(GOOD).run(async () => undefined);
  expect([cell(GOOD).awaitsChain, cell(GOOD).record.cursor]).toEqual([true, 0]);
  sync.stop();
});

test.each([
  ['other bytes', 'BB', 'BB'],
  ['the same bytes', 'AA', 'AA'],
])(
  'a damaged row is asked for again outside of the conversation, and what comes then is final: %s',
  async (_name, stored, final) => {
    const taken: [string, boolean][] = [];
    const take: LogReader['take'] = async (_cell, row, isFinal) => {
      taken.push([row.bytes, isFinal === true]);
      return isFinal ? 'done' : 'damaged';
    };
    const { sync } = await world({ take, page: { rows: [rowAt(1, stored)], lastSeq: 1, firstSeq: 1 } });
    await sync.push(rowAt(1));
    expect(taken).toEqual([
      ['AA', false],
      [final, true],
    ]);
    sync.stop();
  },
);

test('however many pushes find a gap at once, the log is read once more after the reading that runs', async () => {
  const { sync, read, cell } = await world();
  const first = sync.log(cell(GOOD));
  await new Promise((resolve) => setTimeout(resolve, 1));
  await Promise.all(Array.from({ length: 20 }, () => sync.log(cell(GOOD))));
  await first;
  expect(read.length).toBeLessThanOrEqual(2);
});

test('rows that are gone are looked behind at once: a group whose epoch ended in them comes back', async () => {
  const { sync, cell, rejoined, asked } = await world({ page: { rows: [], lastSeq: 4, firstSeq: 5 } });
  Object.defineProperty(cell(GOOD), 'group', { value: { epoch: 3n } as Group });
  await sync.log(cell(GOOD));
  expect([rejoined, asked.lists, cell(GOOD).record.cursor]).toEqual([['broken'], 0, 4]);
  sync.stop();
});

test('a group that is where the server is stays as it is, also when the server is asked', async () => {
  const { sync, cell, rejoined } = await world({ page: { rows: [], lastSeq: 0, firstSeq: 1 } });
  Object.defineProperty(cell(GOOD), 'group', { value: { epoch: 5n } as Group });
  await sync.moved(cell(GOOD));
  expect(rejoined).toEqual([]);
  sync.stop();
});
