import pg from 'pg';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '@rialto/engines';
import { logger, migrate, openDatabase } from '../src/index.ts';
import { inDatabase } from '../src/migrate.ts';
import { createTestDatabase, startTestNats, startTestService, type TestDatabase } from '../src/testing/index.ts';
import { probeService, probeTables } from './probe-service.ts';

const log = logger('test', 'silent');
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase([probeTables, { name: 'calls', migrationsDir: 'none' }]);
}, 60_000);
afterAll(() => database.drop());

const temporaryDir = () => mkdtempSync(join(tmpdir(), 'rialto-test-'));

test('three migrators at once run everything once; the next file is run by the next', async () => {
  const adminUrl = inDatabase(database.adminUrl, `rialto_test_migrators_${process.pid}`);
  const migrationsDir = temporaryDir();
  writeFileSync(join(migrationsDir, '0001-first.sql'), 'create table first (id int); grant select on first to identity_app;');
  const run = () => migrate({ adminUrl, services: [{ name: 'identity', migrationsDir, appPassword: 'for-tests-only' }] });
  const ran = (await Promise.all([run(), run(), run()])).flat().map((name) => name.replace(/-\d+$/, ''));
  expect(ran.sort()).toEqual(['identity/0001-first', 'identity/service-0001-work']);
  writeFileSync(join(migrationsDir, '0002-second.sql'), 'alter table first add column more int;');
  writeFileSync(join(migrationsDir, '0003-broken.sql'), 'create table third (id int); create table third (id int);');
  await expect(run()).rejects.toThrow(/third/);
  writeFileSync(join(migrationsDir, '0003-broken.sql'), 'create table third (id int);');
  expect((await run()).map((name) => name.replace(/-\d+$/, ''))).toEqual(['identity/0003-broken']); // The second was kept, half a third was not.
  writeFileSync(join(migrationsDir, 'Fourth.sql'), '');
  await expect(run()).rejects.toThrow(/NNNN-title/);
  const admin = new pg.Client({ connectionString: database.adminUrl });
  await admin.connect();
  await admin.query(`drop database rialto_test_migrators_${process.pid} with (force)`);
  await admin.end();
});

test('a service reaches its own schema, by its grants, and no other', async () => {
  const mine = await openDatabase({ url: database.url('payments'), service: 'payments', log });
  await mine.pool.query(`insert into probe values ('a')`);
  expect((await mine.lane({ enable_seqscan: 'off' }).query('show enable_seqscan')).rows).toEqual([{ enable_seqscan: 'off' }]);
  for (const sql of [
    'select from calls.work',
    'create table x ()',
    'drop table probe',
    'create table public.x ()',
    'alter table probe add x int',
    'insert into migration values (1)',
    'set role payments_owner',
  ]) {
    await expect(mine.pool.query(sql)).rejects.toThrow(/permission denied|must be owner/);
  }
  expect(await mine.dataSource.query('select id from probe')).toEqual([{ id: 'a' }]);
  await expect(
    mine.transaction(async (client) => {
      await client.query('delete from probe');
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  expect((await mine.pool.query('select from probe')).rowCount).toBe(1);
  await mine.close();
});

test('a service does not start before its migrations have run', async () => {
  const nats = await startTestNats();
  const migrationsDir = temporaryDir();
  writeFileSync(join(migrationsDir, '0001-probe.sql'), '');
  writeFileSync(join(migrationsDir, '0002-newer.sql'), '');
  await expect(startTestService({ ...probeService, migrationsDir }, { database, nats })).rejects.toThrow(/lacks 0002-newer/);
  await nats.stop();
});

test('the superuser is refused', async () => {
  await expect(openDatabase({ url: database.adminUrl, service: 'payments', log })).rejects.toThrow(/superuser/);
});

test('settings that could lose what was acknowledged are refused', async () => {
  await database.admin.query(
    `alter role calls_app in database ${new URL(database.adminUrl).pathname.slice(1)} set synchronous_commit = off`,
  );
  await expect(openDatabase({ url: database.url('calls'), service: 'calls', log })).rejects.toThrow(/synchronous_commit/);
  const dir = temporaryDir();
  chmodSync(dir, 0o711);
  const unsafe = await startPostgres({ dataDir: join(dir, 'data'), settings: { fsync: 'off', full_page_writes: 'off' } });
  try {
    await migrate({
      adminUrl: inDatabase(unsafe.url, 'rialto'),
      services: [{ name: 'calls', migrationsDir: 'none', appPassword: 'x' }],
    });
    const url = new URL(inDatabase(unsafe.url, 'rialto'));
    [url.username, url.password] = ['calls_app', 'x'];
    await expect(openDatabase({ url: url.href, service: 'calls', log })).rejects.toThrow(/fsync, full_page_writes/);
  } finally {
    await unsafe.stop();
  }
}, 30_000);

test('a connection that ends in the middle of a transaction fails that transaction, and not the process', async () => {
  const mine = await openDatabase({ url: database.url('payments'), service: 'payments', log });
  const end = async ({ pid }: { pid: number }) => {
    await database.admin.query('select pg_terminate_backend($1)', [pid]);
    // The transaction asks nothing while its connection ends, so nothing of its own hears of it.
    await new Promise((resolve) => setTimeout(resolve, 100));
  };
  const cut = mine.transaction(async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    await end(rows[0] ?? { pid: 0 });
    await client.query(`insert into probe values ('lost')`);
  });
  await expect(cut).rejects.toThrow(/terminat|not queryable|closed/i);
  expect((await mine.pool.query(`select from probe where id = 'lost'`)).rowCount).toBe(0);
  await mine.close();
});
