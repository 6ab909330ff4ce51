import { MESSAGE_RETENTION_DAYS } from '@rialto/contracts';
import type { Database, WorkQueue } from '@rialto/service';
import type { Pool } from 'pg';

const KIND = 'retention';
const KEY = 'sweep';
const NEXT_STEP_MS = 500;
const NEXT_SWEEP_MS = 60_000;
/** Conversations looked at in one step, and rows deleted in it: a step stays within tens of milliseconds. */
const MAX_CONVERSATIONS_PER_STEP = 500;
const MAX_ROWS_PER_STEP = 2_000;
/** Rows that every device has stay for this long, so that a retry that was long under way finds its first number. */
export const KEPT_AT_LEAST_MINUTES = 60;

interface Sweep {
  /** Conversations up to this id have been looked at. */
  readonly after?: string;
}

/**
 * Deletes rows that all devices of the group have acknowledged, or that are older than the retention time, commits like messages. It
 * walks through the conversations in id order, a bounded number at each step, as one item of the work queue that follows itself.
 */
export class Retention {
  readonly #database: Database;
  readonly #work: WorkQueue;
  constructor({ database, work }: { database: Database; work: WorkQueue }) {
    this.#database = database;
    this.#work = work;
  }

  async start(): Promise<void> {
    this.#work.handle<Sweep>(KIND, async ({ after }, { client }) => {
      // Outside the item's transaction: each statement lets go of its rows at once, and doing one twice does no harm.
      const next = await sweepStep(this.#database.pool, after ?? '');
      await this.#work.cancel(client, KIND, KEY); // this very item, so that its successor can take the key
      const dueInMs = next === undefined ? NEXT_SWEEP_MS : NEXT_STEP_MS;
      await this.#work.add(client, { kind: KIND, key: KEY, dueInMs, payload: next === undefined ? {} : { after: next } });
    });
    await this.#work.add(this.#database.pool, { kind: KIND, key: KEY, dueInMs: NEXT_SWEEP_MS, payload: {} });
  }
}

/** Looks at the next conversations after an id. Returns the id to go on from; undefined when the walk is over. */
export async function sweepStep(pool: Pool, after: string): Promise<string | undefined> {
  const ids = await nextConversations(pool, after);
  if (ids.length === 0) return undefined;
  await raiseFirstSeq(pool, ids);
  const deleted = await deleteBelowFirstSeq(pool, ids);
  if (deleted === MAX_ROWS_PER_STEP) return after; // there may be more in these
  return ids.length < MAX_CONVERSATIONS_PER_STEP ? undefined : ids.at(-1);
}

async function nextConversations(pool: Pool, after: string): Promise<string[]> {
  const { rows } = await pool.query<{ conversation_id: string }>(
    'select conversation_id from conversation where conversation_id > $1 order by conversation_id limit $2',
    [after, MAX_CONVERSATIONS_PER_STEP],
  );
  return rows.map(({ conversation_id }) => conversation_id);
}

/** `first_seq` rises before the rows go, so that whoever reads in between is told that they are gone. Busy conversations wait for the next sweep. */
async function raiseFirstSeq(pool: Pool, ids: readonly string[]): Promise<void> {
  await pool.query(
    `with due as (
       select c.conversation_id, coalesce(kept.seq, c.last_seq + 1) as first_seq
       from conversation c
       cross join lateral (select coalesce(min(acknowledged), 0) as everybody from device_cursor d where d.conversation_id = c.conversation_id) has
       left join lateral (
         select m.seq from message m where m.conversation_id = c.conversation_id and m.seq >= c.first_seq
           and m.at > now() - $2 * interval '1 day'
           and (m.seq > has.everybody or m.at > now() - $3 * interval '1 minute')
         order by m.seq limit 1) kept on true
       where c.conversation_id = any ($1) and c.first_seq <= c.last_seq
       order by c.conversation_id for no key update of c skip locked)
     update conversation c set first_seq = due.first_seq from due where c.conversation_id = due.conversation_id and due.first_seq > c.first_seq`,
    [ids, MESSAGE_RETENTION_DAYS, KEPT_AT_LEAST_MINUTES],
  );
}

async function deleteBelowFirstSeq(pool: Pool, ids: readonly string[]): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from message where (conversation_id, seq) in (
       select m.conversation_id, m.seq from conversation c join message m on m.conversation_id = c.conversation_id and m.seq < c.first_seq
       where c.conversation_id = any ($1) limit $2)`,
    [ids, MAX_ROWS_PER_STEP],
  );
  return rowCount ?? 0;
}
