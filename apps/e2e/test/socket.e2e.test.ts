import { CONTRACTS } from '@rialto/contracts';
import { type Dm, openDm, sealed } from '../src/dm.ts';
import { closeAgents } from '../src/http.ts';
import { Person } from '../src/person.ts';
import { RawSocket } from '../src/socket.ts';
import { each, pause, System, until } from '../src/system.ts';

const { messaging } = CONTRACTS;
const AT_ONCE = 16;

let system: System;
let ana: Person;
let ben: Person;
let dm: Dm;
beforeAll(async () => {
  system = new System();
  [ana, ben] = await Promise.all([Person.register(system, 'ana'), Person.register(system, 'ben')]);
  dm = await openDm(ana, ben);
});
afterAll(async () => {
  await system.close();
  closeAgents();
});

/** Ana writes; gives back the numbers that her messages got, in their order. */
async function write(count: number, { textChars = 40, url = system.gateway(1) } = {}): Promise<number[]> {
  const messages = [];
  for (let index = 0; index < count; index += 1) messages.push(await sealed(dm, ana, 'a'.repeat(textChars)));
  const seqs: number[] = [];
  await each(messages, AT_ONCE, async (message) => {
    seqs.push((await ana.call(messaging.operations.sendMessage, message, url)).seq);
  });
  return seqs.toSorted((a, b) => a - b);
}
/** The numbers of the messages of the conversation that a socket was pushed, as they came. */
const pushedTo = (...sockets: readonly RawSocket[]): number[] =>
  sockets
    .flatMap(({ dispatches }) => dispatches)
    .filter(({ event }) => event === 'messaging.message')
    .map(({ payload }) => (payload as { seq: number }).seq);
/** Two replicas push side by side, so what they commit at the same moment may arrive in either order; the numbers put it right. */
const inOrder = (seqs: readonly number[]) => seqs.toSorted((a, b) => a - b);
/** How far a client's cursor moves by what was pushed: up to the first gap, behind which it has to read. */
function lastInRow(cursor: number, pushed: readonly number[]): number {
  let last = cursor;
  while (pushed.includes(last + 1)) last += 1;
  return last;
}
const benAt = (gateway: number) => RawSocket.identified(system.gateway(gateway), ben.first.token);
const whenPushed = (seqs: readonly number[], ...sockets: readonly RawSocket[]) => {
  const isThere = () => {
    const pushed = new Set(pushedTo(...sockets));
    return seqs.every((seq) => pushed.has(seq)) ? true : undefined;
  };
  const missing = () => seqs.filter((seq) => !pushedTo(...sockets).includes(seq));
  return until(`the pushes up to ${seqs.at(-1)}`, isThere, 20_000).catch((error: Error) => {
    throw new Error(`${error.message}; ${missing().join(', ')} are missing`, { cause: error });
  });
};

test('messages over one gateway and one replica reach a socket at the other, once each', async () => {
  const socket = await benAt(0);
  const seqs = await write(60);
  await whenPushed(seqs, socket);
  expect(inOrder(pushedTo(socket))).toEqual(seqs);
  expect(socket.dispatches.map(({ seq }) => seq)).toEqual(socket.dispatches.map((_frame, index) => index + 1));
  socket.close();
});

test('what came while the connection was gone is there after a resume, and nothing comes twice', async () => {
  const first = await benAt(0);
  const before = await write(10);
  await whenPushed(before, first);
  const session = { sessionId: first.ready?.sessionId ?? '', lastSeq: first.lastSeq };
  first.drop();
  const missed = await write(30);
  const second = await RawSocket.resumed(system.gateway(0), ben.first.token, session);
  expect(second.ready).toMatchObject({ resumed: true, sessionId: session.sessionId });
  const after = await write(10);
  await whenPushed(after, second);
  expect(inOrder(pushedTo(first, second))).toEqual([...before, ...missed, ...after]);
  expect(second.dispatches[0]?.seq).toBe(session.lastSeq + 1);
  second.close();
});

test('what was sent and not acknowledged is sent again after a resume', async () => {
  const first = await benAt(0);
  first.acknowledges = false;
  const seqs = await write(20);
  await whenPushed(seqs, first);
  const session = { sessionId: first.ready?.sessionId ?? '', lastSeq: 12 };
  first.drop();
  const second = await RawSocket.resumed(system.gateway(0), ben.first.token, session);
  await whenPushed(seqs, first, second);
  await until('the last one', () => (second.lastSeq === 20 ? true : undefined));
  expect(second.dispatches.map(({ seq }) => seq)).toEqual([13, 14, 15, 16, 17, 18, 19, 20]);
  second.close();
});

test('at most 256 pushes are under way without an acknowledgement, and the rest follows it', async () => {
  const socket = await benAt(0);
  socket.acknowledges = false;
  const seqs = await write(300);
  await until('256 pushes', () => (socket.dispatches.length >= 256 ? true : undefined));
  await pause(300);
  expect(socket.dispatches).toHaveLength(256);
  socket.acknowledges = true;
  socket.send({ op: 'ack', upTo: 256 });
  await whenPushed(seqs, socket);
  expect(inOrder(pushedTo(socket))).toEqual(seqs);
  socket.close();
});

test('a reader that does not read is dropped, comes back, and finds everything in the log', async () => {
  const slow = await benAt(0);
  slow.acknowledges = false;
  slow.pause();
  // More than a session keeps for anybody: over a thousand pushes, or four million characters.
  const written: number[] = [];
  while (written.length < 1_400) written.push(...(await write(200, { textChars: 1_500 })));
  slow.resume();
  expect(await slow.whenClosed(20_000)).toBe(4004);
  const session = { sessionId: slow.ready?.sessionId ?? '', lastSeq: slow.lastSeq };
  const back = await RawSocket.resumed(system.gateway(0), ben.first.token, session);
  // It is told that pushes are missing, so that it reads.
  expect(back.ready).toMatchObject({ resumed: false });
  const known = new Set(pushedTo(slow));
  for (let after = written[0] ?? 0; ;) {
    const { rows } = await back.call(messaging.operations.listMessages, { conversationId: dm.id, after: after - 1, limit: 200 });
    for (const { seq } of rows) known.add(seq);
    const last = rows.at(-1)?.seq;
    if (last === undefined) break;
    after = last + 1;
  }
  expect(written.filter((seq) => !known.has(seq))).toEqual([]);
  back.close();
});

test('a client that moves to the other gateway is told to read, reads, and misses nothing', async () => {
  const sockets: RawSocket[] = [];
  const read = new Set<number>();
  const written: number[] = [];
  let session = { sessionId: '', lastSeq: 0 };
  let cursor = (await ben.call(messaging.operations.listMessages, { conversationId: dm.id, after: 0, limit: 1 })).lastSeq;
  for (let move = 0; move < 6; move += 1) {
    const socket = move === 0 ? await benAt(0) : await RawSocket.resumed(system.gateway(move), ben.first.token, session);
    sockets.push(socket);
    expect(socket.ready?.resumed).toBe(false);
    const { rows, lastSeq } = await socket.call(messaging.operations.listMessages, {
      conversationId: dm.id,
      after: cursor,
      limit: 200,
    });
    for (const { seq } of rows) read.add(seq);
    const seqs = await write(10);
    written.push(...seqs);
    // Gone in the middle of it.
    if (move % 2 === 0) await whenPushed(seqs, socket);
    session = { sessionId: socket.ready?.sessionId ?? '', lastSeq: socket.lastSeq };
    cursor = lastInRow(lastSeq, pushedTo(socket));
    socket.drop();
    written.push(...(await write(5)));
  }
  const { rows } = await ben.call(messaging.operations.listMessages, { conversationId: dm.id, after: cursor, limit: 200 });
  for (const seq of [...rows.map((row) => row.seq), ...pushedTo(...sockets)]) read.add(seq);
  expect(written.filter((seq) => !read.has(seq))).toEqual([]);
});

test('a message that is sent twice, over two gateways at once, is pushed once', async () => {
  const socket = await benAt(1);
  const message = await sealed(dm, ana, 'once');
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_none, index) => ana.call(messaging.operations.sendMessage, message, system.gateway(index))),
  );
  expect(new Set(answers.map(({ seq }) => seq)).size).toBe(1);
  expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  const { seq } = await ana.call(messaging.operations.sendMessage, await sealed(dm, ana, 'last'));
  await whenPushed([seq], socket);
  expect(pushedTo(socket)).toEqual([answers[0]?.seq, seq]);
  socket.close();
});

test('over the socket a call is answered like over HTTP', async () => {
  const socket = await RawSocket.identified(system.gateway(1), ana.first.token);
  const message = await sealed(dm, ana, 'both ways');
  const first = await socket.call(messaging.operations.sendMessage, message);
  expect(await ana.call(messaging.operations.sendMessage, message)).toEqual({ ...first, duplicate: true });
  socket.close();
});
