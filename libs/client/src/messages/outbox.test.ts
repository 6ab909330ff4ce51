import { type AccountId, AppError, type ClientMessageId, type ConversationId, type LogRow } from '@rialto/contracts';
import {
  type Chain,
  EMPTY_LOG_HASH,
  type Engine,
  fromBase64url,
  type Group,
  nextLogHash,
  ready,
  toBase64url,
} from '@rialto/crypto';
import { Cell } from '../conversations/cell.ts';
import { newConversation } from '../conversations/conversation-record.ts';
import { LogHashes } from '../conversations/log-hash.ts';
import { LogReader, type LogReaderPorts } from '../conversations/log-reader.ts';
import { MemoryStore } from '../memory-store.ts';
import { Outbox } from './outbox.ts';
import { Outgoing } from './outgoing-record.ts';
import { Timeline } from './timeline.ts';

beforeAll(() => ready());

const [ME, BEN] = ['A', 'B'].map((letter) => letter.repeat(43) as AccountId) as [AccountId, AccountId];
const ID = `cnv_${'A'.repeat(22)}` as ConversationId;
const AT = '2026-01-01T12:00:00.000Z';

/** A group that seals to other bytes each time, as a real one does. */
function groupOf(sealings: Uint8Array[]): Group {
  const send = async () => {
    const bytes = new Uint8Array([sealings.length, 1, 2, 3]);
    sealings.push(bytes);
    return { result: { bytes }, save: { state: bytes }, settle: () => undefined, abandon: () => undefined };
  };
  return { epoch: 1n, send } as unknown as Group;
}

/** An outbox with the real tables, cell and reader of the log; what the server stores and answers is the test's. */
async function world() {
  const store = new MemoryStore();
  const cell = new Cell(ID, { store, engine: {} as Engine });
  const outgoing = new Outgoing(store);
  const timeline = new Timeline({ store, cards: {} as never });
  const problems: string[] = [];
  const emit = (_event: unknown, { code }: { code: string }) => void problems.push(code);
  const ports = { store, me: { accountId: ME, deviceId: 'device' }, timeline, outgoing, hashes: new LogHashes(store) };
  const reader = new LogReader({ ...ports, events: { emit }, show: () => undefined } as unknown as LogReaderPorts);
  const server = {
    log: [] as LogRow[],
    answer: { seq: 1, duplicate: false },
    /** So many times the server says that the group has moved on. */
    stale: 0,
    syncs: 0,
    moves: 0,
  };
  const sealings: Uint8Array[] = [];
  const outbox = new Outbox({
    api: {
      sendMessage: async () => {
        if (server.stale > 0) {
          server.stale -= 1;
          throw new AppError('stale-epoch');
        }
        return { ...server.answer, at: AT } as never;
      },
    },
    outgoing,
    timeline,
    me: ME,
    people: { known: () => undefined },
    ownChain: () => ({ heads: ['head'] }) as unknown as Chain,
    now: () => Date.parse(AT),
    sync: (each) =>
      each.run(async () => {
        server.syncs += 1;
        await Promise.all(server.log.map((row) => reader.take(each, row)));
      }),
    moved: async () => {
      server.moves += 1;
    },
    stored: (each) => reader.takeSent(each),
    show: () => undefined,
    changed: () => undefined,
  });
  const record = newConversation({
    id: ID,
    peer: BEN,
    standing: 'accepted',
    membership: 'joined',
    createdByMe: true,
    activeAt: AT,
  });
  const save = { state: new Uint8Array(1), tree: { epoch: 1n, bytes: new Uint8Array(1) } };
  await cell.run(() => cell.begin(record, { group: groupOf(sealings), save }));
  const content = { type: 'text', text: 'hello' } as const;
  const plan = () => cell.run(async () => (await outbox.plan(cell, { body: content, content }))?.id as ClientMessageId);
  const waiting = () => outgoing.messages(ID);
  const row = (clientMessageId: ClientMessageId, bytes: Uint8Array): LogRow =>
    ({
      conversationId: ID,
      seq: 1,
      kind: 'application',
      epoch: 1,
      senderAccount: ME,
      senderDevice: 'device',
      at: AT,
      clientMessageId,
      bytes: toBase64url(bytes),
    }) as unknown as LogRow;
  return { cell, outbox, timeline, server, sealings, problems, plan, waiting, row, reader };
}
const hashOf = (bytes: string) =>
  toBase64url(nextLogHash(EMPTY_LOG_HASH, { seq: 1, kind: 'application', bytes: fromBase64url(bytes) }));

test('a message that was stored just now is counted by its own bytes, without asking again', async () => {
  const { cell, outbox, sealings, plan, waiting, timeline } = await world();
  const id = await plan();
  await outbox.flush(cell);
  expect(cell.record).toMatchObject({ cursor: 1, logHash: hashOf(toBase64url(sealings[0] as Uint8Array)) });
  expect(await waiting()).toEqual([]);
  expect(await timeline.get(ID, id)).toMatchObject({ state: 'sent', seq: 1 });
});

test('of a message that the server had before, what the log shows is counted, not what is sealed here now', async () => {
  const { cell, outbox, server, plan, waiting, timeline, row } = await world();
  const id = await plan();
  const earlier = row(id, new Uint8Array([9, 9, 9]));
  server.log.push(earlier);
  server.answer = { seq: 1, duplicate: true };
  await outbox.flush(cell);
  expect(cell.record).toMatchObject({ cursor: 1, logHash: hashOf(earlier.bytes) });
  expect(await waiting()).toEqual([]);
  expect(await timeline.get(ID, id)).toMatchObject({ state: 'sent', seq: 1 });
});

test('a message that the server had before, with these very bytes, is done when the log shows it', async () => {
  const { cell, outbox, server, sealings, problems, plan, waiting, row } = await world();
  const id = await plan();
  server.answer = { seq: 1, duplicate: true };
  await outbox.flush(cell);
  expect(cell.record.cursor).toBe(0);
  server.log.push(row(id, sealings[0] as Uint8Array));
  await plan();
  server.answer = { seq: 2, duplicate: true };
  await outbox.flush(cell);
  expect(cell.record).toMatchObject({ cursor: 1, logHash: hashOf(toBase64url(sealings[0] as Uint8Array)) });
  expect((await waiting()).map((each) => each.id)).not.toContain(id);
  expect(problems).toEqual([]);
});

test('a message whose place in the log was read before the answer came is not waited for any longer', async () => {
  const { cell, outbox, server, plan, waiting, timeline } = await world();
  const id = await plan();
  await cell.run(() => cell.write({ patch: { cursor: 1 } }));
  server.answer = { seq: 1, duplicate: true };
  await outbox.flush(cell);
  expect(await waiting()).toEqual([]);
  expect(await timeline.get(ID, id)).toMatchObject({ state: 'sent', seq: 1 });
});

test('while a change of the group waits for a chain nothing is sealed, and the message goes out when it was read', async () => {
  const { cell, outbox, server, sealings, plan, waiting, timeline } = await world();
  const id = await plan();
  await cell.run(async () => cell.needChainAt(1));
  await expect(outbox.flush(cell)).rejects.toMatchObject({ code: 'unavailable' });
  expect([sealings, server.syncs, (await waiting())[0]?.state]).toEqual([[], 1, 'planned']);
  expect(await timeline.get(ID, id)).toMatchObject({ state: 'sending' });
  await cell.run(() => cell.write({ patch: { cursor: 1 } }));
  server.answer = { seq: 2, duplicate: false };
  await outbox.flush(cell);
  expect(await timeline.get(ID, id)).toMatchObject({ state: 'sent', seq: 2 });
});

test('when the server has moved on and the log says nothing of it, the conversation is looked after at once', async () => {
  const { cell, outbox, server, plan, timeline } = await world();
  const id = await plan();
  server.stale = 1;
  await outbox.flush(cell);
  expect([server.moves, (await timeline.get(ID, id)).state]).toEqual([1, 'sent']);
});

/** A message that was sealed twice: the answer to the first attempt was lost, and meanwhile the group moved on. */
async function sealedTwice() {
  const there = await world();
  const id = await there.plan();
  there.server.stale = 2;
  there.server.answer = { seq: 1, duplicate: true };
  await there.outbox.flush(there.cell);
  expect(there.sealings).toHaveLength(2);
  const [first, second] = there.sealings as [Uint8Array, Uint8Array];
  const read = async (bytes: Uint8Array) => {
    there.server.log.push(there.row(id, bytes));
    await there.outbox.flush(there.cell);
    await there.cell.run(async () => void (await there.reader.take(there.cell, there.row(id, bytes))));
  };
  return { ...there, id, first, second, read };
}

test.each(['first', 'second'] as const)('of a message that was sealed twice the server may have kept the %s', async (which) => {
  const { id, cell, problems, waiting, timeline, read, ...sealed } = await sealedTwice();
  await read(sealed[which]);
  expect(problems).toEqual([]);
  expect(cell.record).toMatchObject({ cursor: 1, logHash: hashOf(toBase64url(sealed[which])) });
  expect(await waiting()).toEqual([]);
  expect(await timeline.get(ID, id)).toMatchObject({ state: 'sent', seq: 1 });
});

test('what was never sealed here for that message is a rewritten log, also when it was sealed twice', async () => {
  const { problems, read } = await sealedTwice();
  await read(new Uint8Array([9, 9, 9]));
  expect(problems).toEqual(['log-rewritten']);
});

test('once the server has said that it stored the last bytes, the first ones are a rewritten log', async () => {
  const { cell, outbox, server, sealings, plan, problems, reader, row } = await world();
  await cell.run(() => cell.write({ patch: { cursor: 0 } }));
  const id = await plan();
  server.stale = 2;
  server.answer = { seq: 2, duplicate: false };
  await outbox.flush(cell); // the row before it is not here yet
  await cell.run(() => cell.write({ patch: { cursor: 1 } }));
  await cell.run(async () => void (await reader.take(cell, { ...row(id, sealings[0] as Uint8Array), seq: 2 })));
  expect(problems).toEqual(['log-rewritten']);
});
