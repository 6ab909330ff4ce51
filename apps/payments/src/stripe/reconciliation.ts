import { AppError } from '@rialto/contracts';
import { type Database, type Logger, storageFailure, type WorkQueue } from '@rialto/service';
import type { TopUpRow, TopUps } from '../top-ups.ts';
import { Books } from './books.ts';
import type { Notices } from './notices.ts';
import type { Processor } from './processor.ts';

const RECONCILE = 'reconcile';
const HOUR_MS = 3_600_000;
/** How far back events and books are read again: further than an hourly run and an outage need; Stripe keeps events for 30 days. */
const LOOKS_BACK_MS = 3 * 24 * HOUR_MS;
const MAX_OPEN_TOP_UPS = 2_000;

interface Dependencies {
  readonly database: Pick<Database, 'pool'>;
  readonly processor: Processor;
  readonly topUps: TopUps;
  readonly notices: Notices;
  readonly work: WorkQueue;
  readonly log: Logger;
}

/**
 * Heals what webhooks missed: at the start and every hour, one replica asks Stripe for the events and for every checkout that is still open, and
 * compares the books.
 */
export class Reconciliation {
  readonly #with: Dependencies;
  readonly #books: Books;

  constructor(dependencies: Dependencies) {
    this.#with = dependencies;
    this.#books = new Books(dependencies);
    dependencies.work.handle(RECONCILE, async ({ hour = 0 }: { hour?: number }, { client }) => {
      // First, and in the same transaction: a run that fails is tried again, and the chain of runs never breaks. A run that our clock thinks
      // too early must not plan itself, or the plan would be deleted with it.
      const next = Math.max(hour, Math.floor(Date.now() / HOUR_MS)) + 1;
      const dueInMs = next * HOUR_MS - Date.now();
      await dependencies.work.add(client, { kind: RECONCILE, key: `hour-${next}`, dueInMs, payload: { hour: next } });
      await this.run();
    });
  }

  /** Plans the first run for now. Replicas that start together plan the same one. */
  async start(): Promise<void> {
    await this.#with.work.add(this.#with.database.pool, { kind: RECONCILE, key: 'start' });
  }

  async run(): Promise<void> {
    const { database, processor, topUps, notices, log } = this.#with;
    const from = new Date(Date.now() - LOOKS_BACK_MS);
    const events = await processor.listNotices(from);
    for (const notice of events) await this.#goOnAfter({ event: notice.id }, notices.take(notice));
    const { rows } = await database.pool.query<TopUpRow>(
      `select * from top_up where state in ('creating', 'open') order by created_at limit $1`,
      [MAX_OPEN_TOP_UPS],
    );
    if (rows.length === MAX_OPEN_TOP_UPS)
      log.error({ limit: MAX_OPEN_TOP_UPS }, 'more top-ups are open than are looked at; the newest were left out');
    for (const row of rows) await this.#goOnAfter({ topUp: row.id }, topUps.refresh(row));
    const movements = await this.#compareBooks(from);
    log.info({ events: events.length, openTopUps: rows.length, movements }, 'reconciled with the processor');
  }

  /** After what events and checkouts tell: what is still missing then was not told. */
  async #compareBooks(from: Date): Promise<number> {
    const { processor } = this.#with;
    const movements = await processor.listMovements(from);
    for (const movement of movements) await this.#goOnAfter({ movement: movement.id }, this.#books.compare(movement));
    for (const row of await this.#books.findUnseenCredits(movements, from))
      await this.#goOnAfter({ topUp: row.id }, this.#books.judgeUnseenCredit(row));
    return movements.length;
  }

  /** One that can never be settled must not keep the others from it. What is away, though, is away for all: then the run is tried again. */
  async #goOnAfter(about: object, step: Promise<void>): Promise<void> {
    try {
      await step;
    } catch (error) {
      const known = storageFailure(error) ?? error;
      if (known instanceof AppError && known.retryable && known.code !== 'internal') throw error;
      this.#with.log.error({ ...about, err: error }, 'reconciliation cannot settle this; somebody must look at it');
    }
  }
}
