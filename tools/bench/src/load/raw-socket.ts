import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

const PATH = '/v1/socket';
const HEAD_END = '\r\n\r\n';
const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const FINAL = 0x80;
const MASKED = 0x80;
const MASK_BYTES = 4;
const MAX_SHORT = 125;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const CLOSE_CODE_BYTES = 2;

/**
 * A WebSocket (RFC 6455) that does as little as a client can: the load shares its two cores with what it measures. Messages are built
 * once and sent as they are, which a mask of zeros allows; what comes is handed on as bytes.
 */
export class RawSocket {
  readonly #socket: Socket;
  readonly #onText: (text: Buffer, socket: RawSocket) => void;
  readonly #onEnd: (reason: string) => void;
  #rest: Buffer | undefined;

  private constructor(socket: Socket, handlers: Pick<RawSocketOptions, 'onText' | 'onEnd'>) {
    this.#socket = socket;
    this.#onText = handlers.onText;
    this.#onEnd = handlers.onEnd;
  }

  static async open({ port, onText, onEnd }: RawSocketOptions): Promise<RawSocket> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const raw = new RawSocket(socket, { onText, onEnd });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => socket.write(upgradeRequest(port)));
      socket.once('data', (first: Buffer) => {
        const end = first.indexOf(HEAD_END);
        if (end < 0 || !first.toString('latin1', 0, end).startsWith('HTTP/1.1 101'))
          return reject(new Error(first.toString('latin1').slice(0, 500)));
        socket.on('data', (chunk: Buffer) => raw.#read(chunk));
        socket.on('close', () => onEnd('the connection ended'));
        resolve();
        const frames = first.subarray(end + HEAD_END.length);
        if (frames.length > 0) raw.#read(frames);
      });
    });
    return raw;
  }

  /** Sends what `textFrame` made. Its bytes must not change before the peer has answered. */
  send(frame: Buffer): void {
    this.#socket.write(frame);
  }
  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (let frame = readFrame(data, at); frame !== undefined; frame = readFrame(data, at)) {
      at = frame.end;
      this.#take(frame.opcode, frame.payload);
    }
    this.#rest = at === data.length ? undefined : data.subarray(at);
  }

  #take(opcode: number, payload: Buffer): void {
    if (opcode === TEXT) this.#onText(payload, this);
    else if (opcode === PING) this.#socket.write(frameOf(PONG, payload));
    else if (opcode === CLOSE)
      this.#onEnd(`closed with ${payload.readUInt16BE(0)} ${payload.toString('utf8', CLOSE_CODE_BYTES)}`);
  }
}
interface RawSocketOptions {
  readonly port: number;
  readonly onText: (text: Buffer, socket: RawSocket) => void;
  /** The server ended it; not called after `close`. */
  readonly onEnd: (reason: string) => void;
}

export const textFrame = (text: string): Buffer => frameOf(TEXT, Buffer.from(text));

function frameOf(opcode: number, payload: Buffer): Buffer {
  const isShort = payload.length <= MAX_SHORT;
  const head = Buffer.alloc((isShort ? 2 : 4) + MASK_BYTES);
  head[0] = FINAL | opcode;
  head[1] = MASKED | (isShort ? payload.length : LENGTH_16);
  if (!isShort) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

function readFrame(data: Buffer, at: number): { opcode: number; payload: Buffer; end: number } | undefined {
  if (data.length < at + 2) return undefined;
  const short = (data[at + 1] ?? 0) & ~MASKED;
  const start = at + (short === LENGTH_64 ? 10 : short === LENGTH_16 ? 4 : 2);
  if (data.length < start) return undefined;
  const length =
    short === LENGTH_64 ? Number(data.readBigUInt64BE(at + 2)) : short === LENGTH_16 ? data.readUInt16BE(at + 2) : short;
  const end = start + length;
  if (data.length < end) return undefined;
  return { opcode: (data[at] ?? 0) & 0xf, payload: data.subarray(start, end), end };
}

function upgradeRequest(port: number): string {
  const key = randomBytes(16).toString('base64');
  const lines = [`GET ${PATH} HTTP/1.1`, `Host: localhost:${port}`, 'Connection: Upgrade', 'Upgrade: websocket'];
  return [...lines, 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${key}`, '', ''].join('\r\n');
}
