/** A reader refused its input: too short, too long, or not in the one permitted form. */
export class EncodingError extends Error {}

/** Builds a byte string; numbers are big-endian, and every value has exactly one encoding, so that equal values have equal bytes. */
export class Writer {
  #parts: Uint8Array[] = [];

  /** An unsigned integer in `size` bytes. Throws `EncodingError` when it does not fit. */
  number(value: number | bigint, size: 1 | 2 | 4 | 8): this {
    const integer = BigInt(value);
    if (integer < 0n || integer >= 1n << BigInt(8 * size)) throw new EncodingError('number out of range');
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, integer);
    return this.fixed(new Uint8Array(view.buffer).slice(8 - size));
  }

  /** Bytes whose length the reader knows. */
  fixed(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  /** Bytes behind their four-byte length. */
  bytes(bytes: Uint8Array): this {
    return this.number(bytes.length, 4).fixed(bytes);
  }

  /** UTF-8 behind its four-byte length. */
  text(text: string): this {
    return this.bytes(utf8(text));
  }

  /** A four-byte count, then each item as by `bytes`. */
  list(items: readonly Uint8Array[]): this {
    this.number(items.length, 4);
    for (const item of items) this.bytes(item);
    return this;
  }

  finish(): Uint8Array {
    return concat(...this.#parts);
  }
}

/** Reads what a `Writer` wrote. Byte strings are copies: wiping one never touches the input. Every method throws `EncodingError`. */
export class Reader {
  #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  fixed(size: number): Uint8Array {
    const end = this.#offset + size;
    if (end > this.#bytes.length) throw new EncodingError('truncated');
    const value = new Uint8Array(this.#bytes.subarray(this.#offset, end)); // Buffer's own slice would be a view
    this.#offset = end;
    return value;
  }

  number(size: 1 | 2 | 4): number {
    let value = 0;
    for (const byte of this.fixed(size)) value = value * 256 + byte;
    return value;
  }

  bigint(): bigint {
    return new DataView(this.fixed(8).buffer).getBigUint64(0);
  }

  bytes(): Uint8Array {
    return this.fixed(this.number(4));
  }

  text(): string {
    const bytes = this.bytes();
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new EncodingError('not UTF-8');
    }
  }

  list(maximum: number): Uint8Array[] {
    const length = this.number(4);
    if (length > maximum) throw new EncodingError('list too long');
    return Array.from({ length }, () => this.bytes());
  }

  /** Nothing may follow. */
  end(): void {
    if (this.#offset !== this.#bytes.length) throw new EncodingError('trailing bytes');
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
