import { textFrame } from './raw-socket.ts';
import type { Pair, Side } from './protocol.ts';

/** base64url writes three bytes as four characters. */
const GROUP_BYTES = 3;
const GROUP_CHARS = 4;

/**
 * A call that sends a sealed message, built once. Before each sending only its id is written anew: in the call, and in the sealed
 * bytes, where the server compares it. The signature then no longer fits, which members alone could see, and nobody opens these.
 */
export class MessageFrame {
  readonly bytes: Buffer;
  readonly #idAt: number;
  readonly #codeAt: number;
  /** The whole groups that hold the id's bytes, and how many bytes before it they begin. */
  readonly #groups: Buffer;
  readonly #before: number;

  constructor(callId: number, { conversationId, epoch }: Pair, { clientMessageId, bytes }: Side) {
    const input = { conversationId, clientMessageId, epoch, bytes };
    this.bytes = textFrame(JSON.stringify({ op: 'call', id: callId, operation: 'messaging.sendMessage', input }));
    this.#idAt = this.bytes.indexOf(clientMessageId) + 'msg_'.length;
    const sealed = Buffer.from(bytes, 'base64url');
    const id = rawId(clientMessageId);
    const at = sealed.indexOf(id);
    if (at < 0) throw new Error('the sealed bytes do not carry their id');
    const first = Math.floor(at / GROUP_BYTES);
    this.#before = at - first * GROUP_BYTES;
    this.#groups = sealed.subarray(first * GROUP_BYTES, Math.ceil((at + id.length) / GROUP_BYTES) * GROUP_BYTES);
    this.#codeAt = this.bytes.indexOf(bytes) + first * GROUP_CHARS;
  }

  /** `id` is 22 characters, the last of which stands for two bits and nothing else: A, Q, g or w. */
  rename(id: string): Buffer {
    this.bytes.write(id, this.#idAt, 'latin1');
    this.#groups.write(id, this.#before, 'base64url');
    this.bytes.write(this.#groups.toString('base64url'), this.#codeAt, 'latin1');
    return this.bytes;
  }
}

const rawId = (clientMessageId: string): Buffer => Buffer.from(clientMessageId.slice('msg_'.length), 'base64url');
