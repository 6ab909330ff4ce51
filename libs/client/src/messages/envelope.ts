import { AccountId, AmountMinor, Bytes, Bytes32, ClientMessageId, Currency, IntentId, Moment, Seq } from '@rialto/contracts';
import { concat, utf8 } from '@rialto/crypto';
import * as z from 'zod';

export const MAX_TEXT_CHARS = 8_000;
export const MAX_EMOJI_CHARS = 32;
export const MAX_MEMO_CHARS = 280;
export const MAX_RECEIPT_IDS = 100;
/** Sizes that a sealed message can have: an onlooker learns the bucket, not the length. */
const BUCKETS = [256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 49_152] as const;
const LENGTH_BYTES = 4;

const TextBody = z.object({
  type: z.literal('text'),
  text: z.string().min(1).max(MAX_TEXT_CHARS),
  replyTo: ClientMessageId.optional(),
});
const ReactionBody = z.object({
  type: z.literal('reaction'),
  to: ClientMessageId,
  emoji: z.string().min(1).max(MAX_EMOJI_CHARS).nullable(),
});
const Ids = z.array(ClientMessageId).max(MAX_RECEIPT_IDS);
const ReceiptBody = z.object({ type: z.literal('receipt'), delivered: Ids, read: Ids });
/** `memoSalt` and `memo` open the hash that the ledger holds. */
const PaymentBody = z.object({
  type: z.literal('payment'),
  intentId: IntentId,
  to: AccountId,
  amountMinor: AmountMinor,
  currency: Currency,
  memo: z.string().min(1).max(MAX_MEMO_CHARS).nullable(),
  memoSalt: Bytes(16).nullable(),
});
export const WireBody = z.discriminatedUnion('type', [TextBody, ReactionBody, ReceiptBody, PaymentBody]);
export type WireBody = z.infer<typeof WireBody>;
export type PaymentCard = z.infer<typeof PaymentBody>;

/**
 * What is sealed for the log. `n` counts this device's messages here; `seen` is how far the sender had read and its running hash of the
 * whole log up to there; `chain` is the sender's own device chain as it knows it. `checkpoints` is reserved for transparency logs.
 */
export const Envelope = z.object({
  v: z.literal(1),
  id: ClientMessageId,
  n: z.int().min(0),
  seen: z.object({ seq: Seq, logHash: Bytes32.nullable() }),
  chain: z.object({ seq: Seq, hash: Bytes32 }),
  checkpoints: z.array(z.string()).max(8),
  sentAt: Moment,
  body: z.looseObject({ type: z.string().max(50) }),
});
export type Envelope = z.infer<typeof Envelope>;

/** The first byte says what was sealed for which road, so that a server cannot put a call's signal into the log or the other way round. */
const KIND = { log: 1, ephemeral: 2 } as const;
export type SealedKind = keyof typeof KIND;

/** Throws `RangeError` when it is too long for any bucket. */
export function pad(kind: SealedKind, content: Uint8Array): Uint8Array {
  const size = 1 + LENGTH_BYTES + content.length;
  const bucket = BUCKETS.find((candidate) => candidate >= size);
  if (bucket === undefined) throw new RangeError('too long to be sealed');
  const header = new Uint8Array(1 + LENGTH_BYTES);
  header[0] = KIND[kind];
  new DataView(header.buffer).setUint32(1, content.length);
  return concat(header, content, new Uint8Array(bucket - size));
}

/** The content, or undefined when this is no padded content of that kind. */
export function unpad(kind: SealedKind, padded: Uint8Array): Uint8Array | undefined {
  if (padded[0] !== KIND[kind] || padded.length < 1 + LENGTH_BYTES) return undefined;
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(1);
  const end = 1 + LENGTH_BYTES + length;
  if (end > padded.length || padded.subarray(end).some((byte) => byte !== 0)) return undefined;
  return padded.slice(1 + LENGTH_BYTES, end);
}

export const encodeEnvelope = (envelope: Envelope): Uint8Array => pad('log', utf8(JSON.stringify(envelope)));

/** The envelope, or undefined when the sealed content is none. */
export function decodeEnvelope(padded: Uint8Array): Envelope | undefined {
  const content = unpad('log', padded);
  if (!content) return undefined;
  try {
    return Envelope.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content))).data;
  } catch {
    return undefined; // not UTF-8 or not JSON: the sender's mistake, shown as malformed
  }
}

/** The body when this client knows its type; a newer client's body is `unsupported`, and a broken one `malformed`. */
export function readBody(body: Envelope['body']): WireBody | 'unsupported' | 'malformed' {
  const parsed = WireBody.safeParse(body);
  if (parsed.success) return parsed.data;
  const isKnown = WireBody.options.some((option) => option.shape.type.value === body.type);
  return isKnown ? 'malformed' : 'unsupported';
}

/** The id as MLS authenticates it: without the prefix. */
export const bareId = (id: string): string => id.slice(id.indexOf('_') + 1);
