import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { searchPath } from './config.ts';
import { findPgbench } from './pgbench.ts';
import { processorTimes, sum, timeOfEnded } from './processor-time.ts';

const run = promisify(execFile);
const CLIENTS = 32;
const THREADS = 2;
const DATABASE = 'bench_insert';

export interface InsertRate {
  readonly rowsPerSecond: number;
  /** Processor time of PostgreSQL and pgbench together. */
  readonly processorMsARow: number;
}

/** The control of messages: pgbench inserts single rows of a message's size, 32 clients, prepared, each row its own commit. */
export class InsertControl {
  readonly #url: URL;
  readonly #bodyBytes: number;
  readonly #server: readonly number[];
  /** `url` is the superuser's, `server` are PostgreSQL's processes; the rows go into a database of their own on the same server. */
  constructor({ url, server, bodyBytes }: { url: string; server: readonly number[]; bodyBytes: number }) {
    this.#url = new URL(url);
    this.#server = server;
    this.#bodyBytes = bodyBytes;
  }

  async prepare(): Promise<void> {
    await query(this.#url.href, `create database ${DATABASE}`);
    this.#url.pathname = `/${DATABASE}`;
    await query(
      this.#url.href,
      `create table message (id bigint generated always as identity primary key, body bytea not null);
       alter table message alter column body set storage external`,
    );
  }

  async measure(seconds: number): Promise<InsertRate> {
    const { hostname, port, username, password, pathname } = this.#url;
    const folder = mkdtempSync(join(tmpdir(), 'rialto-bench-'));
    const script = join(folder, 'insert.sql');
    writeFileSync(script, 'insert into message (body) values (:body);\n');
    const body = `body=\\x${randomBytes(this.#bodyBytes).toString('hex')}`;
    const load = [
      '-n',
      '-f',
      script,
      '-D',
      body,
      '-M',
      'prepared',
      '-c',
      String(CLIENTS),
      '-j',
      String(THREADS),
      '-T',
      String(seconds),
    ];
    const before = this.#spentMs();
    try {
      const { stdout } = await run(findPgbench(), ['-h', hostname, '-p', port, '-U', username, ...load, pathname.slice(1)], {
        env: { PATH: searchPath, PGPASSWORD: decodeURIComponent(password) },
      });
      const tps = /^tps = ([\d.]+)/m.exec(stdout)?.[1];
      const rows = /^number of transactions actually processed: (\d+)/m.exec(stdout)?.[1];
      if (tps === undefined || rows === undefined) throw new Error(`pgbench said nothing of its speed: ${stdout}`);
      return { rowsPerSecond: Number(tps), processorMsARow: (this.#spentMs() - before) / Number(rows) };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  #spentMs(): number {
    return sum(Object.values(processorTimes({ server: this.#server }))) + timeOfEnded();
  }
}

async function query(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
