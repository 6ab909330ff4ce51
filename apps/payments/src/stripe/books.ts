import type { Database, Logger } from '@rialto/service';
import type { TopUpRow } from '../top-ups.ts';
import type { Notices } from './notices.ts';
import type { Movement, Processor } from './processor.ts';

/** How many credits of one run are asked for one by one, because Stripe's books do not show their payment. */
const MAX_UNSEEN_CREDITS = 500;

interface Dependencies {
  readonly database: Pick<Database, 'pool'>;
  readonly processor: Pick<Processor, 'readCheckout'>;
  readonly notices: Pick<Notices, 'follow'>;
  readonly log: Pick<Logger, 'warn' | 'error'>;
}

/** Stripe's books against ours, line by line. Money is never taken back by this: what does not fit is said, and somebody must look at it. */
export class Books {
  readonly #with: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#with = dependencies;
  }

  /** One line of theirs must be booked here. What was missed is booked now, where Stripe's objects say that it should be. */
  async compare(movement: Movement): Promise<void> {
    const { notices, log } = this.#with;
    if ((await this.#bookingOf(movement)) !== 'missing') return;
    await notices.follow(movement.paymentIntentId);
    const about = { movement: movement.id, kind: movement.kind, source: movement.sourceId, currency: movement.currency };
    if ((await this.#bookingOf(movement)) === 'missing')
      log.error(about, "the processor's books have a line that the ledger has not, or has otherwise; somebody must look at it");
    else log.warn(about, "a line of the processor's books was missing in the ledger, and is booked now");
  }

  /** `foreign`: a payment that is none of ours, made with the same Stripe account. */
  async #bookingOf(movement: Movement): Promise<'booked' | 'missing' | 'foreign'> {
    const { kind, sourceId, paymentIntentId, topUpId, currency, amountMinor } = movement;
    const { pool } = this.#with.database;
    const { rows } =
      kind === 'payment'
        ? await pool.query<{ is_booked: boolean }>(
            `select state = 'paid' and amount = $3 and currency = $4 as is_booked from top_up where payment_intent_id = $1 or id = $2`,
            [paymentIntentId, topUpId, amountMinor, currency],
          )
        : await pool.query<{ is_booked: boolean }>(
            `select coalesce(r.amount = $3 and t.currency = $4, false) as is_booked from top_up t
               left join top_up_refund r on r.top_up_id = t.id and r.id = $2 where t.payment_intent_id = $1`,
            [paymentIntentId, sourceId, amountMinor, currency],
          );
    if (rows.length === 0) return topUpId === null ? 'foreign' : 'missing';
    return rows.every(({ is_booked: isBooked }) => isBooked) ? 'booked' : 'missing';
  }

  /** What we credited since `from` and their books do not show must be paid according to its checkout: its payment may be older than `from`. */
  async findUnseenCredits(movements: readonly Movement[], from: Date): Promise<TopUpRow[]> {
    const seen = movements.filter(({ kind }) => kind === 'payment').map(({ paymentIntentId }) => paymentIntentId);
    const { rows } = await this.#with.database.pool.query<TopUpRow>(
      `select * from top_up where state = 'paid' and changed_at >= $1 and (payment_intent_id = any ($2)) is not true
         order by changed_at limit $3`,
      [from, seen, MAX_UNSEEN_CREDITS],
    );
    if (rows.length === MAX_UNSEEN_CREDITS) {
      const about = { limit: MAX_UNSEEN_CREDITS };
      this.#with.log.error(about, "more credits than are looked at have no line in the processor's books");
    }
    return rows;
  }

  async judgeUnseenCredit(row: TopUpRow): Promise<void> {
    const { processor, log } = this.#with;
    const checkout = row.session_id === null ? undefined : await processor.readCheckout(row.session_id);
    const isPaid =
      checkout?.standing === 'paid' && checkout.amountMinor === BigInt(row.amount) && checkout.currency === row.currency;
    if (!isPaid)
      log.error({ topUp: row.id }, 'the ledger has credited what the processor does not call paid; somebody must look at it');
  }
}
