import { AppError } from '@rialto/contracts';
import type { Database, Logger } from '@rialto/service';
import type pg from 'pg';
import type { Change, TopUps } from '../top-ups.ts';
import type { Checkout, Notice, Processor, Refund } from './processor.ts';
import type { Refunds } from './refunds.ts';

interface Dependencies {
  readonly database: Pick<Database, 'pool' | 'transaction'>;
  readonly processor: Processor;
  readonly topUps: TopUps;
  readonly refunds: Refunds;
  readonly log: Logger;
}
type News =
  | { kind: 'session'; checkout: Checkout | undefined }
  | { kind: 'refunds'; paymentIntentId: string; checkout: Checkout | undefined; refunds: Refund[] }
  | { kind: 'none' };

/**
 * Takes in what Stripe tells, once for each event. An event only says where to look: what is done follows from the object as Stripe has it
 * now, so order, delay and repetition do not matter. The event's id and its effect are one transaction.
 */
export class Notices {
  readonly #with: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#with = dependencies;
  }

  /** Follows a payment and its refunds without an event that told of them. */
  async follow(paymentIntentId: string): Promise<void> {
    const news = await this.#read({ about: { kind: 'refunds', paymentIntentId } });
    const changes = await this.#with.database.transaction((client) => this.#apply(client, news));
    for (const change of changes) this.#with.topUps.tell(change);
  }

  /** Throws `unavailable` when Stripe does not answer: nothing was done, and it delivers again. */
  async take(notice: Notice): Promise<void> {
    const { database, log } = this.#with;
    const known = await database.pool.query('select from stripe_event where id = $1', [notice.id]);
    if (known.rowCount === 1) return;
    // Before the transaction: nobody's lock waits for Stripe.
    const news = await this.#read(notice).catch((error: unknown) => {
      throw error instanceof AppError && error.code === 'processor-unavailable'
        ? new AppError('unavailable', undefined, error)
        : error;
    });
    const changes = await database.transaction(async (client) => {
      const isNew = await this.#claim(client, notice);
      if (!isNew) return [];
      const changes = await this.#apply(client, news);
      await this.#record(client, notice, changes.length > 0);
      return changes;
    });
    for (const change of changes) this.#with.topUps.tell(change);
    log.info({ event: notice.id, type: notice.type, changes: changes.length }, 'event of the processor taken in');
  }

  async #read({ about }: Pick<Notice, 'about'>): Promise<News> {
    const { processor } = this.#with;
    if (about === null) return { kind: 'none' };
    if (about.kind === 'session') return { kind: 'session', checkout: await processor.readCheckout(about.id) };
    const { paymentIntentId } = about;
    // The refund's event may overtake the payment's, and this event is taken once: so the payment is settled first, whoever told of it.
    const checkout = await processor.findCheckoutOfPayment(paymentIntentId);
    return { kind: 'refunds', paymentIntentId, checkout, refunds: await processor.listRefunds(paymentIntentId) };
  }

  async #apply(client: pg.PoolClient, news: News): Promise<Change[]> {
    if (news.kind === 'none') return [];
    const settled = news.checkout && (await this.#with.topUps.settleWithin(client, news.checkout));
    const changes = settled ? [settled] : [];
    if (news.kind === 'session') return changes;
    return [...changes, ...(await this.#with.refunds.applyWithin(client, news.paymentIntentId, news.refunds))];
  }

  /** Whoever takes the same event at this moment waits here until we commit or give up. */
  async #claim(client: pg.PoolClient, { id }: Notice): Promise<boolean> {
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [id]);
    const { rowCount } = await client.query('select from stripe_event where id = $1', [id]);
    return rowCount === 0;
  }

  async #record(client: pg.PoolClient, { id, type, objectId, createdAtSeconds }: Notice, isApplied: boolean): Promise<void> {
    await client.query(
      'insert into stripe_event (id, type, object_id, outcome, created_at) values ($1, $2, $3, $4, to_timestamp($5))',
      [id, type, objectId, isApplied ? 'applied' : 'ignored', createdAtSeconds],
    );
  }
}
