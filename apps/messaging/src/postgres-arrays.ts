const BYTEA_OID = 17;
const HEADER_BYTES = 20;

/**
 * `bytea[]` in PostgreSQL's binary format (array_recv: dimensions, whether nulls are in it, element type, then length and first index
 * of the one dimension). The driver would send hex text: twice the bytes, and work for both sides.
 */
export function byteaArray(items: readonly Buffer[]): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + items.reduce((sum, item) => sum + 4 + item.length, 0));
  let at = 0;
  for (const field of [1, 0, BYTEA_OID, items.length, 1]) at = bytes.writeInt32BE(field, at);
  for (const item of items) {
    at = bytes.writeInt32BE(item.length, at);
    bytes.set(item, at);
    at += item.length;
  }
  return bytes;
}

/** An array as text. For ids and numbers only: they need no quotes. */
export const arrayOf = (items: readonly (string | number)[]): string => `{${items.join(',')}}`;
