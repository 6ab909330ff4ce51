import type { Duplex } from 'node:stream';

/** RFC 6455, section 5.2: the last frame of a message, text; and how the length is written. */
const FINAL_TEXT = 0x81;
const MAX_SHORT_LENGTH = 125;
const LENGTH_IN_2_BYTES = 126;
const LENGTH_IN_8_BYTES = 127;
const MAX_LENGTH_IN_2_BYTES = 0xff_ff;

/**
 * Text frames of one WebSocket, unmasked as a server's are. What one turn of the event loop has for a socket leaves in one system call,
 * which is the dearest part of a small frame; a single frame leaves no later than the turn ends. Frames of the library's own (ping, pong,
 * close) may stand between ours, since each of us writes whole frames only.
 */
export class FrameWriter {
  readonly #stream: Duplex;
  readonly #isOpen: () => boolean;
  #texts: string[] = [];
  #waitingChars = 0;

  /** After `isOpen` says no, nothing is written any more: a close frame is the last of a connection (section 5.5.1). */
  constructor(stream: Duplex, isOpen: () => boolean) {
    this.#stream = stream;
    this.#isOpen = isOpen;
  }

  /** What the peer has not taken yet, about. */
  get unsentBytes(): number {
    return this.#stream.writableLength + this.#waitingChars;
  }

  send(text: string): void {
    this.#texts.push(text);
    this.#waitingChars += text.length;
    if (this.#texts.length === 1) setImmediate(() => this.flush());
  }

  /** Writes what waits, at once. */
  flush(): void {
    if (this.#texts.length === 0) return;
    const frames = this.#isOpen() ? framesOf(this.#texts) : undefined;
    this.#texts = [];
    this.#waitingChars = 0;
    if (frames !== undefined) this.#stream.write(frames);
  }
}

function framesOf(texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const frames = Buffer.allocUnsafe(lengths.reduce((total, length) => total + headBytes(length) + length, 0));
  let at = 0;
  for (const [index, text] of texts.entries()) {
    at = writeHead(frames, at, lengths[index] ?? 0);
    at += frames.write(text, at, 'utf8');
  }
  return frames;
}

const headBytes = (length: number): number => (length <= MAX_SHORT_LENGTH ? 2 : length <= MAX_LENGTH_IN_2_BYTES ? 4 : 10);

function writeHead(frames: Buffer, at: number, length: number): number {
  const next = frames.writeUInt8(FINAL_TEXT, at);
  if (length <= MAX_SHORT_LENGTH) return frames.writeUInt8(length, next);
  if (length <= MAX_LENGTH_IN_2_BYTES) return frames.writeUInt16BE(length, frames.writeUInt8(LENGTH_IN_2_BYTES, next));
  return frames.writeBigUInt64BE(BigInt(length), frames.writeUInt8(LENGTH_IN_8_BYTES, next));
}
