import fs from 'node:fs';
import path from 'node:path';
import type { System } from './system.ts';

/** How deep encodings within encodings are looked into: bytes in base64 in JSON in base64 are common in signed bodies. */
const MAX_DEPTH = 3;
const BASE64_RUN = /[A-Za-z0-9+/_-]{16,}/g;
const HEX_RUN = /[0-9a-fA-F]{32,}/g;

/** Something to look into, with where it came from. */
export interface Place {
  readonly where: string;
  readonly data: Buffer;
}

/**
 * Every way in which a text might lie about: as it is, in either case, in UTF-16, as hex, and in base64 and base64url at each of the three
 * places where it can begin within a group of three bytes. What depends on the neighbours is cut off at both ends.
 */
export function needlesOf(text: string): Buffer[] {
  const utf8 = Buffer.from(text, 'utf8');
  const utf16 = Buffer.from(text, 'utf16le');
  const plain = [utf8, Buffer.from(text.toUpperCase()), Buffer.from(text.toLowerCase()), utf16, Buffer.from(utf16).swap16()];
  const hex = [utf8, utf16].flatMap((bytes) => [bytes.toString('hex'), bytes.toString('hex').toUpperCase()]);
  const base64 = [utf8, utf16].flatMap((bytes) => [0, 1, 2].map((shift) => base64At(bytes, shift)));
  const base64url = base64.map((needle) => needle.replaceAll('+', '-').replaceAll('/', '_'));
  return [...plain, ...[...hex, ...base64, ...base64url].map((needle) => Buffer.from(needle))];
}
function base64At(bytes: Buffer, shift: number): string {
  const whole = Buffer.concat([Buffer.alloc(shift), bytes]);
  const from = shift === 0 ? 0 : 4;
  return whole
    .subarray(0, whole.length - (whole.length % 3))
    .toString('base64')
    .slice(from);
}

/** The places in which a text is found, in whatever encoding. */
export function findTraces(text: string, places: Iterable<Place>): string[] {
  const needles = needlesOf(text);
  const found: string[] = [];
  for (const { where, data } of places) if (holds(data, needles, 0)) found.push(where);
  return [...new Set(found)];
}

function holds(data: Buffer, needles: readonly Buffer[], depth: number): boolean {
  if (needles.some((needle) => data.includes(needle))) return true;
  if (depth === MAX_DEPTH || data.length < 24) return false;
  const text = data.toString('latin1');
  for (const [run] of text.matchAll(BASE64_RUN)) if (holds(Buffer.from(run, 'base64url'), needles, depth + 1)) return true;
  for (const [run] of text.matchAll(HEX_RUN))
    if (holds(Buffer.from(run.slice(0, run.length - (run.length % 2)), 'hex'), needles, depth + 1)) return true;
  return false;
}

/** Every value of every row of every table, as its bytes. */
export async function dumpDatabase(system: System): Promise<Place[]> {
  const { rows: tables } = await system.admin.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  );
  const places: Place[] = [];
  for (const { name } of tables) {
    const text = { getTypeParser: () => (value: string | Buffer) => value };
    const { rows } = await system.admin.query<string[]>({ text: `select * from ${name}`, rowMode: 'array', types: text });
    for (const row of rows) {
      for (const value of row) if (value !== null) places.push({ where: name, data: bytesOf(value) });
    }
  }
  return places;
}
const bytesOf = (value: string): Buffer => (value.startsWith('\\x') ? Buffer.from(value.slice(2), 'hex') : Buffer.from(value));

/** Every file below a folder: logs, and the database's own files with its write-ahead log. Looked into as they lie, not deeper. */
export function* filesBelow(dir: string): Generator<Place> {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const data = readIfThere(file);
    if (data !== undefined) yield { where: path.relative(dir, file), data };
  }
}
function readIfThere(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    // PostgreSQL removes files while we walk.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Like `findTraces`, for large files: the text in any encoding, but no encodings within encodings. */
export function findInFiles(text: string, dir: string): string[] {
  const needles = needlesOf(text);
  const found: string[] = [];
  for (const { where, data } of filesBelow(dir)) if (needles.some((needle) => data.includes(needle))) found.push(where);
  return found;
}
