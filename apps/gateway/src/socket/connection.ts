import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import {
  AppError,
  ClientFrame,
  CLOSE_CODES,
  MAX_CALLS_IN_FLIGHT,
  MAX_SOCKET_FRAME_BYTES,
  MAX_UNACKED_DISPATCHES,
  SOCKET_HEARTBEAT_MS,
  type Bound,
  type CloseCode,
  type ServerFrame,
} from '@rialto/contracts';
import { continueTrace, newRequestId, type Logger, type Session as TokenSession, type Tokens } from '@rialto/service';
import type { Dispatch } from '../dispatch.ts';
import { expected, failureOf } from '../problem.ts';
import { FrameWriter } from './frame-writer.ts';
import type { SocketSession } from './session.ts';
import type { Sessions } from './sessions.ts';

const IDENTIFY_WITHIN_MS = 10_000;
/** A peer that is silent for longer than this, although it was pinged, is dead. */
const SILENCE_LIMIT_MS = SOCKET_HEARTBEAT_MS * 2.5;
/** Pushes wait in the session while this much is unsent; replies are what the client asked for, so they may pile up further. */
const MAX_UNSENT_BYTES_FOR_PUSHES = 262_144;
const MAX_UNSENT_BYTES = 8_388_608;
/** A client that lets its window stay full for this long does not read. */
const ACKNOWLEDGE_WITHIN_MS = 30_000;
/** Reading pauses at `MAX_CALLS_IN_FLIGHT`; frames that had arrived by then are still served, up to here. */
const MAX_CALLS_AT_ALL = MAX_CALLS_IN_FLIGHT * 4;
/** Reading pauses too while the calls under way are this large together: each is kept until its answer, however long that takes. */
export const MAX_BYTES_IN_FLIGHT = 8_388_608;
const CLOSE_WITHIN_MS = 2_000;

export interface ConnectionDeps {
  readonly dispatch: Dispatch;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly operations: ReadonlyMap<string, Bound>;
  readonly log: Logger;
}

interface Carried {
  readonly socket: WebSocket;
  readonly stream: Duplex;
  readonly network: string;
}

/** One socket: reads frames, calls, and carries a session's pushes. */
export class Connection {
  readonly #socket: WebSocket;
  readonly #writer: FrameWriter;
  readonly #network: string;
  readonly #deps: ConnectionDeps;
  readonly #openedAtMs = Date.now();
  #state: 'new' | 'identifying' | 'ready' | 'closed' = 'new';
  #session: SocketSession | undefined;
  #token = '';
  #tokenSession: TokenSession | undefined;
  #lastHeardMs = Date.now();
  #isPinged = false;
  #fullSinceMs: number | undefined;
  #inFlight = 0;
  #bytesInFlight = 0;
  #isPaused = false;
  #whenIdle: (() => void) | undefined;

  /** `stream` is what carries the socket: frames are written there, many at once. */
  constructor({ socket, stream, network }: Carried, deps: ConnectionDeps) {
    this.#socket = socket;
    this.#writer = new FrameWriter(stream, () => socket.readyState === socket.OPEN);
    this.#network = network;
    this.#deps = deps;
    socket.on('message', (data: Buffer, isBinary) => this.#read(data, isBinary));
    socket.on('pong', () => this.#hear());
    socket.on('error', () => socket.terminate()); // A frame that breaks the protocol; `close` follows.
    this.#say({ op: 'hello', heartbeatMs: SOCKET_HEARTBEAT_MS, maxUnacked: MAX_UNACKED_DISPATCHES });
  }

  /** The socket is gone. */
  handleClosed(nowMs: number): void {
    this.#state = 'closed';
    this.#session?.detach(this, nowMs);
  }

  canSend(): boolean {
    return this.#state === 'ready' && this.#writer.unsentBytes <= MAX_UNSENT_BYTES_FOR_PUSHES;
  }

  send(frame: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#writer.unsentBytes > MAX_UNSENT_BYTES) return this.close(4004);
    this.#writer.send(frame);
  }

  close(code: CloseCode): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#session?.detach(this, Date.now());
    this.#writer.flush();
    this.#socket.close(code, CLOSE_CODES[code].reason);
    // A peer that does not read will not see the frame either.
    setTimeout(() => this.#socket.terminate(), CLOSE_WITHIN_MS).unref();
  }

  /** Takes no more calls, answers those it has, and says goodbye. */
  async drain(limitMs: number): Promise<void> {
    this.#socket.pause();
    if (this.#inFlight > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
        timer = setTimeout(resolve, limitMs);
      });
      clearTimeout(timer);
    }
    this.#socket.resume(); // The peer's close frame must be read.
    this.close(4007);
  }

  /** Once in a while: whoever is late, silent, expired or does not read goes. */
  sweep(nowMs: number): void {
    if (this.#state === 'closed') return;
    if (this.#state !== 'ready' && nowMs - this.#openedAtMs > IDENTIFY_WITHIN_MS) return this.close(4001);
    if (this.#tokenSession !== undefined && this.#tokenSession.expiresAtMs <= nowMs) return this.close(4002);
    if (this.#isTooSlow(nowMs)) return this.close(4004);
    const silentMs = nowMs - this.#lastHeardMs;
    if (silentMs > SILENCE_LIMIT_MS) return this.close(4005);
    if (silentMs <= SOCKET_HEARTBEAT_MS || this.#isPinged) return;
    this.#isPinged = true;
    this.#socket.ping();
  }

  #isTooSlow(nowMs: number): boolean {
    if (!this.#session?.isWaitingForAcknowledgement) {
      this.#fullSinceMs = undefined;
      return false;
    }
    this.#fullSinceMs ??= nowMs;
    return nowMs - this.#fullSinceMs > ACKNOWLEDGE_WITHIN_MS;
  }

  #hear(): void {
    this.#lastHeardMs = Date.now();
    this.#isPinged = false;
  }

  #read(data: Buffer, isBinary: boolean): void {
    if (this.#state === 'closed') return;
    this.#hear();
    if (data.length > MAX_SOCKET_FRAME_BYTES) return this.close(4008);
    const frame = isBinary ? undefined : parseFrame(data);
    if (frame === undefined) return this.close(4000);
    switch (frame.op) {
      case 'call':
        return void this.#call(frame, data.length);
      case 'ack':
        if (this.#state === 'identifying') return; // Of the socket before this one: resuming says how far that came.
        // Before `identify` there is nothing to acknowledge.
        return this.#session?.acknowledge(frame.upTo) ? undefined : this.close(4000);
      case 'heartbeat':
        return this.#say({ op: 'heartbeat' });
      case 'renew':
        return void this.#renew(frame.token);
      case 'identify':
      case 'resume':
        return void this.#identify(frame);
    }
  }

  async #identify(frame: Extract<ClientFrame, { op: 'identify' | 'resume' }>): Promise<void> {
    if (this.#state !== 'new') return this.close(4000);
    this.#state = 'identifying';
    try {
      const tokenSession = await this.#deps.tokens.verify(frame.token);
      const { sessions } = this.#deps;
      const resumed = frame.op === 'resume' ? sessions.resume(tokenSession, frame.sessionId, frame.lastSeq) : undefined;
      if (resumed === undefined && !sessions.hasRoomFor(tokenSession.accountId)) return this.close(4009);
      const session = resumed ?? (await sessions.open(tokenSession));
      if ((this.#state as string) === 'closed') return sessions.delete(session); // The client left meanwhile.
      this.#token = frame.token;
      this.#tokenSession = tokenSession;
      this.#session = session;
      session.attach(this);
      this.#say({ op: 'ready', sessionId: session.id, resumed: resumed !== undefined, seq: session.seq });
      this.#state = 'ready';
      session.pump();
    } catch (error) {
      this.#refuseToken(error);
    }
  }

  async #renew(token: string): Promise<void> {
    try {
      const renewed = await this.#deps.tokens.verify(token);
      const isSameDevice =
        renewed.accountId === this.#tokenSession?.accountId && renewed.deviceId === this.#tokenSession.deviceId;
      if (!isSameDevice) return this.close(4002);
      this.#token = token;
      this.#tokenSession = renewed;
      this.#say({ op: 'renewed' });
    } catch (error) {
      this.#refuseToken(error);
    }
  }

  #refuseToken(thrown: unknown): void {
    const { code } = expected(thrown, this.#deps.log, 'socket');
    const isOurs = code === 'internal' || code === 'unavailable';
    this.close(code === 'device-revoked' ? 4003 : isOurs ? 4007 : 4002);
  }

  async #call({ id, operation: name, input }: Extract<ClientFrame, { op: 'call' }>, bytes: number): Promise<void> {
    if (this.#inFlight >= MAX_CALLS_AT_ALL) return this.close(4006);
    const requestId = newRequestId();
    this.#begin(bytes);
    try {
      if (this.#state !== 'ready') throw new AppError('unauthenticated');
      const operation = this.#deps.operations.get(name);
      if (operation === undefined) throw new AppError('not-found', { operation: name });
      const about = { token: this.#token, network: this.#network, requestId, traceparent: continueTrace(undefined) };
      const { json } = await this.#deps.dispatch.run({ operation, body: input ?? {}, ...about });
      this.send(`{"op":"reply","id":${id},"ok":${json}}`);
    } catch (thrown) {
      this.#say({ op: 'error', id, requestId, ...failureOf(expected(thrown, this.#deps.log, requestId)) });
    } finally {
      this.#end(bytes);
    }
  }

  #begin(bytes: number): void {
    this.#inFlight += 1;
    this.#bytesInFlight += bytes;
    this.#readOn();
  }
  #end(bytes: number): void {
    this.#inFlight -= 1;
    this.#bytesInFlight -= bytes;
    this.#readOn();
    if (this.#inFlight === 0) this.#whenIdle?.();
  }

  /** Reads, or pauses while enough is under way. What drains stays paused. */
  #readOn(): void {
    const isEnough = this.#inFlight >= MAX_CALLS_IN_FLIGHT || this.#bytesInFlight >= MAX_BYTES_IN_FLIGHT;
    if (isEnough === this.#isPaused || this.#whenIdle !== undefined) return;
    this.#isPaused = isEnough;
    if (isEnough) this.#socket.pause();
    else this.#socket.resume();
  }

  #say(frame: ServerFrame): void {
    this.send(JSON.stringify(frame));
  }
}

/** Undefined when it is not a frame of the protocol. `ws` has checked the UTF-8. */
function parseFrame(data: Buffer): ClientFrame | undefined {
  try {
    const parsed = ClientFrame.safeParse(JSON.parse(data.toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // The socket is closed with 4000 then.
  }
}
