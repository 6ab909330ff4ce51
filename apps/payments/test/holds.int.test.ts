import { randomBytes } from 'node:crypto';
import { logger, WorkQueue, openDatabase, type Database } from '@rialto/service';
import { createTestDatabase, type TestDatabase } from '@rialto/service/testing';
import { Holds, MAX_HOLD_LIFETIME_MS } from '../src/holds.ts';
import { Ledger, type Posting } from '../src/ledger.ts';
import { codeOf, fund, until } from './world.ts';

const LIVES_MS = 60_000;

let test_: TestDatabase;
let database: Database;
let work: WorkQueue;
let ledger: Ledger;
let holds: Holds;
let ana: string;
let ben: string;
beforeAll(async () => {
  const log = logger('payments', 'silent');
  test_ = await createTestDatabase(['payments']);
  database = await openDatabase({ url: test_.url('payments'), service: 'payments', log });
  work = new WorkQueue(database, log);
  ledger = new Ledger(database.pool, [database.lane(), database.lane()]);
  holds = new Holds({ database, ledger, work });
  work.start();
}, 60_000);
afterAll(async () => {
  await work.stop();
  await database.close();
  await test_.drop();
});
beforeEach(async () => {
  [ana, ben] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')];
  await fund(test_, ana, 1_000n, 'EUR');
});

const posting = (change: Partial<Posting> = {}): Posting => ({
  scope: ana,
  key: `int_${randomBytes(16).toString('base64url')}`,
  debit: ana,
  credit: ben,
  currency: 'EUR',
  amountMinor: 600n,
  kind: 'transfer',
  intent: { signed: randomBytes(300), signature: randomBytes(64), memoHash: null, expiresAtMs: Date.now() + 60_000 },
  ...change,
});
const account = async (owner: string) => {
  const { rows } = await test_.admin.query<{ posted: string; held: string }>(
    'select posted, held from payments.account where owner = $1',
    [owner],
  );
  return rows[0];
};

test('pending → posted: held money cannot be spent, and capture moves it once', async () => {
  const hold = await holds.place(posting(), LIVES_MS);
  expect(await account(ana)).toEqual({ posted: '1000', held: '600' });
  expect(await codeOf(ledger.post(posting({ amountMinor: 401n })))).toBe('insufficient-funds');
  const posted = await holds.capture(hold.id);
  expect(await account(ana)).toEqual({ posted: '400', held: '0' });
  expect(await account(ben)).toEqual({ posted: '600', held: '0' });
  expect(await holds.capture(hold.id)).toEqual({ ...posted, isDuplicate: true });
  expect(await codeOf(holds.release(hold.id))).toBe('conflict');
  expect((await database.pool.query('select from work')).rowCount).toBe(0);
});

test('limits are those of the day on which the hold was placed: capture asks for none and counts nothing again', async () => {
  await fund(test_, ana, 2_000_000n, 'EUR');
  const hold = await holds.place(posting({ amountMinor: 1_000_000n }), LIVES_MS);
  await ledger.post(posting({ amountMinor: 1_000_000n }));
  expect(await codeOf(ledger.post(posting({ amountMinor: 1n })))).toBe('limit-exceeded');
  await holds.capture(hold.id);
  const { rows } = await test_.admin.query<{ spent: string }>('select spent from payments.account where owner = $1', [ana]);
  expect(rows).toEqual([{ spent: '2000000' }]);
  expect(await account(ben)).toEqual({ posted: '2000000', held: '0' });
});

test('pending → voided: the money is free again, and stays where it is', async () => {
  const hold = await holds.place(posting(), LIVES_MS);
  await holds.release(hold.id);
  await holds.release(hold.id);
  expect(await account(ana)).toEqual({ posted: '1000', held: '0' });
  expect(await codeOf(holds.capture(hold.id))).toBe('conflict');
});

test('a hold whose time is over is voided by the work queue, and not captured in between', async () => {
  const hold = await holds.place(posting(), 300);
  await until(async () => hold.expiresAt.getTime() < Date.now());
  expect(['intent-expired', 'conflict']).toContain(await codeOf(holds.capture(hold.id)));
  await until(async () => (await account(ana))?.held === '0');
  expect(await codeOf(holds.capture(hold.id))).toBe('conflict');
  expect(await account(ana)).toEqual({ posted: '1000', held: '0' });
});

test('the same request is the same hold; another under its key is refused, on either side', async () => {
  const request = posting();
  const hold = await holds.place(request, LIVES_MS);
  expect(await holds.place({ ...request }, LIVES_MS)).toMatchObject({ id: hold.id, isDuplicate: true });
  expect(await codeOf(holds.place({ ...request, amountMinor: 1n }, LIVES_MS))).toBe('conflict');
  expect(await codeOf(ledger.post(request))).toBe('conflict');
  const paid = posting({ amountMinor: 1n });
  await ledger.post(paid);
  expect(await codeOf(holds.place(paid, LIVES_MS))).toBe('conflict');
  expect(await account(ana)).toEqual({ posted: '999', held: '600' });
});

test('holds obey balance, limits and freezing; racing capture and release have one winner', async () => {
  expect(await codeOf(holds.place(posting({ amountMinor: 1_001n }), LIVES_MS))).toBe('insufficient-funds');
  expect(await codeOf(holds.place(posting({ amountMinor: 2_000_000n }), LIVES_MS))).toBe('limit-exceeded');
  expect(await codeOf(holds.place(posting({ currency: 'XTS' }), LIVES_MS))).toBe('currency-unknown');
  await expect(holds.place(posting(), MAX_HOLD_LIFETIME_MS + 1)).rejects.toThrow(RangeError);
  const hold = await holds.place(posting(), LIVES_MS);
  const outcomes = await Promise.all([codeOf(holds.capture(hold.id)), codeOf(holds.release(hold.id))]);
  expect(outcomes.sort()).toEqual(['conflict', 'ok']);
  const frozen = await holds.place(posting({ amountMinor: 10n }), LIVES_MS);
  await test_.admin.query('update payments.account set frozen = true where owner = $1', [ben]);
  expect(await codeOf(holds.capture(frozen.id))).toBe('account-frozen');
  expect((await account(ana))?.held).toBe('10');
});

test('a hold that had to wait for its account is released by itself all the same', async () => {
  const client = await test_.admin.connect();
  await client.query('begin');
  await client.query('select from payments.account where owner = $1 for update', [ana]);
  const placing = holds.place(posting(), 200);
  await new Promise((resolve) => setTimeout(resolve, 600));
  await client.query('commit');
  client.release();
  await placing;
  expect(await account(ana)).toMatchObject({ held: '600' });
  await until(async () => (await account(ana))?.held === '0');
});
