import { AppError } from '@rialto/contracts';
import type { Database, WorkQueue } from '@rialto/service';
import { kindNumber } from './domain/posting.ts';
import { type PostingStatus, refusalOf } from './domain/refusal.ts';
import { type Ledger, type Posted, type Posting, readTransfers } from './ledger.ts';

const HOLD_TIMEOUT = 'hold-timeout';
const NOT_OVER_YET_MS = 500;
export const MAX_HOLD_LIFETIME_MS = 7 * 24 * 3_600_000;

export interface Hold {
  /** UUID text; the transfer that it becomes has the same. */
  readonly id: string;
  readonly isDuplicate: boolean;
  readonly expiresAt: Date;
}
export type CaptureStatus = PostingStatus | 'unknown' | 'voided';

/**
 * Money set aside: pending, then posted or voided, whichever comes first, and voided by itself when its time is over. For what is decided
 * later than it is asked for, such as escrow. A hold carries a whole posting; capturing it posts just that.
 */
export class Holds {
  readonly #database: Pick<Database, 'pool' | 'transaction'>;
  readonly #ledger: Ledger;
  readonly #work: WorkQueue;

  constructor({ database, ledger, work }: { database: Pick<Database, 'pool' | 'transaction'>; ledger: Ledger; work: WorkQueue }) {
    this.#database = database;
    this.#ledger = ledger;
    this.#work = work;
    work.handle(HOLD_TIMEOUT, async ({ id }: { id: string }, { client }) => {
      const { rows } = await client.query<{ state: string }>('select release_hold($1, true) as state', [id]);
      if (mustHaveRow(rows).state !== 'pending') return;
      // The queue counts from the beginning of the transaction, the hold from the moment at which its account was free.
      await work.cancel(client, HOLD_TIMEOUT, id); // this very item, so that its successor can take the key
      await work.add(client, { kind: HOLD_TIMEOUT, key: id, dueInMs: NOT_OVER_YET_MS, payload: { id } });
    });
  }

  /** Sets the amount aside. The same scope and key give the same hold. Throws the refusal, as posting would. */
  async place(posting: Posting, lifetimeMs: number): Promise<Hold> {
    if (lifetimeMs > MAX_HOLD_LIFETIME_MS) throw new RangeError('a hold lives a week at most');
    const [debit, credit] = await Promise.all([
      this.#ledger.accountId(posting.debit, posting.currency),
      this.#ledger.accountId(posting.credit, posting.currency),
    ]);
    return this.#database.transaction(async (client) => {
      const { intent } = posting;
      const { rows } = await client.query<{ status: PostingStatus | 'held'; id: string; expires_at: Date }>(
        'select * from place_hold($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)',
        [
          posting.scope,
          posting.key,
          debit,
          credit,
          posting.currency,
          posting.amountMinor,
          kindNumber(posting.kind),
          intent?.signed ?? null,
          intent?.signature ?? null,
          intent?.memoHash ?? null,
          lifetimeMs,
        ],
      );
      const row = mustHaveRow(rows);
      const refusal = row.status === 'held' ? null : refusalOf(row.status);
      if (refusal) throw refusal;
      const isDuplicate = row.status === 'replayed';
      if (!isDuplicate)
        await this.#work.add(client, { kind: HOLD_TIMEOUT, key: row.id, dueInMs: lifetimeMs, payload: { id: row.id } });
      return { id: row.id, isDuplicate, expiresAt: row.expires_at };
    });
  }

  /** Posts what the hold stands for, once. Throws `not-found`, `intent-expired`, `conflict` when it was voided, or `account-frozen`. */
  async capture(id: string): Promise<Posted> {
    return this.#database.transaction(async (client) => {
      // The queue's item before the hold, as its worker takes them, so that neither waits for the other. A refusal rolls this back.
      await this.#work.cancel(client, HOLD_TIMEOUT, id);
      const { rows } = await client.query<{ status: CaptureStatus }>('select capture_hold($1) as status', [id]);
      const { status } = mustHaveRow(rows);
      if (status === 'unknown') throw new AppError('not-found');
      if (status === 'voided') throw new AppError('conflict', { state: 'voided' });
      const refusal = refusalOf(status);
      if (refusal) throw refusal;
      const posted = mustHaveRow(await readTransfers(client, [id]));
      return { ...posted, isDuplicate: status === 'replayed' };
    });
  }

  /** Gives the amount back. Releasing what is voided does nothing; throws `conflict` for what was posted, `not-found` for what never was. */
  async release(id: string): Promise<void> {
    await this.#database.transaction(async (client) => {
      await this.#work.cancel(client, HOLD_TIMEOUT, id);
      const { rows } = await client.query<{ state: 'unknown' | 'posted' | 'voided' }>('select release_hold($1, false) as state', [
        id,
      ]);
      const { state } = mustHaveRow(rows);
      if (state === 'unknown') throw new AppError('not-found');
      if (state === 'posted') throw new AppError('conflict', { state });
    });
  }
}

function mustHaveRow<T>([row]: readonly T[]): T {
  if (row === undefined) throw new Error('the ledger answered without a row');
  return row;
}
