import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { searchPath } from './config.ts';

const run = promisify(execFile);
const DEBIAN = '/usr/lib/postgresql';
const SCALE = 10;
const CLIENTS = 32;
const THREADS = 2;

/** Throws a sentence with the command that helps. */
export function findPgbench(): string {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a)) : [];
  const places = [...searchPath.split(delimiter), ...versions.map((version) => join(DEBIAN, version, 'bin'))];
  const found = places.map((place) => join(place, 'pgbench')).find((path) => existsSync(path));
  if (found === undefined) throw new Error('pgbench is missing. On Debian: apt-get install postgresql-contrib');
  return found;
}

/** PostgreSQL's own measure on the database at `url`: TPC-B-like, scale 10, 32 clients, prepared statements. */
export class Pgbench {
  readonly #program = findPgbench();
  readonly #url: URL;

  constructor(url: string) {
    this.#url = new URL(url);
  }

  /** Fills the tables; existing ones are replaced. */
  async prepare(): Promise<void> {
    await this.#run(['-i', '-q', '-s', String(SCALE)]);
  }

  /** Transactions a second. `script` replaces the built-in TPC-B-like one by a file of SQL. */
  async measure(seconds: number, { script }: { script?: string } = {}): Promise<number> {
    const own = script === undefined ? [] : ['-n', '-f', script];
    const output = await this.#run([
      ...own,
      '-c',
      String(CLIENTS),
      '-j',
      String(THREADS),
      '-M',
      'prepared',
      '-T',
      String(seconds),
    ]);
    const tps = /^tps = ([\d.]+)/m.exec(output)?.[1];
    if (tps === undefined) throw new Error(`pgbench said nothing of its speed: ${output}`);
    return Number(tps);
  }

  async #run(args: readonly string[]): Promise<string> {
    const { hostname, port, username, password, pathname } = this.#url;
    const env = { PATH: searchPath, PGPASSWORD: decodeURIComponent(password) };
    const { stdout } = await run(this.#program, ['-h', hostname, '-p', port, '-U', username, ...args, pathname.slice(1)], {
      env,
    });
    return stdout;
  }
}
