import { AppError } from '@rialto/contracts';
import { Batcher } from '@rialto/service';
import type pg from 'pg';
import { BoundedMap } from './bounded-map.ts';
import type { PostingKind } from './domain/posting.ts';
import { type BatchRow, type Outcome, outcomesOf, type Placed, statementFor } from './posting-batch.ts';

/** Money to move from one owner to another. An owner is an account id or the name of a system account. */
export interface Posting {
  readonly scope: string;
  readonly key: string;
  readonly debit: string;
  readonly credit: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly kind: PostingKind;
  /** The signed bytes with their signature; null where no device signs. */
  readonly intent: SignedIntent | null;
}
export interface SignedIntent {
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  readonly memoHash: Uint8Array | null;
  readonly expiresAtMs: number;
}
/** A transfer as its row has it, with what a receipt of either side needs. Ids are UUID text, hashes are bytes. */
export interface Posted {
  readonly id: string;
  readonly isDuplicate: boolean;
  readonly key: string;
  readonly kind: PostingKind;
  readonly currency: string;
  readonly debit: PostedSide;
  readonly credit: PostedSide;
  readonly head: Uint8Array;
  readonly at: Date;
}
/** `previousHead` is null on the credit side of a fresh posting: only a receipt of that side, read from the row, needs it. */
export interface PostedSide {
  readonly owner: string;
  readonly seq: bigint;
  readonly balanceMinor: bigint;
  readonly previousHead: Uint8Array | null;
}

type Connection = Pick<pg.Pool, 'query'>;

const MAX_BATCH_POSTINGS = 256;
const MAX_KNOWN_ACCOUNTS = 200_000;

/** The only way to move money: many postings at once, one commit, each accepted, replayed or refused by itself. */
export class Ledger {
  readonly #accountIds = new BoundedMap<string, bigint>(MAX_KNOWN_ACCOUNTS);
  readonly #batcher: Batcher<Posting, Posted>;
  readonly #connection: Connection;

  /**
   * `opening` opens accounts. It must not be the pool whose transactions post: with every connection in a transaction that waits for one more
   * to open an account, nobody would ever get it. Each of `lanes` is one connection that posts one batch at a time. Two keep both PostgreSQL and
   * this process at work; a third made batches smaller and waited longer for the accounts of the others (docs/benchmarks.md).
   */
  constructor(opening: Connection, lanes: readonly [Connection, ...Connection[]]) {
    this.#connection = opening;
    this.#batcher = new Batcher((postings, lane) => this.postAll(lanes[lane] ?? lanes[0], postings), {
      keyOf: ({ scope, key }) => `${scope}|${key}`,
      maxItems: MAX_BATCH_POSTINGS,
      lanes: lanes.length,
    });
  }

  /** Posts together with what others post at this moment. Throws the refusal. Once it resolves, it is committed. */
  post(posting: Posting): Promise<Posted> {
    return this.#batcher.add(posting);
  }

  /** Posts inside the transaction of `connection`, where it has one. Answers in the order of the postings. */
  async postAll(connection: Connection, postings: readonly Posting[]): Promise<(Posted | AppError)[]> {
    const placed = await this.#place(postings);
    const known = placed.filter((each) => each !== null);
    const outcomes = known.length === 0 ? [] : await this.#postKnown(connection, known);
    const replayed = await this.#readReplayed(connection, outcomes);
    const answers = outcomes.map((outcome) => {
      const done = 'replayedId' in outcome ? replayed.get(outcome.replayedId) : outcome;
      if (!done) throw new Error('a replayed transfer is not there');
      return done;
    });
    let next = 0;
    return placed.map((each) => (each === null ? undefined : answers[next++]) ?? new AppError('currency-unknown'));
  }

  async #postKnown(connection: Connection, known: readonly Placed[]): Promise<Outcome[]> {
    const { rows } = await connection.query<BatchRow>(statementFor(known));
    if (!rows[0]) throw new Error('post_many answered nothing');
    const postings = known.map(({ posting }) => posting);
    return outcomesOf(postings, rows[0]);
  }

  /** The internal id of an account, opened when it is not there yet. Throws `currency-unknown`. */
  async accountId(owner: string, currency: string): Promise<string> {
    const [id] = await this.#openAccounts([{ owner, currency }]);
    if (id == null) throw new AppError('currency-unknown');
    return id;
  }

  /** Each posting with the ids of its accounts, which are opened where they are not there yet; null where the currency is not kept. */
  async #place(postings: readonly Posting[]): Promise<(Placed | null)[]> {
    const placed = postings.map((posting) => this.#placeKnown(posting));
    if (!placed.includes(null)) return placed;
    await this.#learnAccounts(postings.filter((_posting, index) => placed[index] === null));
    return postings.map((posting, index) => placed[index] ?? this.#placeKnown(posting));
  }

  #placeKnown(posting: Posting): Placed | null {
    const { debit, credit, currency } = posting;
    const debitId = this.#accountIds.get(nameOf({ owner: debit, currency }));
    const creditId = this.#accountIds.get(nameOf({ owner: credit, currency }));
    return debitId === undefined || creditId === undefined ? null : { posting, debit: debitId, credit: creditId };
  }

  async #learnAccounts(postings: readonly Posting[]): Promise<void> {
    const sides = postings.flatMap(({ debit, credit, currency }) => [
      { owner: debit, currency },
      { owner: credit, currency },
    ]);
    const accounts = new Map(sides.map((side) => [nameOf(side), side]));
    const ids = await this.#openAccounts([...accounts.values()]);
    [...accounts.keys()].forEach((name, index) => {
      const id = ids[index];
      if (id != null) this.#accountIds.set(name, BigInt(id));
    });
  }

  /** Never in a caller's transaction: an id that a rollback takes back must not be remembered. */
  async #openAccounts(accounts: readonly { owner: string; currency: string }[]): Promise<(string | null)[]> {
    const { rows } = await this.#connection.query<{ id: string | null }>('select id from open_accounts($1, $2) order by n', [
      accounts.map(({ owner }) => owner),
      accounts.map(({ currency }) => currency),
    ]);
    return rows.map(({ id }) => id);
  }

  async #readReplayed(connection: Connection, outcomes: readonly Outcome[]): Promise<Map<string, Posted>> {
    const ids = outcomes.flatMap((outcome) => ('replayedId' in outcome ? [outcome.replayedId] : []));
    if (ids.length === 0) return new Map();
    return new Map((await readTransfers(connection, ids)).map((posted) => [posted.id, { ...posted, isDuplicate: true }]));
  }
}

const nameOf = ({ owner, currency }: { owner: string; currency: string }) => `${owner}|${currency}`;

interface TransferRow {
  readonly id: string;
  readonly debit_seq: string;
  readonly credit_seq: string;
  readonly debit_balance: string;
  readonly credit_balance: string;
  readonly debit_previous: Buffer;
  readonly head: Buffer;
  readonly at: Date;
  readonly key: string;
  readonly kind: PostingKind;
  readonly currency: string;
  readonly debit_owner: string;
  readonly credit_owner: string;
  readonly credit_previous: Buffer;
}

/** Transfers by their ids (UUID text), in no order; unknown ids are left out. */
export async function readTransfers(connection: Connection, ids: readonly string[]): Promise<Posted[]> {
  const { rows } = await connection.query<TransferRow>(
    `select t.id, t.key, (array['transfer', 'top-up', 'refund', 'operator'])[t.kind] as kind, d.currency, t.head, t.at,
       t.debit_seq, t.debit_balance, t.debit_previous, d.owner as debit_owner,
       t.credit_seq, t.credit_balance, t.credit_previous, c.owner as credit_owner
     from transfer t join account d on d.id = t.debit join account c on c.id = t.credit where t.id = any ($1::uuid[])`,
    [ids],
  );
  return rows.map((row) => ({
    id: row.id,
    isDuplicate: false,
    key: row.key,
    kind: row.kind,
    currency: row.currency,
    debit: {
      owner: row.debit_owner,
      seq: BigInt(row.debit_seq),
      balanceMinor: BigInt(row.debit_balance),
      previousHead: row.debit_previous,
    },
    credit: {
      owner: row.credit_owner,
      seq: BigInt(row.credit_seq),
      balanceMinor: BigInt(row.credit_balance),
      previousHead: row.credit_previous,
    },
    head: row.head,
    at: row.at,
  }));
}
