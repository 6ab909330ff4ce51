import type { Database, WorkQueue } from '@rialto/service';
import type { Pool, PoolClient } from 'pg';

const KIND = 'forget';
const KEY = 'all';
const EVERY_MS = 60_000;
/** When a run filled its batch there is more, so the next one follows soon. */
const AGAIN_MS = 1_000;
const MAX_ROWS_PER_RUN = 5_000;

/** What is forgotten, and when. Spent packages stay longer than the packages themselves are valid. */
const FORGOTTEN = [
  { table: 'used_nonce', when: 'expires_at < now()' },
  { table: 'key_package_claim', when: "claimed_at < now() - interval '1 day'" },
  { table: 'key_package', when: 'not_after < now()' },
  { table: 'spent_key_package', when: "spent_at < now() - interval '100 days'" },
] as const;

/** Deletes what has served its time, a bounded number of rows at once. One row of the work queue, which follows itself. */
export class Housekeeping {
  readonly #database: Database;
  readonly #work: WorkQueue;
  constructor({ database, work }: { database: Database; work: WorkQueue }) {
    this.#database = database;
    this.#work = work;
  }

  async start(): Promise<void> {
    this.#work.handle(KIND, async (_payload, { client }) => {
      const mayBeMore = await forget(client);
      await this.#work.cancel(client, KIND, KEY); // this very item, so that its successor can take the key
      await this.#work.add(client, { kind: KIND, key: KEY, dueInMs: mayBeMore ? AGAIN_MS : EVERY_MS, payload: {} });
    });
    await this.#work.add(this.#database.pool, { kind: KIND, key: KEY, dueInMs: EVERY_MS, payload: {} });
  }
}

/** Deletes one batch of each table. Whether one was full, so that more may be left. */
export async function forget(on: Pool | PoolClient): Promise<boolean> {
  let isFull = false;
  for (const { table, when } of FORGOTTEN) {
    const { rowCount } = await on.query(
      `delete from ${table} where ctid = any (array(select ctid from ${table} where ${when} limit ${MAX_ROWS_PER_RUN}))`,
    );
    if (rowCount === MAX_ROWS_PER_RUN) isFull = true;
  }
  return isFull;
}
