import { SAMPLE_RATE } from './sound.ts';

const PCM = 1;
const HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;

/** The file is not what can be played: 16-bit PCM, one channel, 48 kHz. The message says what it is instead. */
export class WavError extends Error {}

/** Reads a RIFF/WAVE file of 16-bit PCM, one channel, 48 kHz. Throws `WavError`. */
export function readWav(file: Uint8Array): Int16Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const name = (at: number) => String.fromCharCode(...file.subarray(at, at + 4));
  if (file.length < HEADER_BYTES || name(0) !== 'RIFF' || name(8) !== 'WAVE') throw new WavError('This is not a WAV file.');
  let isReadable = false;
  for (let at = HEADER_BYTES; at + CHUNK_HEADER_BYTES <= file.length;) {
    const size = view.getUint32(at + 4, true);
    const body = at + CHUNK_HEADER_BYTES;
    if (name(at) === 'fmt ' && size >= 16 && body + 16 <= file.length) {
      const [format, channels, rate, bits] = [
        view.getUint16(body, true),
        view.getUint16(body + 2, true),
        view.getUint32(body + 4, true),
        view.getUint16(body + 14, true),
      ];
      if (format !== PCM || channels !== 1 || rate !== SAMPLE_RATE || bits !== 16) {
        throw new WavError(
          `The file has ${channels} channels of ${bits} bits at ${rate} Hz; one of 16 bits at ${SAMPLE_RATE} Hz can be played.`,
        );
      }
      isReadable = true;
    } else if (name(at) === 'data' && isReadable) {
      const count = Math.floor(Math.min(size, file.length - body) / 2);
      return Int16Array.from({ length: count }, (_, i) => view.getInt16(body + 2 * i, true));
    }
    at = body + size + (size % 2);
  }
  throw new WavError('The WAV file has no sound in it.');
}
