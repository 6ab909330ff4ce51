import { utf8, Writer } from './encoding.ts';
import { hash, HASH_BYTES } from './primitives.ts';

/** One row of a conversation's log as every member is given it: its number, what it is, and its bytes. */
export type LogRow = { seq: number; kind: string; bytes: Uint8Array };

/** The hash of a log without rows. */
export const EMPTY_LOG_HASH: Uint8Array = new Uint8Array(HASH_BYTES);

/**
 * The running hash after one more row: BLAKE2b-256 over `"rialto/log/v1" ‖ 0x00 ‖ previous ‖ seq ‖ kind ‖ BLAKE2b-256(bytes)`. Two members
 * who agree on it agree on every row before, so a log that was cut, reordered, renumbered or split shows with the next message.
 */
export function nextLogHash(previous: Uint8Array, row: LogRow): Uint8Array {
  if (previous.length !== HASH_BYTES) throw new Error('a log hash has 32 bytes');
  const body = new Writer().fixed(previous).number(row.seq, 8).text(row.kind).fixed(hash(row.bytes)).finish();
  return hash(utf8('rialto/log/v1\0'), body);
}
