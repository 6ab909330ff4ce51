/** What `post_many` (migration 0005) is asked and how it answers: one statement, one row, everything in the order of the postings. */
import { randomBytes } from 'node:crypto';
import type { AppError } from '@rialto/contracts';
import type pg from 'pg';
import { byteaArray, int2Array, int4Array, int8Array, textArray, timestampArray } from './binary-arrays.ts';
import { kindNumber } from './domain/posting.ts';
import { type PostingStatus, refusalOf } from './domain/refusal.ts';
import type { Posted, Posting } from './ledger.ts';

const SALT_BYTES = 16;

/** A posting whose two accounts are known by their ids. */
export interface Placed {
  readonly posting: Posting;
  readonly debit: bigint;
  readonly credit: bigint;
}

/** One text, because `pg` builds an object for every column of an answer and goes through arrays character by character. */
export interface BatchRow {
  readonly answer: string;
}

export function statementFor(placed: readonly Placed[]): pg.QueryConfig {
  const owners = new Map<bigint, string>();
  for (const { posting, debit, credit } of placed) owners.set(debit, posting.debit).set(credit, posting.credit);
  const accounts = [...owners.keys()].sort((a, b) => (a < b ? 1 : -1));
  const position = new Map(accounts.map((id, index) => [id, index + 1]));
  const positionsOf = (side: 'debit' | 'credit') => int4Array(placed.map((each) => position.get(each[side]) ?? 0));
  const postings = placed.map(({ posting }) => posting);
  const salts = newSalts(2 * placed.length);
  return {
    name: 'post_many',
    text: 'select post_many($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) as answer',
    values: [
      int8Array(accounts),
      textArray(accounts.map((id) => owners.get(id) ?? '')),
      textArray(postings.map(({ scope }) => scope)),
      textArray(postings.map(({ key }) => key)),
      positionsOf('debit'),
      positionsOf('credit'),
      textArray(postings.map(({ currency }) => currency)),
      int8Array(postings.map(({ amountMinor }) => amountMinor)),
      int2Array(postings.map(({ kind }) => kindNumber(kind))),
      byteaArray(postings.map(({ intent }) => intent?.signed ?? null)),
      byteaArray(postings.map(({ intent }) => intent?.signature ?? null)),
      byteaArray(postings.map(({ intent }) => intent?.memoHash ?? null)),
      timestampArray(postings.map(({ intent }) => intent?.expiresAtMs ?? null)),
      byteaArray(salts.slice(placed.length)),
      byteaArray(salts.slice(0, placed.length)),
    ],
  };
}

/** Node's random bytes, at once: libsodium asks for each byte by itself, which takes a millisecond for a batch. */
function newSalts(count: number): Buffer[] {
  const bytes = randomBytes(count * SALT_BYTES);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * SALT_BYTES, (index + 1) * SALT_BYTES));
}

/** For each posting what was posted, why it was refused, or the id of the transfer (UUID text) that it repeats. */
export type Outcome = Posted | AppError | { readonly replayedId: string };

export function outcomesOf(postings: readonly Posting[], { answer }: BatchRow): Outcome[] {
  const parts = answer.split(' ');
  const at = new Date(Number(parts.pop()));
  const columns = parts.map((part) => part.split(','));
  if (columns.some(({ length }) => length !== postings.length)) {
    throw new Error('post_many answered another number of postings than it was given');
  }
  return postings.map((posting, index) => {
    const [status, id, ...rest] = columns.map((elements) => elements[index] ?? '');
    if (status === 'replayed') return { replayedId: id ?? '' };
    return refusalOf(status as PostingStatus) ?? postedFrom(posting, id ?? '', rest, at);
  });
}

function postedFrom({ key, kind, currency, debit, credit }: Posting, id: string, columns: readonly string[], at: Date): Posted {
  const [debitSeq = '', creditSeq = '', debitBalance = '', creditBalance = '', debitHead = '', head = ''] = columns;
  return {
    id,
    isDuplicate: false,
    key,
    kind,
    currency,
    debit: { owner: debit, seq: BigInt(debitSeq), balanceMinor: BigInt(debitBalance), previousHead: bytesOf(debitHead) },
    credit: { owner: credit, seq: BigInt(creditSeq), balanceMinor: BigInt(creditBalance), previousHead: null },
    head: bytesOf(head),
    at,
  };
}

const bytesOf = (element: string): Buffer => Buffer.from(element.slice('\\x'.length), 'hex');
