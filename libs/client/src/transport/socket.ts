import { AppError, CLOSE_CODES, type CloseCode, MAX_SOCKET_FRAME_BYTES, ServerFrame } from '@rialto/contracts';
import { errorFrom } from './problem.ts';
import { backOffMs } from './retry.ts';

const OPEN_TIMEOUT_MS = 10_000;
const CALL_TIMEOUT_MS = 20_000;
/** The server is gone when nothing came for this many heartbeats. */
const SILENT_HEARTBEATS = 2.5;
const MAX_BACK_OFF_STEPS = 6;
/** A socket that was identified for this long was a success; the next loss is a new one. */
const STEADY_AFTER_MS = 10_000;

export interface SocketEvents {
  /** The socket is identified. `resumed: false`: pushes may have been missed, so the logs must be read. */
  ready(about: { readonly resumed: boolean }): void;
  /** A push. It is acknowledged to the server when the promise resolves. */
  dispatch(event: string, payload: unknown): Promise<void>;
  /** The socket is gone; `willReconnect` says whether it comes back by itself. */
  closed(about: { readonly code: number; readonly willReconnect: boolean }): void;
  /** The server refused the token with which this socket was opened. */
  tokenRefused(token: string): void;
}
export interface SocketPorts {
  readonly url: string;
  token(): Promise<string>;
  readonly events: SocketEvents;
}
interface Waiting {
  resolve(output: unknown): void;
  reject(error: AppError): void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** The WebSocket at `/v1/socket`: comes back by itself, resumes where it was, and carries calls and pushes. */
export class Socket {
  readonly #ports: SocketPorts;
  #socket: WebSocket | undefined;
  #isReady = false;
  #isStopped = true;
  #failures = 0;
  #session: { id: string; lastSeq: number } | undefined;
  #nextCall = 0;
  #waiting = new Map<number, Waiting>();
  #acknowledgement: Acknowledgement | undefined;
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #lastHeardAt = 0;

  constructor(ports: SocketPorts) {
    this.#ports = ports;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  start(): void {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    void this.#open();
  }

  stop(): void {
    this.#isStopped = true;
    this.#drop(1000);
  }

  /** Tries at once instead of waiting for the back-off: the network is said to be back. */
  hurry(): void {
    if (this.#isStopped || this.#socket) return;
    this.#clearTimers();
    this.#failures = 0;
    void this.#open();
  }

  /** The network is said to be gone: closes what is open and goes on trying, as after any loss. */
  giveUp(): void {
    if (!this.#isStopped && this.#socket) this.#drop(1006);
  }

  /** Throws `AppError`: the server's, or `outcome-unknown` when the socket closed or no answer came in time. */
  call(operation: string, input: unknown): Promise<unknown> {
    const id = this.#nextCall++;
    const frame = JSON.stringify({ op: 'call', id, operation, input });
    if (!this.#isReady || frame.length > MAX_SOCKET_FRAME_BYTES) return Promise.reject(new AppError('unavailable'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new AppError('outcome-unknown'));
      }, CALL_TIMEOUT_MS);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#socket?.send(frame);
    });
  }

  /** Hands the server a fresh token while the socket stays open. */
  renew(token: string): void {
    if (this.#isReady) this.#send({ op: 'renew', token });
  }

  async #open(): Promise<void> {
    let token: string;
    try {
      token = await this.#ports.token();
    } catch (error) {
      const code = error instanceof AppError ? error.code : 'internal';
      const isFinal = code === 'device-revoked' || code === 'signature-invalid' || code === 'origin-refused';
      this.#ports.events.closed({ code: code === 'device-revoked' ? 4003 : 1006, willReconnect: !isFinal && !this.#isStopped });
      if (!isFinal) this.#openLater();
      return;
    }
    if (this.#isStopped || this.#socket) return;
    const socket = new WebSocket(`${this.#ports.url.replace(/^http/, 'ws')}/v1/socket`);
    this.#socket = socket;
    const opening = this.#after(OPEN_TIMEOUT_MS, () => socket === this.#socket && !this.#isReady && this.#drop(1006));
    socket.addEventListener('message', ({ data }) => {
      if (socket === this.#socket) this.#receive(data, token, opening);
    });
    socket.addEventListener('close', ({ code }) => {
      if (socket === this.#socket) this.#closed(code, token);
    });
    socket.addEventListener('error', () => {
      if (socket === this.#socket && socket.readyState === WebSocket.CLOSED) this.#closed(1006, token);
    });
  }

  #receive(data: unknown, token: string, opening: ReturnType<typeof setTimeout>): void {
    this.#lastHeardAt = Date.now();
    const frame = readFrame(data);
    if (!frame) return this.#drop(1006);
    switch (frame.op) {
      case 'hello':
        this.#beat(frame.heartbeatMs);
        return this.#send(
          this.#session
            ? { op: 'resume', token, sessionId: this.#session.id, lastSeq: this.#session.lastSeq }
            : { op: 'identify', token },
        );
      case 'ready':
        clearTimeout(opening);
        return this.#readied(frame);
      case 'dispatch':
        return this.#dispatched(frame);
      case 'reply':
        return this.#settle(frame.id)?.resolve(frame.ok);
      case 'error':
        if (frame.id !== null) return this.#settle(frame.id)?.reject(errorFrom(frame));
        if (frame.code === 'token-expired' || frame.code === 'unauthenticated') this.#ports.events.tokenRefused(token);
        return;
      case 'renewed':
      case 'heartbeat':
    }
  }

  #readied({ sessionId, resumed, seq }: { sessionId: string; resumed: boolean; seq: number }): void {
    // A server that lets in and closes at once must not be asked again and again: each time costs it a whole sync.
    this.#after(STEADY_AFTER_MS, () => {
      this.#failures = 0;
    });
    this.#isReady = true;
    if (!resumed || this.#session?.id !== sessionId) {
      this.#session = { id: sessionId, lastSeq: seq };
    }
    const from = this.#session.lastSeq;
    this.#acknowledgement = new Acknowledgement(from, (upTo) => this.#send({ op: 'ack', upTo }));
    this.#ports.events.ready({ resumed });
  }

  #dispatched({ seq, event, payload }: { seq: number; event: string; payload: unknown }): void {
    const acknowledgement = this.#acknowledgement;
    if (!this.#session || !acknowledgement || seq <= this.#session.lastSeq) return;
    this.#session.lastSeq = seq;
    acknowledgement.begin(seq);
    void this.#ports.events.dispatch(event, payload).finally(() => {
      // The next socket counts for itself: it went on behind this push, or it reads the logs.
      if (this.#acknowledgement === acknowledgement) acknowledgement.end(seq);
    });
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting) clearTimeout(waiting.timer);
    return waiting;
  }

  #send(frame: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #beat(heartbeatMs: number): void {
    const next = () => {
      if (Date.now() - this.#lastHeardAt > SILENT_HEARTBEATS * heartbeatMs) return this.#drop(1006);
      this.#send({ op: 'heartbeat' });
      this.#after(heartbeatMs * 0.8, next);
    };
    this.#after(heartbeatMs * 0.8, next);
  }

  /** Gives up this socket without waiting for the other side, which may be gone. */
  #drop(code: number): void {
    const socket = this.#socket;
    if (!socket) return this.#clearTimers();
    this.#closed(code, undefined);
    socket.close();
  }

  #closed(code: number, token: string | undefined): void {
    this.#socket = undefined;
    this.#isReady = false;
    this.#acknowledgement = undefined;
    this.#clearTimers();
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(new AppError('outcome-unknown'));
    const row = Object.hasOwn(CLOSE_CODES, code) ? CLOSE_CODES[code as CloseCode] : undefined;
    const willReconnect = !this.#isStopped && (row?.reconnect ?? true);
    if (code === 4002 && token !== undefined) this.#ports.events.tokenRefused(token);
    if (willReconnect) this.#openLater();
    this.#ports.events.closed({ code, willReconnect });
  }

  #openLater(): void {
    const delayMs = backOffMs(Math.min(this.#failures++, MAX_BACK_OFF_STEPS));
    this.#after(delayMs, () => {
      if (!this.#isStopped && !this.#socket) void this.#open();
    });
  }

  #after(ms: number, run: () => void): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

/** Acknowledges pushes in their order: `upTo` moves only when everything before it was processed. */
class Acknowledgement {
  #upTo: number;
  #open = new Set<number>();
  #newest: number;
  readonly #send: (upTo: number) => void;

  constructor(from: number, send: (upTo: number) => void) {
    this.#upTo = from;
    this.#newest = from;
    this.#send = send;
  }
  begin(seq: number): void {
    this.#open.add(seq);
    this.#newest = Math.max(this.#newest, seq);
  }
  end(seq: number): void {
    this.#open.delete(seq);
    const upTo = this.#open.size === 0 ? this.#newest : Math.min(...this.#open) - 1;
    if (upTo <= this.#upTo) return;
    this.#upTo = upTo;
    this.#send(upTo);
  }
}

function readFrame(data: unknown): ServerFrame | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    return ServerFrame.safeParse(JSON.parse(data)).data;
  } catch {
    return undefined; // not JSON: this is not our gateway
  }
}
