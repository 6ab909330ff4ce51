/** What `post_many` (migration 0005) is asked and how it answers: one statement, one row of arrays in the order of the postings. */
import type { AppError } from '@rialto/contracts';
import type pg from 'pg';
import { byteaArray, int2Array, int4Array, int8Array, textArray, timestampArray } from './binary-arrays.ts';
import { kindNumber } from './domain/posting.ts';
import { type PostingStatus, refusalOf } from './domain/refusal.ts';
import type { Posted, Posting } from './ledger.ts';

/** A posting whose two accounts are known by their ids. */
export interface Placed {
  readonly posting: Posting;
  readonly debit: bigint;
  readonly credit: bigint;
}

/** The columns as PostgreSQL writes arrays: `{1,2,NULL}`. None of their elements holds a comma. */
export type BatchRow = Readonly<Record<(typeof ARRAYS)[number] | 'at_ms', string>>;
const ARRAYS = [
  'statuses',
  'ids',
  'debit_seqs',
  'credit_seqs',
  'debit_balances',
  'credit_balances',
  'debit_heads',
  'new_heads',
] as const;

/** The answer comes as text, unread: `pg`'s own parser of arrays goes through it character by character. */
const asText = { getTypeParser: () => (value: unknown) => value };

export function statementFor(placed: readonly Placed[]): pg.QueryConfig {
  const owners = new Map<bigint, string>();
  for (const { posting, debit, credit } of placed) owners.set(debit, posting.debit).set(credit, posting.credit);
  const accounts = [...owners.keys()].sort((a, b) => (a < b ? 1 : -1));
  const position = new Map(accounts.map((id, index) => [id, index + 1]));
  const positionsOf = (side: 'debit' | 'credit') => int4Array(placed.map((each) => position.get(each[side]) ?? 0));
  const postings = placed.map(({ posting }) => posting);
  return {
    name: 'post_many',
    text: `select ${ARRAYS.join(', ')}, at_ms from post_many($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    types: asText,
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
    ],
  };
}

/** For each posting what was posted, why it was refused, or the id of the transfer (UUID text) that it repeats. */
export type Outcome = Posted | AppError | { readonly replayedId: string };

export function outcomesOf(postings: readonly Posting[], row: BatchRow): Outcome[] {
  const columns = ARRAYS.map((name) => elementsOf(row[name]));
  if (columns[0]?.length !== postings.length) throw new Error('post_many answered another number of postings than it was given');
  const at = new Date(Number(row.at_ms));
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

const elementsOf = (array: string): string[] => array.slice(1, -1).split(',');

/** Inside an array bytes are written `"\\x00ff"`, with both backslashes. */
const bytesOf = (element: string): Buffer => Buffer.from(element.slice(4, -1), 'hex');
