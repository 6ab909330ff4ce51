import { SframeError } from './sframe-error.ts';

/** RFC 9605 section 4.3: key id and counter, each at most eight bytes. `size` is what the header took. */
export type SframeHeader = { kid: bigint; counter: bigint; size: number };

export const MAX_SFRAME_INTEGER = (1n << 64n) - 1n;
const MAX_SHORT = 7n; // fits the three bits of the configuration byte
const EXTENDED = 8;

export function encodeHeader(kid: bigint, counter: bigint): Uint8Array {
  const [key, count] = [field(kid), field(counter)];
  return new Uint8Array([(key.bits << 4) | count.bits, ...key.bytes, ...count.bytes]);
}

/** Throws `SframeError('malformed')`, also for an integer that is not in its shortest form. */
export function decodeHeader(bytes: Uint8Array): SframeHeader {
  const [config] = bytes;
  if (config === undefined) throw new SframeError('malformed');
  const key = readField(bytes, 1, config >> 4);
  const count = readField(bytes, key.end, config & 15);
  return { kid: key.value, counter: count.value, size: count.end };
}

function field(value: bigint): { bits: number; bytes: number[] } {
  if (value < 0n || value > MAX_SFRAME_INTEGER) throw new SframeError('out-of-range');
  if (value <= MAX_SHORT) return { bits: Number(value), bytes: [] };
  const bytes: number[] = [];
  for (let rest = value; rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 255n));
  return { bits: EXTENDED | (bytes.length - 1), bytes };
}

function readField(bytes: Uint8Array, start: number, bits: number): { value: bigint; end: number } {
  if ((bits & EXTENDED) === 0) return { value: BigInt(bits), end: start };
  const end = start + (bits & 7) + 1;
  if (end > bytes.length) throw new SframeError('malformed');
  const value = bytes.subarray(start, end).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  if (bytes[start] === 0 || value <= MAX_SHORT) throw new SframeError('malformed');
  return { value, end };
}
