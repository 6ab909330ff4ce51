import { Socket } from './socket.ts';

const MINUTE_MS = 60_000;
const realWebSocket = globalThis.WebSocket;

/** A server that lets everybody in and then, if it is asked to, closes the socket at once. */
class FakeSocket extends EventTarget {
  static readonly OPEN = 1;
  static readonly CLOSED = 3;
  static opened = 0;
  static staysOpenMs = 0;
  readyState = 1;

  constructor() {
    super();
    FakeSocket.opened += 1;
    setTimeout(() => {
      this.#say({ op: 'hello', heartbeatMs: 25_000, maxUnacked: 256 });
      this.#say({ op: 'ready', sessionId: 'ses_A', resumed: false, seq: 0 });
      setTimeout(() => this.dispatchEvent(Object.assign(new Event('close'), { code: 4007 })), FakeSocket.staysOpenMs);
    }, 1);
  }
  send(): void {}
  close(): void {}
  #say(frame: object): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(frame) }));
  }
}

beforeEach(() => {
  jest.useFakeTimers();
  FakeSocket.opened = 0;
  globalThis.WebSocket = FakeSocket as unknown as typeof WebSocket;
});
afterEach(() => {
  jest.useRealTimers();
  globalThis.WebSocket = realWebSocket;
});

async function opensWithin(ms: number): Promise<number> {
  let ready = 0;
  const socket = new Socket({
    url: 'http://localhost:1',
    token: async () => 'token',
    events: {
      ready: () => void (ready += 1),
      dispatch: async () => undefined,
      closed: () => undefined,
      tokenRefused: () => undefined,
    },
  });
  socket.start();
  await jest.advanceTimersByTimeAsync(ms);
  socket.stop();
  expect(ready).toBeGreaterThan(0);
  return FakeSocket.opened;
}

test('a server that lets in and closes at once is asked less and less often', async () => {
  FakeSocket.staysOpenMs = 1;
  expect(await opensWithin(MINUTE_MS)).toBeLessThan(30);
});

test('after a socket that held for a while the next one is opened soon', async () => {
  FakeSocket.staysOpenMs = 30_000;
  const expected = Math.floor((5 * MINUTE_MS) / 30_000);
  expect(await opensWithin(5 * MINUTE_MS)).toBeGreaterThanOrEqual(expected - 1);
});
