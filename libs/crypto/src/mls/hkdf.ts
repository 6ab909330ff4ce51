import sodium from 'libsodium-wrappers';
import { concat, utf8 } from '../encoding.ts';

/** RFC 5869. */
export type Hkdf = {
  size: number;
  extract(salt: Uint8Array, ikm: Uint8Array): Uint8Array;
  expand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array;
};
export type LabeledHkdf = {
  extract(salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array;
  expand(key: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array;
};

/** The part of libsodium's module that its JavaScript wrapper leaves out: the wrapper has HKDF's constants and not its functions. */
type RawSodium = {
  HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
} & Record<`_crypto_kdf_hkdf_sha${256 | 512}_${'extract' | 'expand'}`, (...pointers: number[]) => number>;

/** HKDF with SHA-256 or SHA-512 from libsodium's module. Inputs and outputs are wiped from its memory. */
export function libsodiumHkdf(bits: 256 | 512): Hkdf {
  const size = bits / 8;
  const raw = (sodium as unknown as { libsodium: RawSodium }).libsodium;
  const extract = raw[`_crypto_kdf_hkdf_sha${bits}_extract`];
  const expand = raw[`_crypto_kdf_hkdf_sha${bits}_expand`];
  return {
    size,
    extract: (salt, ikm) => callRaw(raw, [salt, ikm], size, (out, s = 0, i = 0) => extract(out, s, salt.length, i, ikm.length)),
    expand: (key, info, length) => {
      if (key.length !== size) throw new Error('HKDF key has the wrong length');
      return callRaw(raw, [info, key], length, (out, i = 0, k = 0) => expand(out, length, i, info.length, k));
    },
  };
}

/** LabeledExtract and LabeledExpand, RFC 9180 section 4. */
export function labeledHkdf(hkdf: Hkdf, suiteId: Uint8Array): LabeledHkdf {
  const version = utf8('HPKE-v1');
  return {
    extract: (salt, label, ikm) => hkdf.extract(salt, concat(version, suiteId, utf8(label), ikm)),
    expand: (key, label, info, length) => hkdf.expand(key, concat(twoBytes(length), version, suiteId, utf8(label), info), length),
  };
}

/** I2OSP(value, 2) of RFC 9180. */
export const twoBytes = (value: number): Uint8Array => new Uint8Array([value >> 8, value & 255]);

type RawCall = (output: number, ...pointers: number[]) => number;

function callRaw(raw: RawSodium, inputs: Uint8Array[], length: number, run: RawCall): Uint8Array {
  const pointers = inputs.map((input) => raw._malloc(input.length || 1));
  for (const [index, input] of inputs.entries()) raw.HEAPU8.set(input, pointers[index]);
  const output = raw._malloc(length || 1);
  const failed = run(output, ...pointers) !== 0;
  const result = new Uint8Array(raw.HEAPU8.subarray(output, output + length));
  const sizes = [...inputs.map((input) => input.length), length];
  for (const [index, pointer] of [...pointers, output].entries()) {
    raw.HEAPU8.fill(0, pointer, pointer + (sizes[index] ?? 0));
    raw._free(pointer);
  }
  if (failed) throw new Error('HKDF failed');
  return result;
}
