import type pg from 'pg';
import { inTransaction, type Database } from './database.ts';
import type { Logger } from './log.ts';

const WORK_CONNECTIONS = 3;
const POLL_EVERY_MS = 200;
/** An item may wait for an outside system for this long inside its transaction. */
const WORK_TIMEOUT_MS = 60_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 300_000;
const STOP_LIMIT_MS = 5_000;

export interface WorkItem {
  readonly kind: string;
  /** Unique within the kind: adding the same work twice is adding it once. */
  readonly key: string;
  readonly dueInMs?: number;
  /** JSON, for our own eyes: ids, never what people wrote. */
  readonly payload?: unknown;
}
export interface WorkContext {
  /** 1 for the first time. */
  readonly attempt: number;
  /** The transaction in which the item is deleted: effects made through it happen exactly once. */
  readonly client: pg.PoolClient;
}
export type WorkHandler = (payload: never, context: WorkContext) => Promise<void>;

type Queryable = Pick<pg.Pool | pg.PoolClient, 'query'>;
interface Row {
  id: string;
  kind: string;
  key: string;
  payload: unknown;
  attempts: number;
}

/**
 * Work that must be done later or again until it succeeds: one table, taken with FOR UPDATE SKIP LOCKED by any replica, due by
 * PostgreSQL's clock. A process that dies in the middle leaves its item to the others, untouched.
 */
export class WorkQueue {
  readonly #pool: pg.Pool;
  readonly #log: Logger;
  readonly #handlers = new Map<string, WorkHandler>();
  readonly #running = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = true;
  #isFailing = false;

  constructor(database: Database, log: Logger) {
    const settings = { idle_in_transaction_session_timeout: WORK_TIMEOUT_MS };
    this.#pool = database.ownPool(WORK_CONNECTIONS, settings);
    this.#log = log;
  }

  /** Says who does work of a kind. One handler a kind; call it in `build`. The item is done when the handler resolves. */
  handle<P>(kind: string, handler: (payload: P, context: WorkContext) => Promise<void>): void {
    if (this.#handlers.has(kind)) throw new Error(`Two handlers for work of kind ${kind}.`);
    this.#handlers.set(kind, handler as unknown as WorkHandler);
  }

  /** Adds work inside the caller's transaction; false when this kind and key wait already. */
  async add(on: Queryable, { kind, key, dueInMs = 0, payload = {} }: WorkItem): Promise<boolean> {
    const { rowCount } = await on.query(
      `insert into work (kind, key, payload, due_at) values ($1, $2, $3, now() + $4 * interval '1 millisecond')
       on conflict (kind, key) do nothing`,
      [kind, key, JSON.stringify(payload), dueInMs],
    );
    if (dueInMs === 0) this.#wakeSoon();
    return rowCount === 1;
  }

  /** Withdraws work; false when there was none. Waits for whoever is doing it just now. */
  async cancel(on: Queryable, kind: string, key: string): Promise<boolean> {
    const { rowCount } = await on.query('delete from work where kind = $1 and key = $2', [kind, key]);
    return rowCount === 1;
  }

  start(): void {
    this.#isStopped = false;
    this.#schedule(0);
  }

  /** Takes nothing new and waits for what is being done, within a limit. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, STOP_LIMIT_MS)));
    await Promise.race([Promise.all(this.#running), limit]);
    clearTimeout(timer);
  }

  /** The caller's transaction commits a moment after `add`; the poll finds it at the latest. */
  #wakeSoon(): void {
    const SOON_MS = 10;
    if (!this.#isStopped) this.#schedule(SOON_MS);
  }

  #schedule(inMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#startWorker();
      if (!this.#isStopped) this.#schedule(POLL_EVERY_MS);
    }, inMs);
  }

  #startWorker(): void {
    if (this.#isStopped || this.#running.size >= WORK_CONNECTIONS || this.#handlers.size === 0) return;
    const worker = this.#work().finally(() => this.#running.delete(worker));
    this.#running.add(worker);
  }

  async #work(): Promise<void> {
    try {
      while (!this.#isStopped && (await this.#takeOne())) this.#startWorker(); // There may be more: call for help.
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#log.warn({ err: error }, 'the work queue cannot be read; trying again');
      this.#isFailing = true;
    }
  }

  /** False when nothing is due. */
  async #takeOne(): Promise<boolean> {
    let taken: Row | undefined;
    try {
      await inTransaction(this.#pool, async (client) => {
        taken = await take(client, [...this.#handlers.keys()]);
        if (taken === undefined) return;
        const handler = this.#handlers.get(taken.kind) as WorkHandler;
        await handler(taken.payload as never, { attempt: taken.attempts + 1, client });
        await client.query({ name: 'work-done', text: 'delete from work where id = $1', values: [taken.id] });
      });
    } catch (error) {
      if (taken === undefined) throw error;
      this.#log.warn(
        { err: error, kind: taken.kind, key: taken.key, attempt: taken.attempts + 1 },
        'work failed; it will be done again',
      );
      await this.#postpone(taken);
    }
    return taken !== undefined;
  }

  async #postpone({ id, attempts }: Row): Promise<void> {
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** attempts, MAX_RETRY_MS) * (0.75 + Math.random() / 2);
    const text = `update work set attempts = attempts + 1, due_at = now() + $2 * interval '1 millisecond' where id = $1`;
    await this.#pool.query(text, [id, delayMs]);
  }
}

const TAKE = `select id, kind, key, payload, attempts from work where kind = any ($1) and due_at <= now()
  order by due_at limit 1 for update skip locked`;

async function take(client: pg.PoolClient, kinds: readonly string[]): Promise<Row | undefined> {
  const { rows } = await client.query<Row>({ name: 'work-take', text: TAKE, values: [kinds] });
  return rows[0];
}
