import type { Random } from './random.ts';

type Json = unknown;
const MAX_CHANGES = 3;
const STRANGE_TEXTS = [
  '',
  ' ',
  '\0',
  '\ud800',
  '\u202e',
  'ä',
  '😀',
  '../..',
  "'; drop table message; --",
  '%00',
  '{}',
  '[]',
  'null',
  '__proto__',
  'constructor',
  '\r\nx: y',
  '${7*7}',
  '=1+1',
  'A'.repeat(43),
  'A'.repeat(22),
  'cnv_AAAAAAAAAAAAAAAAAAAAAA',
  'é'.normalize('NFD'),
];
const STRANGE_NUMBERS = [0, -1, 1.5, 1e21, 1e308, -1e308, 2 ** 31, 2 ** 53, 2 ** 53 - 1, 2 ** 63, 5e-324];
const STRANGE_KEYS = [
  'isAdmin',
  '__proto__',
  'constructor',
  'toString',
  'input',
  'token',
  'accountId',
  '',
  'a'.repeat(200),
  'ключ',
  '\0',
];

/** Something that no field wants. */
export function strangeValue(random: Random, depth = 0): Json {
  switch (random.below(depth > 3 ? 5 : 8)) {
    case 0:
      return null;
    case 1:
      return random.chance(0.5);
    case 2:
      return random.of(STRANGE_NUMBERS);
    case 3:
      return random.of(STRANGE_TEXTS);
    case 4:
      return random.text(random.below(random.chance(0.1) ? 5_000 : 60), 'abcAZ09-_+/=. \u00e9\u4f60');
    case 5:
      return Array.from({ length: random.below(5) }, () => strangeValue(random, depth + 1));
    case 6:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [random.of(STRANGE_KEYS), strangeValue(random, depth + 1)]),
      );
    default:
      return nested(random.below(random.chance(0.05) ? 2_000 : 20));
  }
}
const nested = (depth: number): Json => {
  let value: Json = 0;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
};

/** The same input with one to three things wrong. It may still be right by chance: ask the schema. */
export function mutateInput(random: Random, input: object): Json {
  let changed: Json = structuredClone(input);
  for (let count = 1 + random.below(MAX_CHANGES); count > 0; count -= 1) changed = mutateOnce(random, changed);
  return changed;
}

function mutateOnce(random: Random, value: Json): Json {
  if (typeof value === 'string' && random.chance(0.8)) return mutateText(random, value);
  if (typeof value === 'number' && random.chance(0.8))
    return random.of([value + 1, -value, value + 0.5, String(value), value * 1e15, [value], null]);
  if (typeof value !== 'object' || value === null) return strangeValue(random);
  if (Array.isArray(value)) {
    const items: Json[] = value;
    const at = random.below(items.length + 1);
    return random.chance(0.5) && at < items.length
      ? items.with(at, mutateOnce(random, items[at]))
      : items.toSpliced(at, random.below(2), strangeValue(random));
  }
  const entries = Object.entries(value);
  const at = random.below(entries.length + 1);
  const found = entries[at];
  if (found === undefined) return Object.fromEntries([...entries, [random.of(STRANGE_KEYS), strangeValue(random)]]);
  const [key, inner] = found;
  if (random.chance(0.2)) return Object.fromEntries(entries.toSpliced(at, 1));
  if (random.chance(0.2)) return Object.fromEntries(entries.with(at, [random.of(STRANGE_KEYS), inner]));
  return Object.fromEntries(entries.with(at, [key, random.chance(0.3) ? strangeValue(random) : mutateOnce(random, inner)]));
}

function mutateText(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  switch (random.below(6)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + random.of(STRANGE_TEXTS) + text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(at + 1);
    case 3:
      return text + text.slice(at);
    case 4:
      return text.toUpperCase() === text ? text.toLowerCase() : text.toUpperCase();
    default:
      return `${text.slice(0, at)}${String.fromCharCode(random.below(65_536))}${text.slice(at + 1)}`;
  }
}

/** The same bytes with bits flipped, some missing, some doubled, or others in their place; never the same bytes. `keep` of the end stay. */
export function mutateBytes(random: Random, bytes: Uint8Array, { keep = 0 } = {}): Buffer {
  const original = Buffer.from(bytes);
  for (;;) {
    const changed = mutateBytesOnce(random, Buffer.from(original), Math.max(1, original.length - keep));
    if (!changed.equals(original)) return changed;
  }
}

function mutateBytesOnce(random: Random, bytes: Buffer, end: number): Buffer {
  const at = random.below(end);
  switch (random.below(6)) {
    case 0:
      for (let count = 1 + random.below(8); count > 0; count -= 1) {
        const place = random.below(end);
        bytes[place] = (bytes[place] ?? 0) ^ (1 << random.below(8));
      }
      return bytes;
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(20)), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(end, at + 1 + random.below(20)))]);
    case 4:
      bytes[at] = random.of([0x00, 0xff, 0x7f, 0x80, 0x40, 0xc0]);
      return bytes;
    default: {
      const from = random.below(end);
      const length = Math.min(random.below(60), end - at, end - from);
      bytes.copy(bytes, at, from, from + length);
      return bytes;
    }
  }
}
