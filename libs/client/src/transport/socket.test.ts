import { type AppError, CLOSE_CODES, type ClientFrame, type CloseCode } from '@rialto/contracts';
import { Socket } from './socket.ts';

const MINUTE_MS = 60_000;
const HEARTBEAT_MS = 25_000;
const realWebSocket = globalThis.WebSocket;

/** The server's end of a socket, which a test plays by hand. */
class FakeSocket extends EventTarget {
  static readonly OPEN = 1;
  static readonly CLOSED = 3;
  static all: FakeSocket[] = [];
  /** What every new socket does by itself. */
  static script: ((socket: FakeSocket) => void) | undefined;
  static get last(): FakeSocket {
    const last = FakeSocket.all.at(-1);
    if (!last) throw new Error('no socket was opened');
    return last;
  }
  readonly sent: ClientFrame[] = [];
  readyState = FakeSocket.OPEN;

  constructor() {
    super();
    FakeSocket.all.push(this);
    setTimeout(() => FakeSocket.script?.(this), 1);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientFrame);
  }
  close(): void {
    this.readyState = FakeSocket.CLOSED;
  }
  say(frame: object): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(frame) }));
  }
  hello(): void {
    this.say({ op: 'hello', heartbeatMs: HEARTBEAT_MS, maxUnacked: 256 });
  }
  letIn({ sessionId = 'ses_A', resumed = false, seq = 0 } = {}): void {
    this.hello();
    this.say({ op: 'ready', sessionId, resumed, seq });
  }
  push(seq: number): void {
    this.say({ op: 'dispatch', seq, event: 'some.event', payload: seq });
  }
  lose(code: number): void {
    this.readyState = FakeSocket.CLOSED;
    this.dispatchEvent(Object.assign(new Event('close'), { code }));
  }
  frames<O extends ClientFrame['op']>(op: O): Extract<ClientFrame, { op: O }>[] {
    return this.sent.filter((frame): frame is Extract<ClientFrame, { op: O }> => frame.op === op);
  }
}

beforeEach(() => {
  jest.useFakeTimers();
  FakeSocket.all = [];
  FakeSocket.script = undefined;
  globalThis.WebSocket = FakeSocket as unknown as typeof WebSocket;
});
afterEach(() => {
  jest.useRealTimers();
  globalThis.WebSocket = realWebSocket;
});

/** A started socket, what it told, and the end of each push by its payload. */
async function world() {
  const told = { ready: [] as boolean[], closed: [] as object[], refused: [] as string[] };
  const processed = new Map<unknown, () => void>();
  const socket = new Socket({
    url: 'http://localhost:1',
    token: async () => `token ${FakeSocket.all.length + 1}`,
    events: {
      ready: ({ resumed }) => void told.ready.push(resumed),
      dispatch: (_event, payload) => new Promise((resolve) => processed.set(payload, resolve)),
      closed: (about) => void told.closed.push(about),
      tokenRefused: (token) => void told.refused.push(token),
    },
  });
  socket.start();
  await jest.advanceTimersByTimeAsync(1);
  return {
    socket,
    told,
    process: async (seq: number) => {
      processed.get(seq)?.();
      await jest.advanceTimersByTimeAsync(0);
    },
  };
}
/** Until the next socket is there. */
async function comeBack(): Promise<FakeSocket> {
  const before = FakeSocket.all.length;
  for (let waitedMs = 0; FakeSocket.all.length === before && waitedMs < MINUTE_MS; waitedMs += 10) {
    await jest.advanceTimersByTimeAsync(10);
  }
  expect(FakeSocket.all.length).toBe(before + 1);
  return FakeSocket.last;
}

describe('how often it asks', () => {
  async function opensWithin(ms: number, staysOpenMs: number): Promise<number> {
    FakeSocket.script = (socket) => {
      socket.letIn();
      setTimeout(() => socket.lose(4007), staysOpenMs);
    };
    const { socket, told } = await world();
    await jest.advanceTimersByTimeAsync(ms);
    socket.stop();
    expect(told.ready.length).toBeGreaterThan(0);
    return FakeSocket.all.length;
  }

  test('a server that lets in and closes at once is asked less and less often', async () => {
    expect(await opensWithin(MINUTE_MS, 1)).toBeLessThan(30);
  });

  test('after a socket that held for a while the next one is opened soon', async () => {
    const expected = Math.floor((5 * MINUTE_MS) / 30_000);
    expect(await opensWithin(5 * MINUTE_MS, 30_000)).toBeGreaterThanOrEqual(expected - 1);
  });
});

test('identifies first, and after a loss goes on behind the last push that it got', async () => {
  const { socket, told } = await world();
  FakeSocket.last.letIn({ seq: 5 });
  expect(FakeSocket.last.frames('identify')).toEqual([{ op: 'identify', token: 'token 1' }]);
  FakeSocket.last.push(6);
  FakeSocket.last.push(7);
  FakeSocket.last.lose(4007);
  const next = await comeBack();
  next.letIn({ resumed: true, seq: 7 });
  expect(next.frames('identify')).toEqual([]);
  expect(next.frames('resume')).toMatchObject([{ sessionId: 'ses_A', lastSeq: 7 }]);
  expect(told.ready).toEqual([false, true]);
  socket.stop();
});

test('acknowledges pushes in their order, whichever is processed first', async () => {
  const { socket, process } = await world();
  FakeSocket.last.letIn();
  for (const seq of [1, 2, 3]) FakeSocket.last.push(seq);
  await process(3);
  await process(2);
  expect(FakeSocket.last.frames('ack')).toEqual([]);
  await process(1);
  FakeSocket.last.push(4);
  FakeSocket.last.push(5);
  await process(4);
  expect(FakeSocket.last.frames('ack').map(({ upTo }) => upTo)).toEqual([3, 4]);
  socket.stop();
});

describe('a push that is processed only after its socket is gone is not acknowledged on the next one', () => {
  test('before that one is ready', async () => {
    const { socket, process } = await world();
    FakeSocket.last.letIn();
    FakeSocket.last.push(1);
    FakeSocket.last.lose(4007);
    const next = await comeBack();
    next.hello();
    await process(1);
    expect(next.frames('ack')).toEqual([]);
    next.say({ op: 'ready', sessionId: 'ses_A', resumed: true, seq: 1 });
    expect(next.frames('ack')).toEqual([]);
    socket.stop();
  });

  test('and not in a session that counts from its own beginning', async () => {
    const { socket, process } = await world();
    FakeSocket.last.letIn();
    FakeSocket.last.push(1);
    FakeSocket.last.lose(4007);
    const next = await comeBack();
    next.letIn({ sessionId: 'ses_B', resumed: false, seq: 0 });
    await process(1);
    expect(next.frames('ack')).toEqual([]);
    next.push(1);
    await process(1);
    expect(next.frames('ack')).toEqual([{ op: 'ack', upTo: 1 }]);
    socket.stop();
  });
});

test.each(Object.entries(CLOSE_CODES))(
  'after the close code %s it comes back exactly when the table says so',
  async (code, row) => {
    const { socket, told } = await world();
    FakeSocket.last.letIn();
    FakeSocket.last.lose(Number(code) as CloseCode);
    expect(told.closed).toEqual([{ code: Number(code), willReconnect: row.reconnect }]);
    expect(told.refused).toEqual(code === '4002' ? ['token 1'] : []);
    await jest.advanceTimersByTimeAsync(MINUTE_MS);
    expect(FakeSocket.all.length > 1).toBe(row.reconnect);
    socket.stop();
  },
);

test('asks for life, and gives up a server that is silent for two and a half heartbeats', async () => {
  const { socket, told } = await world();
  const first = FakeSocket.last;
  first.letIn();
  await jest.advanceTimersByTimeAsync(HEARTBEAT_MS);
  expect(first.frames('heartbeat').length).toBe(1);
  first.say({ op: 'heartbeat' });
  await jest.advanceTimersByTimeAsync(HEARTBEAT_MS * 2.4);
  expect(told.closed).toEqual([]);
  await jest.advanceTimersByTimeAsync(HEARTBEAT_MS);
  expect(told.closed).toEqual([{ code: 1006, willReconnect: true }]);
  expect(first.readyState).toBe(FakeSocket.CLOSED);
  socket.stop();
});

describe('calls', () => {
  const outcome = (call: Promise<unknown>) => call.catch(({ code }: AppError) => code);

  test('are answered by their number, with what the server says', async () => {
    const { socket } = await world();
    FakeSocket.last.letIn();
    const [first, second] = [socket.call('a.b', { x: 1 }), outcome(socket.call('c.d', {}))];
    const [id, other] = FakeSocket.last.frames('call').map((frame) => frame.id);
    FakeSocket.last.say({ op: 'error', id: other, code: 'not-a-member', retryable: false, requestId: 'r' });
    FakeSocket.last.say({ op: 'reply', id, ok: { y: 2 } });
    expect(await first).toEqual({ y: 2 });
    expect(await second).toBe('not-a-member');
    socket.stop();
  });

  test('without an answer in time or with a lost socket have an unknown outcome, and none is made before the socket is ready', async () => {
    const { socket } = await world();
    expect(await outcome(socket.call('a.b', {}))).toBe('unavailable');
    FakeSocket.last.letIn();
    const late = outcome(socket.call('a.b', {}));
    await jest.advanceTimersByTimeAsync(20_000);
    expect(await late).toBe('outcome-unknown');
    const lost = outcome(socket.call('a.b', {}));
    FakeSocket.last.lose(4007);
    expect(await lost).toBe('outcome-unknown');
    socket.stop();
  });
});

test('hands over a fresh token on the open socket, and only there', async () => {
  const { socket } = await world();
  FakeSocket.last.hello();
  socket.renew('too early');
  FakeSocket.last.say({ op: 'ready', sessionId: 'ses_A', resumed: false, seq: 0 });
  socket.renew('fresh');
  expect(FakeSocket.last.frames('renew')).toEqual([{ op: 'renew', token: 'fresh' }]);
  socket.stop();
});
