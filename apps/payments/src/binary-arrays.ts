/**
 * Arrays in PostgreSQL's binary format (src/backend/utils/adt/arrayfuncs.c, `array_recv`): dimensions, whether there are nulls, the element's
 * type, then per dimension length and lower bound, then each element behind its length, -1 for null. `pg` sends a Buffer as it is,
 * so thousands of ids, hashes and signatures reach the server without being written as text and read again.
 */
const OID = { bytea: 17, int8: 20, int2: 21, int4: 23, text: 25, timestamptz: 1184 } as const;
/** Microseconds from the Unix epoch to PostgreSQL's own, 1 January 2000. */
const POSTGRES_EPOCH_US = 946_684_800_000_000n;

type Bytes = Uint8Array | null;

export const byteaArray = (values: readonly Bytes[]): Buffer => encode(OID.bytea, values);
export const textArray = (values: readonly string[]): Buffer =>
  encode(
    OID.text,
    values.map((value) => Buffer.from(value, 'utf8')),
  );
export const int8Array = (values: readonly bigint[]): Buffer => encode(OID.int8, values.map(int8));
export const int4Array = (values: readonly number[]): Buffer => encode(OID.int4, values.map(int4));
export const int2Array = (values: readonly number[]): Buffer => encode(OID.int2, values.map(int2));
/** Each value in milliseconds since 1970. */
export const timestampArray = (values: readonly (number | null)[]): Buffer =>
  encode(
    OID.timestamptz,
    values.map((ms) => (ms === null ? null : int8(BigInt(ms) * 1_000n - POSTGRES_EPOCH_US))),
  );

function encode(elementOid: number, elements: readonly Bytes[]): Buffer {
  const size = elements.reduce((sum, element) => sum + 4 + (element?.length ?? 0), 20);
  const buffer = Buffer.allocUnsafe(size);
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(elements.includes(null) ? 1 : 0, 4);
  buffer.writeInt32BE(elementOid, 8);
  buffer.writeInt32BE(elements.length, 12);
  buffer.writeInt32BE(1, 16);
  let at = 20;
  for (const element of elements) {
    at = buffer.writeInt32BE(element?.length ?? -1, at);
    if (element !== null) {
      buffer.set(element, at);
      at += element.length;
    }
  }
  return buffer;
}

function int8(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}
function int4(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}
function int2(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeInt16BE(value);
  return bytes;
}
