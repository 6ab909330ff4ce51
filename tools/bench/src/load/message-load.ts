import { randomBytes } from 'node:crypto';
import { type ProcessGroups, processorTimes, spentBetween } from '../processor-time.ts';
import { MessageFrame } from './message-frame.ts';
import type { LoadReport, Order, Pair } from './protocol.ts';
import { RawSocket, textFrame } from './raw-socket.ts';

/** A client acknowledges pushes in bundles; the server allows 256 without. */
const ACKNOWLEDGE_EVERY = 32;
const END_WITHIN_MS = 10_000;
/** Call ids of a fixed width, so that frames are built once. */
const FIRST_ID = 100_000;
const RUN_CHARS = 8;
const SLOT_CHARS = 4;
const COUNT_CHARS = 9;
/** The last of 22 characters stands for two bits of the id's 128. */
const LAST_CHAR = 'A';
const BASE = 36;
/** `{"op":"dispatch",…`, `{"op":"reply",…`: the letter at this place tells them apart. */
const KIND_AT = 7;
const DISPATCH = 'd'.charCodeAt(0);
const REPLY = 'r'.charCodeAt(0);
const ERROR = 'e'.charCodeAt(0);
const SEQ_AT = '{"op":"dispatch","seq":'.length;
const ID_AT = '{"op":"reply","id":'.length;
const COMMA = ','.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);
const MESSAGE_ID = Buffer.from('"clientMessageId":"msg_');

/** One message at a time, from one of a pair to the other, and then back. */
interface Slot {
  readonly frames: readonly [MessageFrame, MessageFrame];
  readonly name: string;
  readonly sockets: readonly [Reader, Reader];
  sender: 0 | 1;
  count: number;
  sentAtMs: number;
  arrivedAtMs: number;
  isAnswered: boolean;
}
interface Reader {
  readonly socket: RawSocket;
  unacknowledged: number;
}

/** Keeps a number of messages on their way: a message is done when its sender has the answer and the other one has the message. */
export class MessageLoad {
  readonly #pairs: readonly Pair[];
  readonly #processes: ProcessGroups;
  readonly #readers: (readonly [Reader, Reader])[] = [];
  readonly #onFailure: (reason: string) => void;
  #run = '';
  #slots: Slot[] = [];
  #latencies: number[] = [];
  #isMeasuring = false;
  #isEnding = false;
  #open = 0;
  #done = 0;
  #whenEnded: () => void = () => {};

  constructor({ pairs, processes }: Extract<Order, { op: 'connect' }>, onFailure: (reason: string) => void) {
    this.#pairs = pairs;
    this.#processes = processes;
    this.#onFailure = onFailure;
  }

  async connect(port: number): Promise<void> {
    for (const { sides } of this.#pairs) {
      const [one, other] = sides;
      this.#readers.push([await this.#identified(port, one.token), await this.#identified(port, other.token)]);
    }
  }

  async load({ outstanding, warmUpMs, measureMs }: Extract<Order, { op: 'load' }>): Promise<LoadReport> {
    this.#run = randomBytes(RUN_CHARS).toString('hex').slice(0, RUN_CHARS);
    this.#slots = Array.from({ length: outstanding }, (_, index) => this.#slot(index));
    this.#latencies = [];
    this.#isEnding = false;
    this.#done = 0;
    this.#open = outstanding;
    const ended = new Promise<void>((resolve) => (this.#whenEnded = resolve));
    for (const slot of this.#slots) this.#send(slot);
    await pause(warmUpMs);
    const before = processorTimes(this.#processes);
    const startedAtMs = performance.now();
    this.#isMeasuring = true;
    await pause(measureMs);
    this.#isMeasuring = false;
    const tookMs = performance.now() - startedAtMs;
    const processorMs = spentBetween(before, processorTimes(this.#processes));
    this.#isEnding = true;
    const late = setTimeout(() => this.#onFailure(`${this.#open} of ${this.#done} messages were never done`), END_WITHIN_MS);
    await ended;
    clearTimeout(late);
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const quantile = (part: number) => sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
    return { messages: sorted.length, tookMs, p50Ms: quantile(0.5), p99Ms: quantile(0.99), processorMs, everything: this.#done };
  }

  close(): void {
    for (const { socket } of this.#readers.flat()) socket.close();
  }

  async #identified(port: number, token: string): Promise<Reader> {
    let ready = () => {};
    const isReady = new Promise<void>((resolve) => (ready = resolve));
    let reader: Reader | undefined;
    const onText = (text: Buffer, socket: RawSocket) => {
      if (reader !== undefined) return this.#read(text, reader);
      const { op } = JSON.parse(text.toString('utf8')) as { op: string };
      if (op === 'hello') return socket.send(textFrame(JSON.stringify({ op: 'identify', token })));
      reader = { socket, unacknowledged: 0 };
      ready();
    };
    const socket = await RawSocket.open({ port, onText, onEnd: this.#onFailure });
    await isReady;
    return reader ?? { socket, unacknowledged: 0 };
  }

  #slot(index: number): Slot {
    const pair = this.#pairs[index % this.#pairs.length];
    const sockets = this.#readers[index % this.#readers.length];
    if (pair === undefined || sockets === undefined) throw new Error('a slot without a pair');
    const frames = pair.sides.map((side) => new MessageFrame(FIRST_ID + index, pair, side)) as [MessageFrame, MessageFrame];
    const name = this.#run + index.toString(BASE).padStart(SLOT_CHARS, '0');
    const sender = Math.floor(index / this.#pairs.length) % 2 === 0 ? 0 : 1;
    return { frames, name, sockets, sender, count: 0, sentAtMs: 0, arrivedAtMs: 0, isAnswered: false };
  }

  #send(slot: Slot): void {
    slot.count += 1;
    slot.isAnswered = false;
    slot.arrivedAtMs = 0;
    const id = slot.name + slot.count.toString(BASE).padStart(COUNT_CHARS, '0') + LAST_CHAR;
    const frame = slot.frames[slot.sender].rename(id);
    slot.sentAtMs = performance.now();
    slot.sockets[slot.sender].socket.send(frame);
  }

  #read(text: Buffer, reader: Reader): void {
    const kind = text[KIND_AT];
    if (kind === REPLY) return this.#answered(numberAt(text, ID_AT) - FIRST_ID);
    if (kind === ERROR) return this.#onFailure(text.toString('utf8'));
    if (kind !== DISPATCH) return;
    reader.unacknowledged += 1;
    if (reader.unacknowledged >= ACKNOWLEDGE_EVERY) {
      reader.unacknowledged = 0;
      reader.socket.send(textFrame(`{"op":"ack","upTo":${numberAt(text, SEQ_AT)}}`));
    }
    const at = text.indexOf(MESSAGE_ID) + MESSAGE_ID.length;
    if (text.toString('latin1', at, at + RUN_CHARS) !== this.#run) return;
    const slotAt = at + RUN_CHARS;
    const slot = this.#slots[Number.parseInt(text.toString('latin1', slotAt, slotAt + SLOT_CHARS), BASE)];
    // Senders get their own messages too, as their other devices do.
    if (slot === undefined || slot.sockets[1 - slot.sender] !== reader) return;
    const countAt = slotAt + SLOT_CHARS;
    if (Number.parseInt(text.toString('latin1', countAt, countAt + COUNT_CHARS), BASE) !== slot.count) return;
    slot.arrivedAtMs = performance.now();
    if (slot.isAnswered) this.#finish(slot);
  }

  #answered(index: number): void {
    const slot = this.#slots[index];
    if (slot === undefined) return;
    slot.isAnswered = true;
    if (slot.arrivedAtMs > 0) this.#finish(slot);
  }

  #finish(slot: Slot): void {
    this.#done += 1;
    if (this.#isMeasuring) this.#latencies.push(slot.arrivedAtMs - slot.sentAtMs);
    slot.sender = slot.sender === 0 ? 1 : 0;
    if (!this.#isEnding) return this.#send(slot);
    this.#open -= 1;
    if (this.#open === 0) this.#whenEnded();
  }
}

function numberAt(text: Buffer, at: number): number {
  let value = 0;
  for (let place = at; text[place] !== COMMA && place < text.length; place++) value = value * 10 + ((text[place] ?? ZERO) - ZERO);
  return value;
}
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
