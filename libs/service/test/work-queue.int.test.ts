import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { logger, openDatabase, WorkQueue, type Database } from '../src/index.ts';
import { createTestDatabase, startTestNats, testTokenKeys, type TestDatabase, type TestNats } from '../src/testing/index.ts';
import { probeTables } from './probe-service.ts';

const log = logger('test', 'silent');
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const FRESH = { kind: 'count', payload: {} };

let test1: TestDatabase;
let nats: TestNats;
let database: Database;
beforeAll(async () => {
  [test1, nats] = await Promise.all([createTestDatabase([probeTables]), startTestNats()]);
  database = await openDatabase({ url: test1.url('payments'), service: 'payments', log });
}, 60_000);
afterAll(async () => {
  await database.close();
  await nats.stop();
  await test1.drop();
});
afterEach(() => test1.admin.query('delete from payments.work; delete from payments.probe'));

async function until(check: () => Promise<boolean>, limitMs = 15_000): Promise<void> {
  for (const end = Date.now() + limitMs; !(await check()); await pause(25))
    if (Date.now() > end) throw new Error('it did not happen');
}
const count = async (sql: string) =>
  Number((await test1.admin.query<{ count: string }>(`select count(*) from ${sql}`)).rows[0]?.count);

test('work that a transaction adds is done once it commits, and not when it does not', async () => {
  const work = new WorkQueue(database, log);
  const done: string[] = [];
  work.handle<{ name: string }>('count', async ({ name }) => void done.push(name));
  work.start();
  const add = (name: string, fails: boolean) =>
    database.transaction(async (client) => {
      expect(await work.add(client, { kind: 'count', key: name, payload: { name } })).toBe(true);
      expect(await work.add(client, { kind: 'count', key: name, payload: { name } })).toBe(false);
      if (fails) throw new Error('no');
    });
  await add('kept', false);
  await add('lost', true).catch(() => {});
  await until(async () => done.length > 0);
  await pause(300);
  expect(done).toEqual(['kept']);
  expect(await count('payments.work')).toBe(0);
  await work.stop();
});

test('work waits until it is due, can be withdrawn, and is repeated until it succeeds', async () => {
  const work = new WorkQueue(database, log);
  const attempts: number[] = [];
  work.handle('count', async (_payload, { attempt, client }) => {
    attempts.push(attempt);
    await client.query(`insert into probe values ('x', 1) on conflict (id) do update set times = probe.times + 1`);
    if (attempt < 3) throw new Error('not yet');
  });
  work.start();
  await work.add(database.pool, { ...FRESH, key: 'later', dueInMs: 600_000 });
  await work.add(database.pool, { ...FRESH, key: 'withdrawn', dueInMs: 300 });
  expect(await work.cancel(database.pool, 'count', 'withdrawn')).toBe(true);
  expect(await work.cancel(database.pool, 'count', 'withdrawn')).toBe(false);
  const addedAt = Date.now();
  await work.add(database.pool, { ...FRESH, key: 'soon', dueInMs: 400 });
  await until(async () => attempts.length === 1);
  expect(Date.now() - addedAt).toBeGreaterThanOrEqual(390);
  await until(async () => attempts.length === 3);
  await until(async () => (await count('payments.work')) === 1);
  expect(attempts).toEqual([1, 2, 3]);
  expect((await test1.admin.query('select times from payments.probe')).rows).toEqual([{ times: 1 }]); // Failed attempts left nothing.
  await work.stop();
});

test('kill -9 in the middle: every effect happens exactly once', async () => {
  const ITEMS = 60;
  const env = {
    PATH: process.env['PATH'] ?? '',
    RIALTO_NATS_URL: nats.url,
    RIALTO_NATS_SEED: nats.seedOf('payments'),
    RIALTO_DATABASE_URL: test1.url('payments'),
    RIALTO_TOKEN_PUBLIC_KEY: testTokenKeys.publicKey,
    RIALTO_LOG_LEVEL: 'fatal',
    PROBE_WORK: '150',
  };
  const start = () => spawn(process.execPath, [join(import.meta.dirname, 'probe-main.ts')], { env, stdio: 'inherit' });
  const work = new WorkQueue(database, log);
  for (let index = 0; index < ITEMS; index++)
    await work.add(database.pool, { kind: 'count', key: String(index), payload: { id: String(index) } });
  // Each process is killed while it holds items that it has begun; the last one finishes.
  for (const doneBefore of [5, 20, 35]) {
    const victim = start();
    await until(async () => (await count('payments.probe')) >= doneBefore, 30_000);
    victim.kill('SIGKILL');
    await once(victim, 'exit');
    expect(await count('payments.work')).toBeGreaterThan(0);
  }
  const last = start();
  await until(async () => (await count('payments.work')) === 0, 30_000);
  last.kill('SIGTERM');
  expect(await once(last, 'exit')).toEqual([0, null]);
  expect(await count('payments.probe where times = 1')).toBe(ITEMS);
}, 90_000);
