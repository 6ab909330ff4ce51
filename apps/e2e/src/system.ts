import fs from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { systemFile } from './config.ts';
import { ask } from './http.ts';

const READY_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 100;
/** Rows that come and go by themselves: due work, and nonces of sessions that were opened before. */
const VOLATILE = new Set(['work', 'used_nonce']);

export const SERVICES = ['identity', 'messaging', 'calls', 'payments'] as const;

interface State {
  readonly url: string;
  readonly gatewayUrls: readonly string[];
  readonly postgresUrl: string;
  readonly natsUrl: string;
  readonly dataDir: string;
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
}
/** The secrets of this installation. Only a test of a stolen one may look at them. */
export interface Secrets {
  readonly tokenKey: { readonly seed: string; readonly publicKey: string };
  readonly [name: `nats_${string}`]: { readonly seed: string; readonly publicKey: string };
  readonly ledgerId: string;
  readonly stripeWebhook: string;
}
/** How many rows a table has, and a hash over all of them. */
export type Fingerprint = ReadonlyMap<string, string>;

/** The whole system under test, seen from outside: its addresses, its processes, its database and its logs. */
export class System {
  readonly admin: pg.Pool;
  readonly #stateFile: string | undefined;

  /** `stateFile` says what runs where; the runner of the tests names it, and whoever started a system of its own knows it. */
  constructor(stateFile: string | undefined = systemFile) {
    this.#stateFile = stateFile;
    this.admin = new pg.Pool({ connectionString: this.state.postgresUrl, max: 3, application_name: 'e2e' });
    this.admin.on('error', () => {}); // A test stops the server on purpose; whoever queries then hears of it.
  }

  /** Read anew each time: a process that was killed has another number now. */
  get state(): State {
    if (this.#stateFile === undefined) throw new Error('RIALTO_E2E_SYSTEM names no system: run `npm test -- end-to-end`.');
    return JSON.parse(fs.readFileSync(this.#stateFile, 'utf8')) as State;
  }
  get url(): string {
    return this.state.url;
  }
  /** The address of one of the gateways. */
  gateway(index: number): string {
    const { gatewayUrls } = this.state;
    const url = gatewayUrls[index % gatewayUrls.length];
    if (url === undefined) throw new Error('no gateway runs');
    return url;
  }
  get secrets(): Secrets {
    return JSON.parse(fs.readFileSync(path.join(this.state.dataDir, 'secrets.json'), 'utf8')) as Secrets;
  }
  get natsConfigFile(): string {
    return path.join(this.state.dataDir, 'nats.conf');
  }
  pidOf(name: string): number {
    const found = this.state.processes.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no process is called ${name}`);
    return found.pid;
  }
  signal(name: string, signal: NodeJS.Signals): void {
    process.kill(this.pidOf(name), signal);
  }

  /** Resolves when every gateway says that every service answers. */
  async whenReady(withinMs = READY_WITHIN_MS): Promise<void> {
    const isReady = async (url: string) =>
      ask(url, { path: '/health/ready', timeoutMs: 3_000 }).then(
        ({ status }) => status === 200,
        () => false,
      );
    const end = Date.now() + withinMs;
    while (!(await Promise.all(this.state.gatewayUrls.map(isReady))).every(Boolean)) {
      if (Date.now() > end) throw new Error(`the system was not ready again after ${withinMs} ms`);
      await pause(LOOK_EVERY_MS);
    }
  }

  /** Every table of every service, as `schema.table`. */
  async tables(): Promise<string[]> {
    const { rows } = await this.admin.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = any ($1) order by 1`,
      [SERVICES],
    );
    return rows.map(({ name }) => name);
  }

  /** What the database holds, to compare before and after. What changes by itself is left out. */
  async fingerprint(): Promise<Fingerprint> {
    const tables = (await this.tables()).filter((name) => !VOLATILE.has(name.split('.')[1] ?? ''));
    const query = (name: string) =>
      `select '${name}' as name, count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') as print from ${name} t`;
    const { rows } = await this.admin.query<{ name: string; print: string }>(tables.map(query).join(' union all '));
    return new Map(rows.map(({ name, print }) => [name, print]));
  }

  /** Where the logs end now. */
  logMark(): ReadonlyMap<string, number> {
    return new Map(this.#logFiles().map((file) => [file, fs.statSync(file).size]));
  }
  /** What the logs say since a mark, by process. */
  logsSince(mark: ReadonlyMap<string, number>): { readonly process: string; readonly line: string }[] {
    return this.#logFiles().flatMap((file) => {
      const text = fs
        .readFileSync(file)
        .subarray(mark.get(file) ?? 0)
        .toString('utf8');
      const lines = text.split('\n').filter((line) => line !== '');
      return lines.map((line) => ({ process: path.basename(file, '.log'), line }));
    });
  }
  /** Lines of our own processes at level error or fatal, and whatever is no line of the log at all, such as an exception's trace. */
  errorsSince(mark: ReadonlyMap<string, number>): string[] {
    const isOurs = ({ process }: { process: string }) => !['nats', 'postgres', 'turn', 'stripe-sim'].includes(process);
    const isBad = (line: string) => !line.startsWith('{') || /^\{"level":[5-9]\d/.test(line);
    return this.logsSince(mark)
      .filter((one) => isOurs(one) && isBad(one.line))
      .map(({ process, line }) => `${process}: ${line.slice(0, 1_000)}`);
  }
  get logsDir(): string {
    return path.join(this.state.dataDir, 'logs');
  }
  #logFiles(): string[] {
    return fs
      .readdirSync(this.logsDir)
      .filter((name) => name.endsWith('.log'))
      .map((name) => path.join(this.logsDir, name));
  }

  async close(): Promise<void> {
    await this.admin.end();
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again and again until the answer is not undefined. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  withinMs = 10_000,
  everyMs = 20,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${withinMs} ms`);
    await pause(everyMs);
  }
}

/** Runs over all items with at most `atOnce` under way. */
export async function each<T>(items: Iterable<T>, atOnce: number, run: (item: T, index: number) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let index = 0;
  const lane = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await run(next.value, index++);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
