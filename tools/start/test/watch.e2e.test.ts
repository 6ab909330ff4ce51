import { chmodSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '@rialto/engines';
import { startSystem, type System } from '@rialto/start';

/** What `npm start -- --watch` does to a running system when a file has changed; the change itself is played, the repository stays as it is. */
type Apply = (system: System, places: Set<string>, say: (line: string) => void) => Promise<void>;

const READY_MS = 30_000;
let dir: string;
let system: System;
let applyChanges: Apply;
const said: string[] = [];
const say = (line: string) => void said.push(line);

beforeAll(async () => {
  const file = '../src/watch.mjs'; // Plain JavaScript without types of its own.
  ({ applyChanges } = (await import(file)) as { applyChanges: Apply });
  dir = mkdtempSync(join(tmpdir(), 'rialto-watch-'));
  chmodSync(dir, 0o711);
  system = await startSystem({ port: await freePort(), dataDir: join(dir, 'data'), web: false, say });
});
afterAll(async () => {
  await system?.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + READY_MS; Date.now() < end && !(await check());) await sleep(50);
  expect(await check()).toBe(true);
}
const isReady = async () => (await fetch(`${system.url}/health/ready`).catch(() => undefined))?.status === 200;

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: system.postgresUrl });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('a changed migration lets the migrator run, and its service start again', async () => {
  const before = system.services.map(({ name, pid }) => ({ name, pid }));
  await query('revoke usage on schema calls from calls_app'); // Which the migrator grants whenever it runs.
  await applyChanges(system, new Set(['apps/calls/migrations/0099-more.sql']), say);
  expect(await query(`select has_schema_privilege('calls_app', 'calls', 'usage') as granted`)).toEqual([{ granted: true }]);
  const others = before.filter(({ name }) => name !== 'calls');
  expect(system.services.filter(({ name }) => name !== 'calls')).toMatchObject(others);
  expect(system.services.find(({ name }) => name === 'calls')?.pid).not.toBe(before.find(({ name }) => name === 'calls')?.pid);
  await until(isReady);
});

test('changed contracts reach NATS, which does not stop for it', async () => {
  const config = join(dir, 'data', 'nats.conf');
  const natsPid = system.engines.find(({ name }) => name === 'nats')?.pid;
  const right = readFileSync(config, 'utf8');
  // As if made from older contracts: what the gateway may publish is missing.
  writeFileSync(config, right.replaceAll('rpc.gateway.messaging.', 'rpc.gateway.older.'));
  utimesSync(config, new Date(0), new Date(0));
  await applyChanges(system, new Set(['libs/service/src/subjects.ts']), say);
  expect(readFileSync(config, 'utf8')).toBe(right);
  await until(() => readFileSync(join(system.logsDir, 'nats.log'), 'utf8').includes('Reloaded server configuration'));
  expect(system.engines.find(({ name }) => name === 'nats')?.pid).toBe(natsPid);
  await until(isReady);
});
