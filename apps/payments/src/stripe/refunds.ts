import { AppError } from '@rialto/contracts';
import type { Logger } from '@rialto/service';
import type pg from 'pg';
import type { Ledger, Posting } from '../ledger.ts';
import { type Change, PROCESSOR, type TopUpRow } from '../top-ups.ts';
import type { Refund } from './processor.ts';

/** What people owe: the other side of a refund that their balance does not cover. */
const RECEIVABLE = 'receivable';

/** Money that the processor gave back to the payer leaves the wallet, once for each refund. */
export class Refunds {
  readonly #ledger: Ledger;
  readonly #log: Logger;

  constructor({ ledger, log }: { ledger: Ledger; log: Logger }) {
    this.#ledger = ledger;
    this.#log = log;
  }

  /** Books the refunds of a payment that are not booked yet. A refund of money that was spent already is booked as owed, and freezes the account. */
  async applyWithin(client: pg.PoolClient, paymentIntentId: string, refunds: readonly Refund[]): Promise<Change[]> {
    const { rows } = await client.query<TopUpRow>(
      `select * from top_up where payment_intent_id = $1 and state = 'paid' for update`,
      [paymentIntentId],
    );
    const [row] = rows;
    if (!row) return [];
    const changes: Change[] = [];
    for (const refund of refunds) {
      const known = await client.query('select from top_up_refund where id = $1', [refund.id]);
      if (known.rowCount === 0) changes.push(await this.#book(client, row, refund));
    }
    return changes;
  }

  async #book(client: pg.PoolClient, row: TopUpRow, refund: Refund): Promise<Change> {
    const { currency, owner } = row;
    const posting: Posting = {
      scope: PROCESSOR,
      key: refund.id,
      debit: owner,
      credit: PROCESSOR,
      currency,
      amountMinor: refund.amountMinor,
      kind: 'refund',
      intent: null,
    };
    const [answer] = await this.#ledger.postAll(client, [posting]);
    const posted = answer instanceof AppError && answer.code === 'insufficient-funds' ? await this.#owe(client, posting) : answer;
    if (posted === undefined || posted instanceof AppError) throw posted ?? new Error('the ledger gave no answer');
    await client.query('insert into top_up_refund (id, top_up_id, amount, transfer_id) values ($1, $2, $3, $4)', [
      refund.id,
      row.id,
      refund.amountMinor,
      posted.id,
    ]);
    await client.query('update top_up set refunded = refunded + $2, changed_at = clock_timestamp() where id = $1', [
      row.id,
      refund.amountMinor,
    ]);
    return { row, posted };
  }

  async #owe(client: pg.PoolClient, posting: Posting) {
    this.#log.warn({ currency: posting.currency }, 'a refund exceeds the balance: booked as receivable, account frozen');
    const account = await this.#ledger.accountId(posting.debit, posting.currency);
    await client.query('select freeze_debtor($1)', [account]);
    const [answer] = await this.#ledger.postAll(client, [{ ...posting, debit: RECEIVABLE }]);
    return answer;
  }
}
