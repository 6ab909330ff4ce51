import { EventEmitter } from 'node:events';
import { PassThrough, type Writable } from 'node:stream';
import {
  type Bound,
  type ClientFrame,
  MAX_CALLS_IN_FLIGHT,
  MAX_SOCKET_FRAME_BYTES,
  MAX_UNACKED_DISPATCHES,
  SOCKET_HEARTBEAT_MS,
} from '@rialto/contracts';
import type { Session as TokenSession } from '@rialto/service';
import * as ws from 'ws';
import { Connection, type ConnectionDeps, MAX_BYTES_IN_FLIGHT } from './connection.ts';
import type { Sessions } from './sessions.ts';
import { SocketSession } from './session.ts';

const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const PUSH = '{"event":"some.event","payload":{}}';

/** The library's socket as a connection uses it. */
class FakeWs extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  readonly closedWith: number[] = [];
  pings = 0;
  isPaused = false;
  ping(): void {
    this.pings += 1;
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  close(code: number): void {
    this.readyState = 2;
    this.closedWith.push(code);
  }
  terminate(): void {}
}
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

/** A connection, its client's side, and a token that is judged when the test says so. */
function world({ tokenForMs = HOUR_MS, highWaterMark = 1_000_000 } = {}) {
  const socket = new FakeWs();
  const stream = new PassThrough({ highWaterMark });
  const received: { op: string }[] = [];
  const receiver = new Receiver({ isServer: false });
  receiver.on('message', (data: Buffer) => received.push(JSON.parse(data.toString('utf8')) as { op: string }));
  stream.on('data', (chunk: Buffer) => receiver.write(chunk));
  const startedMs = Date.now();
  const tokenSession = { accountId: 'account', deviceId: 'device', expiresAtMs: startedMs + tokenForMs } as TokenSession;
  const session = new SocketSession({ accountId: 'account', deviceId: 'device' }, () => {});
  const judged: (() => void)[] = [];
  const answered: (() => void)[] = [];
  const deps = {
    tokens: { verify: () => new Promise((resolve) => judged.push(() => resolve(tokenSession))) },
    sessions: {
      hasRoomFor: () => true,
      open: async () => session,
      resume: (_about: unknown, _id: string, lastSeq: number) => (session.resumeAfter(lastSeq) ? session : undefined),
      delete: () => undefined,
    } as unknown as Sessions,
    operations: new Map([['some.operation', {} as Bound]]),
    dispatch: { run: () => new Promise((resolve) => answered.push(() => resolve({ json: '{}' }))) },
    log: {},
  } as unknown as ConnectionDeps;
  const connection = new Connection({ socket: socket as never, stream, network: '127.0.0.1' }, deps);
  const say = (frame: ClientFrame): void => void socket.emit('message', Buffer.from(JSON.stringify(frame)), false);
  return {
    connection,
    socket,
    stream,
    session,
    received,
    startedMs,
    say,
    answered,
    judge: async () => {
      judged.shift()?.();
      await turn();
    },
    letIn: async () => {
      say({ op: 'identify', token: 'token' });
      judged.shift()?.();
      await turn();
      expect(received.at(-1)).toMatchObject({ op: 'ready' });
    },
  };
}

describe('an acknowledgement', () => {
  test('that comes while the token is looked at is of the socket before, and harms nothing', async () => {
    const { socket, say, judge, received } = world();
    say({ op: 'resume', token: 'token', sessionId: 'ses_A', lastSeq: 0 });
    say({ op: 'ack', upTo: 7 });
    await judge();
    expect(socket.closedWith).toEqual([]);
    expect(received.map(({ op }) => op)).toEqual(['hello', 'ready']);
  });

  test('of a client that has not said who it is, or of what it never got, closes the socket for good', async () => {
    const stranger = world();
    stranger.say({ op: 'ack', upTo: 0 });
    expect(stranger.socket.closedWith).toEqual([4000]);
    const liar = world();
    await liar.letIn();
    liar.say({ op: 'ack', upTo: 1 });
    expect(liar.socket.closedWith).toEqual([4000]);
  });
});

describe('once in a while', () => {
  test('a client that does not say who it is within ten seconds goes', () => {
    const { connection, socket, startedMs } = world();
    connection.sweep(startedMs + 10 * SECOND_MS);
    expect(socket.closedWith).toEqual([]);
    connection.sweep(startedMs + 11 * SECOND_MS);
    expect(socket.closedWith).toEqual([4001]);
  });

  test('a silent client is asked once, and goes after two and a half heartbeats; one that answers stays', async () => {
    const { connection, socket, letIn } = world();
    await letIn();
    const heardMs = Date.now();
    connection.sweep(heardMs + SOCKET_HEARTBEAT_MS + SECOND_MS);
    connection.sweep(heardMs + SOCKET_HEARTBEAT_MS + 2 * SECOND_MS);
    expect(socket.pings).toBe(1);
    socket.emit('pong');
    connection.sweep(heardMs + SOCKET_HEARTBEAT_MS + 3 * SECOND_MS);
    expect(socket.pings).toBe(2);
    connection.sweep(heardMs + 2.5 * SOCKET_HEARTBEAT_MS - SECOND_MS);
    expect(socket.closedWith).toEqual([]);
    connection.sweep(heardMs + 2.5 * SOCKET_HEARTBEAT_MS + SECOND_MS);
    expect(socket.closedWith).toEqual([4005]);
  });

  test('a client whose token is over is to come back with a new one', async () => {
    const { connection, socket, letIn, startedMs } = world({ tokenForMs: 5 * SECOND_MS });
    await letIn();
    connection.sweep(startedMs + 4 * SECOND_MS);
    expect(socket.closedWith).toEqual([]);
    connection.sweep(startedMs + 5 * SECOND_MS);
    expect(socket.closedWith).toEqual([4002]);
  });

  test('a client that lets its window stay full for thirty seconds goes; one acknowledgement gives it new time', async () => {
    const { connection, socket, session, letIn, say } = world();
    await letIn();
    for (let index = 0; index <= MAX_UNACKED_DISPATCHES; index += 1) session.handlePush(PUSH);
    const fullMs = Date.now();
    connection.sweep(fullMs);
    say({ op: 'ack', upTo: 2 });
    connection.sweep(fullMs + 20 * SECOND_MS);
    for (let index = 0; index < 2; index += 1) session.handlePush(PUSH);
    connection.sweep(fullMs + 25 * SECOND_MS);
    connection.sweep(fullMs + 55 * SECOND_MS);
    expect(socket.closedWith).toEqual([]);
    connection.sweep(fullMs + 56 * SECOND_MS);
    expect(socket.closedWith).toEqual([4004]);
  });
});

test('a client that takes nothing goes when eight megabytes wait for it', async () => {
  const { connection, socket, stream, letIn } = world({ highWaterMark: 1 });
  await letIn();
  stream.removeAllListeners('data');
  stream.pause();
  const megabyte = 'x'.repeat(1_048_576);
  for (let sent = 0; sent < 8; sent += 1) connection.send(megabyte);
  expect(socket.closedWith).toEqual([]);
  connection.send('one more byte');
  connection.send('and one more');
  expect(socket.closedWith).toEqual([4004]);
});

test('with too many calls at once it reads no further, and a client that goes on all the same goes', async () => {
  const { socket, say, letIn, answered, received } = world();
  await letIn();
  const call = (id: number) => say({ op: 'call', id, operation: 'some.operation', input: {} });
  for (let id = 1; id < MAX_CALLS_IN_FLIGHT; id += 1) call(id);
  expect(socket.isPaused).toBe(false);
  call(MAX_CALLS_IN_FLIGHT);
  expect(socket.isPaused).toBe(true);
  answered.shift()?.();
  await turn();
  expect(socket.isPaused).toBe(false);
  expect(received.at(-1)).toMatchObject({ op: 'reply', id: 1 });
  for (let id = MAX_CALLS_IN_FLIGHT + 1; id <= MAX_CALLS_IN_FLIGHT * 4 + 1; id += 1) call(id);
  expect(socket.closedWith).toEqual([]);
  call(MAX_CALLS_IN_FLIGHT * 4 + 2);
  expect(socket.closedWith).toEqual([4006]);
});

test('with large calls under way it reads no further until enough of them are answered', async () => {
  const { socket, say, letIn, answered } = world();
  await letIn();
  const bytes = MAX_SOCKET_FRAME_BYTES - 100;
  const fitting = Math.floor(MAX_BYTES_IN_FLIGHT / bytes);
  const call = (id: number) => say({ op: 'call', id, operation: 'some.operation', input: 'a'.repeat(bytes) });
  for (let id = 1; id <= fitting; id += 1) call(id);
  expect(socket.isPaused).toBe(false);
  call(fitting + 1);
  expect(socket.isPaused).toBe(true);
  answered.shift()?.();
  await turn();
  expect(socket.isPaused).toBe(false);
  for (const answer of answered) answer();
  await turn();
  for (let id = 1; id <= fitting; id += 1) call(id);
  expect([socket.isPaused, socket.closedWith]).toEqual([false, []]);
});
