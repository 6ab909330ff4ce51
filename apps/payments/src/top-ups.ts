import { type AccountId, AppError, payments, type TopUpId, type TopUpView } from '@rialto/contracts';
import type { Database, Logger, Push, WorkQueue } from '@rialto/service';
import type pg from 'pg';
import { checkTopUp } from './domain/limits.ts';
import type { Ledger, Posted } from './ledger.ts';
import type { Checkout, Processor } from './stripe/processor.ts';
import { transferIdOf } from './transfer-ids.ts';
import { announce } from './transfers.ts';
import { findCurrency } from './wallets.ts';

const OPEN_CHECKOUT = 'open-checkout';
/** When the queue looks after a checkout whose caller may have gone away. */
const OPEN_CHECKOUT_AGAIN_MS = 10_000;
/** After this a checkout is not opened any more: nobody waits for it, and Stripe may have forgotten its idempotency key. */
const GIVE_UP_AFTER_MS = 20 * 3_600_000;
/** Stripe's clock may differ from PostgreSQL's when sessions are looked up by time. */
const CLOCK_MARGIN_MS = 600_000;
export const PROCESSOR = 'processor';

export interface TopUpRow {
  readonly id: TopUpId;
  readonly owner: AccountId;
  readonly currency: string;
  readonly amount: string;
  readonly state: TopUpView['state'];
  readonly session_id: string | null;
  readonly payment_intent_id: string | null;
  readonly checkout_url: string | null;
  readonly transfer_id: string | null;
  readonly refunded: string;
  readonly created_at: Date;
}
interface Dependencies {
  readonly database: Pick<Database, 'pool' | 'transaction'>;
  readonly ledger: Ledger;
  readonly processor: Processor;
  readonly work: WorkQueue;
  readonly push: Pick<Push, 'toAccount'>;
  readonly log: Logger;
}
/** What a settled checkout changed, to be told after the commit. */
export interface Change {
  readonly row: TopUpRow;
  readonly posted: Posted | null;
}

/** Money that comes in. The row is committed before Stripe hears of it, and whatever is lost on the way is found again from it. */
export class TopUps {
  readonly #with: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#with = dependencies;
    dependencies.work.handle(OPEN_CHECKOUT, async ({ id }: { id: TopUpId }) => {
      const row = await find(dependencies.database.pool, id);
      if (row?.state === 'creating') await this.#openCheckout(row, { isFirstAttempt: false });
    });
  }

  /** The same id gives the same top-up; with other content it is a `conflict`, like an id that somebody else has used. */
  async create(
    { topUpId, currency, amountMinor }: { topUpId: TopUpId; currency: string; amountMinor: string },
    owner: AccountId,
  ): Promise<TopUpView> {
    const { database, work } = this.#with;
    checkTopUp(await findCurrency(database.pool, currency), BigInt(amountMinor));
    const isNew = await database.transaction(async (client) => {
      const { rowCount } = await client.query(
        'insert into top_up (id, owner, currency, amount) values ($1, $2, $3, $4) on conflict (id) do nothing',
        [topUpId, owner, currency, amountMinor],
      );
      if (rowCount === 1)
        await work.add(client, { kind: OPEN_CHECKOUT, key: topUpId, dueInMs: OPEN_CHECKOUT_AGAIN_MS, payload: { id: topUpId } });
      return rowCount === 1;
    });
    const row = await find(database.pool, topUpId);
    if (row?.owner !== owner || row.currency !== currency || row.amount !== amountMinor) throw new AppError('conflict');
    return viewOf(row.state === 'creating' ? await this.#openCheckout(row, { isFirstAttempt: isNew }) : row);
  }

  async get(topUpId: TopUpId, owner: AccountId): Promise<TopUpView> {
    const row = await find(this.#with.database.pool, topUpId);
    if (row?.owner !== owner) throw new AppError('not-found');
    return viewOf(row);
  }

  /** Asks Stripe how a checkout stands and follows it. */
  async refresh(row: Pick<TopUpRow, 'session_id'>): Promise<void> {
    if (row.session_id === null) return;
    const checkout = await this.#with.processor.readCheckout(row.session_id);
    if (checkout) await this.settle(checkout);
  }

  async settle(checkout: Checkout): Promise<void> {
    const change = await this.#with.database.transaction((client) => this.settleWithin(client, checkout));
    if (change) this.tell(change);
  }

  /**
   * Makes the top-up what its checkout, as Stripe has it now, says: the money is credited once, in this transaction, and a paid top-up stays
   * paid. Undefined when nothing changed. The order in which news arrives does not matter, since the newest standing is read each time.
   */
  async settleWithin(client: pg.PoolClient, checkout: Checkout): Promise<Change | undefined> {
    if (checkout.topUpId === null) return undefined;
    const { rows } = await client.query<TopUpRow>('select * from top_up where id = $1 for update', [checkout.topUpId]);
    const [row] = rows;
    const state = row && nextState(row, checkout);
    if (!row || (state === row.state && row.session_id === checkout.sessionId)) return undefined;
    if (row.state === 'paid') {
      const { log } = this.#with;
      if (checkout.standing === 'paid')
        log.error({ session: checkout.sessionId }, 'a second checkout of one top-up was paid: refund it');
      return undefined;
    }
    if (checkout.amountMinor !== BigInt(row.amount) || checkout.currency !== row.currency) {
      throw new Error(`checkout ${checkout.sessionId} is for another amount than its top-up`);
    }
    const posted = state === 'paid' ? await this.#credit(client, row) : null;
    const changed = await client.query<TopUpRow>(
      `update top_up set state = $2, session_id = $3, payment_intent_id = coalesce($4, payment_intent_id), checkout_url = $5,
         transfer_id = $6, changed_at = clock_timestamp() where id = $1 returning *`,
      [row.id, state, checkout.sessionId, checkout.paymentIntentId, state === 'open' ? checkout.url : null, posted?.id ?? null],
    );
    return { row: changed.rows[0] ?? row, posted };
  }

  tell({ row, posted }: Change): void {
    const { push } = this.#with;
    if (posted && !posted.isDuplicate) announce(push, posted);
    push.toAccount(payments.events.topUpChanged, row.owner, viewOf(row));
  }

  async #credit(client: pg.PoolClient, row: TopUpRow): Promise<Posted> {
    const [posted] = await this.#with.ledger.postAll(client, [
      {
        scope: PROCESSOR,
        key: row.id,
        debit: PROCESSOR,
        credit: row.owner,
        currency: row.currency,
        amountMinor: BigInt(row.amount),
        kind: 'top-up',
        intent: null,
      },
    ]);
    if (posted === undefined || posted instanceof AppError) throw posted ?? new Error('the ledger gave no answer');
    return posted;
  }

  /** Before it asks again it looks whether an earlier request got through: Stripe forgets idempotency keys after a day. */
  async #openCheckout(row: TopUpRow, { isFirstAttempt }: { isFirstAttempt: boolean }): Promise<TopUpRow> {
    const { database, processor, work, log } = this.#with;
    const existing = isFirstAttempt
      ? undefined
      : await processor.findCheckout(row.id, new Date(row.created_at.getTime() - CLOCK_MARGIN_MS));
    if (!existing && Date.now() - row.created_at.getTime() > GIVE_UP_AFTER_MS) return this.#giveUp(row);
    const checkout =
      existing ?? (await processor.openCheckout({ topUpId: row.id, currency: row.currency, amountMinor: BigInt(row.amount) }));
    await this.settle(checkout);
    // Not in one transaction with it: the queue may be at work on the same item, and finds nothing left to do.
    if (isFirstAttempt) await work.cancel(database.pool, OPEN_CHECKOUT, row.id);
    log.debug({ topUpId: row.id }, 'checkout opened');
    return (await find(database.pool, row.id)) ?? row;
  }

  async #giveUp(row: TopUpRow): Promise<TopUpRow> {
    const { rows } = await this.#with.database.pool.query<TopUpRow>(
      `update top_up set state = 'failed', changed_at = clock_timestamp() where id = $1 and state = 'creating' returning *`,
      [row.id],
    );
    const changed = rows[0];
    if (changed) this.tell({ row: changed, posted: null });
    return changed ?? row;
  }
}

/** Paid is for good; over is over unless the money came after all. */
function nextState(row: TopUpRow, { standing }: Checkout): TopUpRow['state'] {
  if (row.state === 'paid' || standing === 'paid') return 'paid';
  if (row.state === 'failed' || row.state === 'expired') return row.state;
  return standing === 'processing' ? 'open' : standing;
}

async function find(on: Pick<pg.Pool, 'query'>, id: TopUpId): Promise<TopUpRow | undefined> {
  const { rows } = await on.query<TopUpRow>('select * from top_up where id = $1', [id]);
  return rows[0];
}

function viewOf(row: TopUpRow): TopUpView {
  return {
    topUpId: row.id,
    currency: row.currency,
    amountMinor: row.amount,
    state: row.state,
    checkoutUrl: row.state === 'open' ? row.checkout_url : null,
    transferId: row.transfer_id === null ? null : transferIdOf(row.transfer_id),
    createdAt: row.created_at.toISOString(),
  };
}
