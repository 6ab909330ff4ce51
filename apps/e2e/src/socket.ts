import { AppError, isErrorCode, ServerFrame, type Bound, type Input, type Output } from '@rialto/contracts';
import { WebSocket } from 'ws';
import { loopbackAddress } from './person.ts';
import { until } from './system.ts';

const REPLY_WITHIN_MS = 20_000;
type Dispatch = Extract<ServerFrame, { op: 'dispatch' }>;
type Ready = Extract<ServerFrame, { op: 'ready' }>;

/** A socket without a client around it: it sends what it is told, keeps what comes, and acknowledges when asked to. */
export class RawSocket {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, { resolve(output: unknown): void; reject(error: Error): void }>();
  readonly frames: ServerFrame[] = [];
  readonly dispatches: Dispatch[] = [];
  closed: { code: number; atMs: number } | undefined;
  ready: Ready | undefined;
  /** Acknowledges every push as it comes. */
  acknowledges = true;
  onDispatch: ((frame: Dispatch) => void) | undefined;
  #nextId = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#receive(ServerFrame.parse(JSON.parse(data.toString('utf8')))));
    socket.on('close', (code) => {
      this.closed = { code, atMs: Date.now() };
      for (const { reject } of this.#waiting.values()) reject(new AppError('outcome-unknown'));
      this.#waiting.clear();
    });
    socket.on('error', () => {}); // `close` follows, and says as much.
  }

  /** Opens one; `hello` has come when this resolves. */
  static async open(
    url: string,
    { from = loopbackAddress(), origin }: { from?: string; origin?: string } = {},
  ): Promise<RawSocket> {
    const { port } = new URL(url);
    const options = { localAddress: from, maxPayload: 64_000_000, ...(origin === undefined ? {} : { origin }) };
    const socket = new RawSocket(new WebSocket(`ws://127.0.0.1:${port}/v1/socket`, options));
    await until('hello', () => (socket.frames.length > 0 || socket.closed !== undefined ? true : undefined));
    return socket;
  }
  /** Opens one and identifies it. Throws when the server closes it instead. */
  static async identified(url: string, token: string): Promise<RawSocket> {
    const socket = await RawSocket.open(url);
    return socket.#greet({ op: 'identify', token });
  }
  static async resumed(url: string, token: string, session: { sessionId: string; lastSeq: number }): Promise<RawSocket> {
    const socket = await RawSocket.open(url);
    return socket.#greet({ op: 'resume', token, ...session });
  }
  async #greet(frame: object): Promise<this> {
    this.send(frame);
    await until('ready', () => this.ready ?? this.closed);
    if (this.closed !== undefined) throw new Error(`the socket was closed with ${this.closed.code}`);
    return this;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }
  get lastSeq(): number {
    return this.dispatches.at(-1)?.seq ?? this.ready?.seq ?? 0;
  }
  send(frame: object): void {
    this.sendRaw(JSON.stringify(frame));
  }
  /** Text is sent as a text frame whatever its bytes are. */
  sendRaw(data: string | Buffer, { binary = false } = {}): void {
    if (this.isOpen) this.#socket.send(data, { binary });
  }
  call<O extends Bound>(operation: O, input: Input<O>): Promise<Output<O>> {
    return this.callByName(`${operation.service}.${operation.name}`, input) as Promise<Output<O>>;
  }
  callByName(operation: string, input: unknown): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new AppError('unavailable'));
      const timer = setTimeout(() => this.#waiting.delete(id) && reject(new AppError('outcome-unknown')), REPLY_WITHIN_MS);
      const settle = (end: (value: never) => void) => (value: unknown) => {
        clearTimeout(timer);
        end(value as never);
      };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.send({ op: 'call', id, operation, input });
    });
  }
  /** Resolves with the code with which the server closes the socket. */
  async whenClosed(withinMs?: number): Promise<number> {
    return (await until('closed', () => this.closed, withinMs)).code;
  }
  close(): void {
    this.#socket.close();
  }
  /** Ends the connection as a lost network would. */
  drop(): void {
    this.#socket.terminate();
  }
  /** Stops reading: what the server sends stays in the network's buffers. */
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }

  #receive(frame: ServerFrame): void {
    if (frame.op === 'dispatch') {
      this.dispatches.push(frame);
      this.onDispatch?.(frame);
      if (this.acknowledges) this.send({ op: 'ack', upTo: frame.seq });
      return;
    }
    this.frames.push(frame);
    if (frame.op === 'ready') this.ready = frame;
    if (frame.op === 'reply') this.#take(frame.id)?.resolve(frame.ok);
    if (frame.op === 'error' && frame.id !== null) {
      this.#take(frame.id)?.reject(new AppError(isErrorCode(frame.code) ? frame.code : 'internal', frame.details));
    }
  }
  #take(id: number) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
