import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { invalidRequest } from './errors.ts';
import type { Kind, Kinds } from './wire.ts';

/** One page of a list, in Stripe's terms. */
export interface Page {
  limit?: number | undefined;
  starting_after?: string | undefined;
  ending_before?: string | undefined;
}

export interface Filter {
  /** Members of the object that must have one of these values. */
  equals?: Record<string, string | readonly string[] | undefined>;
  /** Events only: whether every endpoint has taken it. */
  delivered?: boolean | undefined;
  created?: { gt?: number | undefined; gte?: number | undefined; lt?: number | undefined; lte?: number | undefined } | undefined;
}

/** The answer to a call, as kept under its idempotency key. */
export interface KeptAnswer {
  fingerprint: string;
  status: number;
  body: string;
  requestId: string;
}

const defaultPageLimit = 10;

const schema = `
  CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    json TEXT NOT NULL,
    UNIQUE (kind, id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
  CREATE INDEX IF NOT EXISTS deliveries_waiting ON objects (json_extract(json, '$.dueAtMs'))
    WHERE kind = 'delivery' AND json_extract(json, '$.state') = 'waiting';
  CREATE INDEX IF NOT EXISTS deliveries_by_event ON objects (json_extract(json, '$.event')) WHERE kind = 'delivery';
  CREATE INDEX IF NOT EXISTS sessions_open ON objects (json_extract(json, '$.expires_at'))
    WHERE kind = 'checkout.session' AND json_extract(json, '$.status') = 'open';
  CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    request_id TEXT NOT NULL,
    created INTEGER NOT NULL
  ) STRICT;
`;

/** The simulated account's whole state in one SQLite file. Calls are synchronous, so an API call is one transaction that nothing interleaves. */
export class Store {
  readonly #db: DatabaseSync;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    this.#db = new DatabaseSync(join(dataDir, 'stripe-sim.sqlite'));
    // FULL: what was acknowledged over HTTP survives a power cut, as it would at Stripe.
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    this.#db.exec(schema);
  }

  close(): void {
    this.#db.close();
  }

  /** Runs `work` wholly or not at all. */
  transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** Writes an object, new or changed. `created` is in seconds and only counts for a new one. */
  put<K extends Kind>(kind: K, object: Kinds[K], created: number): void {
    this.#db
      .prepare(
        'INSERT INTO objects (kind, id, created, json) VALUES (?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET json = excluded.json',
      )
      .run(kind, object.id, created, JSON.stringify(object));
  }

  get<K extends Kind>(kind: K, id: string): Kinds[K] | undefined {
    const row = this.#db.prepare('SELECT json FROM objects WHERE kind = ? AND id = ?').get(kind, id);
    return row === undefined ? undefined : (JSON.parse(String(row['json'])) as Kinds[K]);
  }

  /** Newest first, as Stripe lists; `ending_before` reads the page that precedes an object. */
  list<K extends Kind>(kind: K, page: Page, filter: Filter = {}): { data: Kinds[K][]; hasMore: boolean } {
    if (page.starting_after !== undefined && page.ending_before !== undefined) {
      throw invalidRequest('You may only specify one of these parameters: ending_before, starting_after.', {}, false);
    }
    const limit = page.limit ?? defaultPageLimit;
    const backwards = page.ending_before !== undefined;
    const { where, values } = this.#conditions(kind, filter);
    if (page.starting_after !== undefined) values.push(this.#sequenceOf(kind, page.starting_after, 'starting_after'));
    if (page.ending_before !== undefined) values.push(this.#sequenceOf(kind, page.ending_before, 'ending_before'));
    const cursor = backwards ? ' AND seq > ?' : page.starting_after !== undefined ? ' AND seq < ?' : '';
    const rows = this.#db
      .prepare(`SELECT json FROM objects WHERE ${where}${cursor} ORDER BY seq ${backwards ? 'ASC' : 'DESC'} LIMIT ?`)
      .all(...values, limit + 1);
    const data = rows.slice(0, limit).map((row) => JSON.parse(String(row['json'])) as Kinds[K]);
    return { data: backwards ? data.reverse() : data, hasMore: rows.length > limit };
  }

  #conditions(kind: Kind, filter: Filter): { where: string; values: (string | number)[] } {
    const where = ['kind = ?'];
    const values: (string | number)[] = [kind];
    for (const [member, wanted] of Object.entries(filter.equals ?? {})) {
      if (wanted === undefined) continue;
      // Member names come from our own calls; the assertion keeps it so.
      if (!/^[a-z_.]+$/i.test(member)) throw new Error(`not a member name: ${member}`);
      const options = typeof wanted === 'string' ? [wanted] : wanted;
      where.push(`json_extract(json, '$.${member}') IN (${options.map(() => '?').join(', ')})`);
      values.push(...options);
    }
    const operators = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;
    for (const name of ['gt', 'gte', 'lt', 'lte'] as const) {
      const bound = filter.created?.[name];
      if (bound === undefined) continue;
      where.push(`created ${operators[name]} ?`);
      values.push(bound);
    }
    if (filter.delivered !== undefined) {
      where.push(`${filter.delivered ? 'NOT ' : ''}EXISTS (
        SELECT 1 FROM objects AS d WHERE d.kind = 'delivery' AND json_extract(d.json, '$.event') = objects.id
          AND json_extract(d.json, '$.state') <> 'delivered')`);
    }
    return { where: where.join(' AND '), values };
  }

  #sequenceOf(kind: Kind, id: string, param: string): number {
    const row = this.#db.prepare('SELECT seq FROM objects WHERE kind = ? AND id = ?').get(kind, id);
    if (row === undefined) throw invalidRequest(`No such ${kind}: '${id}'`, { code: 'resource_missing', param });
    return Number(row['seq']);
  }

  /** Open sessions whose time is over. */
  expiredSessions(nowSeconds: number): Kinds['checkout.session'][] {
    return this.#db
      .prepare(
        `SELECT json FROM objects WHERE kind = 'checkout.session' AND json_extract(json, '$.status') = 'open' AND json_extract(json, '$.expires_at') <= ?`,
      )
      .all(nowSeconds)
      .map((row) => JSON.parse(String(row['json'])) as Kinds['checkout.session']);
  }

  /** Deliveries that wait, soonest first; only those due by `dueByMs`. */
  waitingDeliveries(dueByMs: number, limit: number): Kinds['delivery'][] {
    return this.#db
      .prepare(
        `SELECT json FROM objects WHERE kind = 'delivery' AND json_extract(json, '$.state') = 'waiting' AND json_extract(json, '$.dueAtMs') <= ?
         ORDER BY json_extract(json, '$.dueAtMs'), seq LIMIT ?`,
      )
      .all(dueByMs, limit)
      .map((row) => JSON.parse(String(row['json'])) as Kinds['delivery']);
  }

  /** How many endpoints have not yet taken an event. */
  pendingWebhooks(eventId: string): number {
    const row = this.#db
      .prepare(
        `SELECT count(*) AS n FROM objects WHERE kind = 'delivery' AND json_extract(json, '$.event') = ? AND json_extract(json, '$.state') <> 'delivered'`,
      )
      .get(eventId);
    return Number(row?.['n'] ?? 0);
  }

  keptAnswer(key: string, notBefore: number): KeptAnswer | undefined {
    const row = this.#db.prepare('SELECT * FROM idempotency WHERE key = ? AND created >= ?').get(key, notBefore);
    if (row === undefined) return undefined;
    return {
      fingerprint: String(row['fingerprint']),
      status: Number(row['status']),
      body: String(row['body']),
      requestId: String(row['request_id']),
    };
  }

  /** Keeps an answer; one that is older than the key's life is replaced. */
  keepAnswer(key: string, answer: KeptAnswer, created: number): void {
    this.#db
      .prepare(
        'INSERT OR REPLACE INTO idempotency (key, fingerprint, status, body, request_id, created) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(key, answer.fingerprint, answer.status, answer.body, answer.requestId, created);
  }
}
