import pg from 'pg';
import { DataSource, type EntitySchema } from 'typeorm';
import type { ServiceName } from '@rialto/contracts';
import type { Logger } from './log.ts';

/** Connections of one process; PostgreSQL's `max_connections` must hold the sum over all processes. */
export const POOL_CONNECTIONS = 8;
export const ENTITY_CONNECTIONS = 4;
/** Every wait for PostgreSQL ends before a call does (5 s), so that callers hear the truth from the service and not from their clock. */
export const CONNECT_TIMEOUT_MS = 2_500;
export const STATEMENT_TIMEOUT_MS = 4_000;
export const LOCK_TIMEOUT_MS = 3_000;
/** Ends the wait for a server that takes the statement and then falls silent. */
const SILENCE_TIMEOUT_MS = 4_500;
const IDLE_IN_TRANSACTION_MS = 10_000;
const MIN_POSTGRES_VERSION = 160_000;
/** Without these an acknowledged message or payment can vanish in a power cut. */
const DURABLE_SETTINGS = ['fsync', 'full_page_writes', 'synchronous_commit'] as const;

export type Settings = Readonly<Record<string, string | number>>;

/** PostgreSQL as one service sees it: its own schema, its application role. */
export class Database {
  /** For rows that are edited: entities and repositories. */
  readonly dataSource: DataSource;
  /** For rows that are appended or race: SQL. */
  readonly pool: pg.Pool;
  readonly #connect: (max: number, settings?: Settings) => pg.Pool;
  readonly #pools: pg.Pool[] = [];

  constructor(dataSource: DataSource, connect: (max: number, settings?: Settings) => pg.Pool) {
    this.dataSource = dataSource;
    this.#connect = connect;
    this.pool = this.#open(POOL_CONNECTIONS);
  }

  /** One connection of its own, for writes that must keep their order; settings such as `{ enable_seqscan: 'off' }` are its own too. */
  lane(settings: Settings = {}): pg.Pool {
    return this.#open(1, settings);
  }

  /** Connections of their own, for work that must not compete with requests. */
  ownPool(max: number, settings: Settings = {}): pg.Pool {
    return this.#open(max, settings);
  }

  /** Commits when `run` resolves, rolls back when it throws. */
  transaction<T>(run: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return inTransaction(this.pool, run);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.map((pool) => pool.end()), this.dataSource.destroy()]);
  }

  #open(max: number, settings: Settings = {}): pg.Pool {
    const pool = this.#connect(max, settings);
    this.#pools.push(pool);
    return pool;
  }
}

export async function inTransaction<T>(pool: pg.Pool, run: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await run(client);
    await client.query('commit');
    return result;
  } catch (error) {
    // A connection that cannot roll back is thrown away; PostgreSQL rolls back by itself when it ends.
    await client.query('rollback').catch((failure: unknown) => {
      broken = failure instanceof Error ? failure : new Error('rollback failed');
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

interface DatabaseOptions {
  readonly url: string;
  readonly service: ServiceName;
  readonly entities?: readonly EntitySchema[];
  readonly log: Logger;
}

/** Connects as the service's application role. Throws when the server is too old or its settings could lose what was acknowledged. */
export async function openDatabase({ url, service, entities = [], log }: DatabaseOptions): Promise<Database> {
  const limits = { statement_timeout: STATEMENT_TIMEOUT_MS, lock_timeout: LOCK_TIMEOUT_MS };
  const base = { application_name: service, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, keepAlive: true };
  const options = (settings: Settings) =>
    Object.entries({ search_path: service, idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS, ...settings })
      .map(([name, value]) => `-c ${name}=${String(value).replaceAll(' ', '\\ ')}`)
      .join(' ');
  const connect = (max: number, settings: Settings = {}) => {
    const timeouts = { ...limits, query_timeout: SILENCE_TIMEOUT_MS };
    const pool = new pg.Pool({ ...base, ...timeouts, connectionString: url, max, options: options(settings) });
    // An idle connection that PostgreSQL ended is replaced by the next query; without a listener it would end the process.
    pool.on('error', (error) => log.warn({ err: error }, 'PostgreSQL ended an idle connection'));
    // So would a connection that ends while it is taken and asks nothing just then; whoever has it hears of it from the next query.
    pool.on('connect', (client) => client.on('error', () => {}));
    return pool;
  };
  const extra = { ...base, ...limits, query_timeout: SILENCE_TIMEOUT_MS, max: ENTITY_CONNECTIONS, options: options({}) };
  const poolErrorHandler = (error: Error) => log.warn({ err: error }, 'PostgreSQL ended an idle connection');
  const dataSource = new DataSource({ type: 'postgres', url, schema: service, entities: [...entities], extra, poolErrorHandler });
  const database = new Database(dataSource, connect);
  try {
    await checkServer(database.pool);
    await dataSource.initialize();
    return database;
  } catch (error) {
    await database.pool.end();
    if (dataSource.isInitialized) await dataSource.destroy();
    throw error;
  }
}

/** Throws a sentence that says what is unsafe about the server or the role. */
export async function checkServer(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<Record<string, string>>(
    `select current_setting('server_version_num') as version, current_setting('is_superuser') as superuser,
       ${DURABLE_SETTINGS.map((name) => `current_setting('${name}') as ${name}`).join(', ')}`,
  );
  const settings = rows[0] ?? {};
  const version = Number(settings['version']);
  if (version < MIN_POSTGRES_VERSION) throw new Error(`PostgreSQL ${version} is too old: ${MIN_POSTGRES_VERSION} is the least.`);
  const off = DURABLE_SETTINGS.filter((name) => settings[name] === 'off');
  if (off.length > 0) throw new Error(`PostgreSQL may lose what it acknowledged: turn on ${off.join(', ')}.`);
  if (settings['superuser'] === 'on') throw new Error('A service must not be a superuser: use the role <service>_app.');
}
