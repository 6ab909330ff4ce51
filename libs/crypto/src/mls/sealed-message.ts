import { toBase64url } from '../primitives.ts';
import { MESSAGE_ID_BYTES } from './message-id.ts';
import { readGroupId } from './policy.ts';
import { InvalidGroupData } from './public-group.ts';

/** What an application message says in the clear. The service checks it against the request, and stores one message for each id of a device. */
export type SealedMessage = { conversationId: string; resetSeq: number; epoch: bigint; messageId: string };

/** RFC 9420, sections 6 and 17.2: ProtocolVersion mls10, WireFormat mls_private_message, ContentType application. */
const MLS_10 = 1;
const PRIVATE_MESSAGE = 2;
const APPLICATION = 1;
const EPOCH_BYTES = 8;

/**
 * Throws `InvalidGroupData` unless the bytes are one application message: a commit may not hide in a PrivateMessage.
 *
 * Every message of everybody passes here, so the few fields in the clear are read where they lie (RFC 9420, section 6.3), without
 * copying what follows:
 *
 *     version u16 | wire format u16 | group_id<V> | epoch u64 | content type u8 | authenticated_data<V> |
 *     encrypted_sender_data<V> | ciphertext<V>
 */
export function readSealedMessage(bytes: Uint8Array): SealedMessage {
  const fields = new Fields(bytes);
  if (fields.number(2) !== MLS_10 || fields.number(2) !== PRIVATE_MESSAGE)
    throw new InvalidGroupData('not an application message');
  const groupId = fields.vector();
  const epoch = fields.fixed(EPOCH_BYTES);
  if (fields.number(1) !== APPLICATION) throw new InvalidGroupData('not an application message');
  const authenticatedData = fields.vector();
  fields.vector(); // the encrypted sender data
  fields.vector(); // the ciphertext
  fields.end();
  if (authenticatedData.length !== MESSAGE_ID_BYTES) throw new InvalidGroupData('message id');
  try {
    const view = new DataView(epoch.buffer, epoch.byteOffset, EPOCH_BYTES);
    return { ...readGroupId(groupId), epoch: view.getBigUint64(0), messageId: toBase64url(authenticatedData) };
  } catch (cause) {
    throw new InvalidGroupData('group id', { cause });
  }
}

/** Reads TLS presentation language as RFC 9420 has it. What it gives are views; it throws `InvalidGroupData` at the first surprise. */
class Fields {
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  fixed(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new InvalidGroupData('not one MLS message');
    const field = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return field;
  }

  number(size: 1 | 2 | 4): number {
    let value = 0;
    for (const byte of this.fixed(size)) value = value * 256 + byte;
    return value;
  }

  /** A length in the fewest of 1, 2 or 4 bytes, told by the first two bits (section 2.1.2), and as many bytes. */
  vector(): Uint8Array {
    const first = this.#bytes[this.#at] ?? 0xff;
    const size = LENGTH_SIZES[first >> 6];
    if (size === undefined) throw new InvalidGroupData('not one MLS message');
    const length = this.number(size) - (first >> 6) * 2 ** (8 * size - 2);
    if (size > 1 && length < 2 ** (8 * (size / 2) - 2)) throw new InvalidGroupData('a length in more bytes than it needs');
    return this.fixed(length);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new InvalidGroupData('not one MLS message');
  }
}
const LENGTH_SIZES = [1, 2, 4] as const;
