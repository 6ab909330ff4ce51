// Real: PostgreSQL, nats-server, two replicas of the whole service, key packages of the production suite.
import { identity, LOW_KEY_PACKAGES, MAX_KEY_PACKAGES_STORED } from '@rialto/contracts';
import { readKeyPackage, ready, type Suite, toBase64url, xwingSuite } from '@rialto/crypto';
import type { RunningService } from '@rialto/service';
import {
  createTestDatabase,
  startTestNats,
  startTestService,
  type TestDatabase,
  type TestNats,
  testTokenKeys,
} from '@rialto/service/testing';
import { forget } from '../src/housekeeping.ts';
import { MAX_CLAIMS_FOR_ONE_ACCOUNT_PER_DAY, MAX_CLAIMS_PER_HOUR } from '../src/key-package-claims.ts';
import { identityService } from '../src/service.ts';
import { Calls, Device, eventually, newClaimId, ORIGIN, Person } from './person.ts';

const { operations } = identity;
const env = { RIALTO_TOKEN_PRIVATE_KEY: testTokenKeys.privateKey, RIALTO_ORIGINS: ORIGIN };

let database: TestDatabase;
let nats: TestNats;
let suite: Suite;
const replicas: RunningService[] = [];
let calls: Calls;

beforeAll(async () => {
  await ready();
  suite = await xwingSuite();
  [database, nats] = await Promise.all([createTestDatabase(['identity']), startTestNats()]);
  for (let replica = 0; replica < 2; replica += 1)
    replicas.push(await startTestService(identityService, { database, nats, env }));
  calls = new Calls(await nats.connectAs('gateway'));
}, 60_000);
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await nats.stop();
  await database.drop();
});

async function registered(keyPackages = 0): Promise<Person> {
  const person = new Person();
  await calls.register(person);
  if (keyPackages > 0) await publish(person, await person.keyPackages(suite, keyPackages));
  return person;
}
const publish = (
  person: Person,
  keyPackages: string[],
  { lastResort, by = person.first }: { lastResort?: string; by?: Device } = {},
) => calls.call(operations.publishKeyPackages, lastResort === undefined ? { keyPackages } : { keyPackages, lastResort }, by);
const claim = (of: Person, by: Person, claimId = newClaimId()) =>
  calls.call(operations.claimKeyPackages, { accountId: of.id, claimId }, by.first);
const invalid = (details: object) => ({ code: 'key-package-invalid', details: expect.objectContaining(details) });
const lastResortOf = async (person: Person) => (await person.keyPackages(suite, 1, { lastResort: true }))[0] ?? '';

test('what is published is what is given, oldest first, and counted', async () => {
  const [ana, ben] = [await registered(), await registered(3)];
  const lastResort = await lastResortOf(ben);
  expect(await publish(ben, [], { lastResort })).toEqual({ available: 3 });
  expect(await calls.call(operations.countKeyPackages, {}, ben.first)).toEqual({ available: 3, hasLastResort: true });
  const { chain, keyPackages } = await claim(ben, ana);
  expect(chain).toBe(toBase64url(ben.chain.bytes));
  expect(keyPackages).toHaveLength(1);
  const [given] = keyPackages;
  const bytes = Buffer.from(given?.keyPackage ?? '', 'base64url');
  const checked = await readKeyPackage(bytes, { chain: ben.chain, nowMs: Date.now(), suite });
  expect(given).toMatchObject({ deviceId: ben.first.id, isLastResort: false, ref: checked.ref });
  expect(await calls.call(operations.countKeyPackages, {}, ben.first)).toEqual({ available: 2, hasLastResort: true });
});

test('no package is given twice, however many ask at once; then the last resort, then nothing', async () => {
  const packages = 12;
  const ben = await registered(packages);
  const people = await Promise.all(Array.from({ length: 20 }, () => registered()));
  const answers = await Promise.all(people.map((person) => claim(ben, person)));
  const refs = answers.flatMap(({ keyPackages }) => keyPackages.map(({ ref }) => ref));
  expect(refs).toHaveLength(packages);
  expect(new Set(refs).size).toBe(packages);
  const lastResort = await lastResortOf(ben);
  await publish(ben, [], { lastResort });
  for (let time = 0; time < 2; time += 1) {
    const { keyPackages } = await claim(ben, people[0] as Person);
    expect(keyPackages).toMatchObject([{ keyPackage: lastResort, isLastResort: true }]);
  }
});

test('the same claim gives the same packages for a day, also at once, and belongs to one account', async () => {
  const [ana, eve, ben] = [await registered(), await registered(2), await registered(5)];
  const claimId = newClaimId();
  const answers = await Promise.all(Array.from({ length: 6 }, () => claim(ben, ana, claimId)));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect((await calls.call(operations.countKeyPackages, {}, ben.first)).available).toBe(4);
  await expect(claim(eve, ana, claimId)).rejects.toMatchObject({ code: 'conflict' });
  // Somebody else's claim under the same id is another claim.
  expect((await claim(ben, eve, claimId)).keyPackages[0]?.ref).not.toBe(answers[0]?.keyPackages[0]?.ref);
  await database.admin.query(
    "update identity.key_package_claim set claimed_at = now() - interval '25 hours' where claim_id = $1",
    [claimId],
  );
  await forget(replicas[0]?.kit.database.pool as never);
  const { rowCount } = await database.admin.query('select from identity.key_package_claim where claim_id = $1', [claimId]);
  expect(rowCount).toBe(0);
});

test('a package that is being given away while it is offered again stays given', async () => {
  const ben = await registered();
  const [only = ''] = await ben.keyPackages(suite, 1);
  await publish(ben, [only]);
  // A claim that has not committed yet.
  const client = await database.admin.connect();
  await client.query('begin');
  await client.query(
    `with taken as (delete from identity.key_package where device_id = $1 returning ref)
     insert into identity.spent_key_package (ref) select ref from taken`,
    [ben.first.id],
  );
  const again = publish(ben, [only]);
  const isWaiting = `select from pg_stat_activity where wait_event = 'transactionid' and query like 'insert into key_package%'`;
  while ((await database.admin.query(isWaiting)).rowCount !== 1) await new Promise((resolve) => setTimeout(resolve, 20));
  await client.query('commit');
  client.release();
  expect(await again).toEqual({ available: 0 });
});

test('a package that was given away cannot be offered again, one that waits can', async () => {
  const [ana, ben] = [await registered(), await registered()];
  const [first = '', second = ''] = await ben.keyPackages(suite, 2);
  await publish(ben, [first]);
  expect((await claim(ben, ana)).keyPackages[0]?.keyPackage).toBe(first);
  expect(await publish(ben, [first, second])).toEqual({ available: 1 });
  expect(await publish(ben, [first, second])).toEqual({ available: 1 });
  expect((await claim(ben, ana)).keyPackages[0]?.keyPackage).toBe(second);
  expect((await claim(ben, ana)).keyPackages).toEqual([]);
});

test('each device gives one; a revoked one gives none and its packages are gone', async () => {
  const [ana, ben] = [await registered(), await registered(2)];
  const second = new Device();
  const added = ben.adding(second);
  await calls.signed(operations.appendToChain, { accountId: ben.id, entry: added.entry }, ben.first);
  ben.chain = added.chain;
  await calls.signIn(ben, second);
  await publish(ben, await ben.keyPackages(suite, 2, { device: second }), { by: second });
  const claimId = newClaimId();
  expect((await claim(ben, ana, claimId)).keyPackages.map(({ deviceId }) => deviceId).sort()).toEqual(
    [ben.first.id, second.id].sort(),
  );

  const revoked = ben.revoking(second);
  await calls.signed(operations.appendToChain, { accountId: ben.id, entry: revoked.entry }, ben.first);
  expect((await claim(ben, ana)).keyPackages.map(({ deviceId }) => deviceId)).toEqual([ben.first.id]);
  expect((await claim(ben, ana, claimId)).keyPackages.map(({ deviceId }) => deviceId)).toEqual([ben.first.id]);
  const { rowCount } = await database.admin.query('select from identity.key_package where device_id = $1', [second.id]);
  expect(rowCount).toBe(0);
});

test('what does not verify is refused as a whole', async () => {
  const [ben, eve] = [await registered(), await registered()];
  const [good = '', other = ''] = [...(await ben.keyPackages(suite, 1)), ...(await eve.keyPackages(suite, 1))];
  const bent = Buffer.from(good, 'base64url');
  bent[bent.length - 5] = (bent.at(-5) ?? 0) ^ 1;
  const old = await ben.keyPackages(suite, 1, { nowMs: Date.now() - 200 * 86_400_000 });
  await expect(publish(ben, [good, bent.toString('base64url')])).rejects.toMatchObject(invalid({ index: 1 }));
  await expect(publish(ben, [other])).rejects.toMatchObject(invalid({ problem: 'not-certified' }));
  await expect(publish(ben, old)).rejects.toMatchObject(invalid({ problem: 'lifetime' }));
  await expect(publish(ben, ['AAAA'])).rejects.toMatchObject(invalid({ problem: 'malformed' }));
  await expect(publish(ben, [await lastResortOf(ben)])).rejects.toMatchObject(invalid({ problem: 'last-resort' }));
  await expect(publish(ben, [], { lastResort: good })).rejects.toMatchObject(invalid({ problem: 'last-resort' }));
  expect(await calls.call(operations.countKeyPackages, {}, ben.first)).toEqual({ available: 0, hasLastResort: false });
});

test('the newest hundred are kept, and one last resort', async () => {
  const ben = await registered();
  const [first, second] = [await lastResortOf(ben), await lastResortOf(ben)];
  for (let upload = 0; upload < 3; upload += 1)
    await publish(ben, await ben.keyPackages(suite, 40), { lastResort: upload === 2 ? second : first });
  expect(await calls.call(operations.countKeyPackages, {}, ben.first)).toEqual({
    available: MAX_KEY_PACKAGES_STORED,
    hasLastResort: true,
  });
  const { rows } = await database.admin.query<{ bytes: Buffer }>(
    'select bytes from identity.key_package where device_id = $1 and is_last_resort',
    [ben.first.id],
  );
  expect(rows.map(({ bytes }) => bytes.toString('base64url'))).toEqual([second]);
}, 30_000);

test('a device hears when few are left', async () => {
  const [ana, ben] = [await registered(), await registered(LOW_KEY_PACKAGES + 1)];
  const pushes: string[] = [];
  const gateway = await nats.linkAs('gateway');
  gateway.connection.subscribe(`push.identity.${ben.id}`, { callback: (_error, push) => void pushes.push(push.string()) });
  await gateway.connection.flush();
  await claim(ben, ana);
  await claim(ben, ana);
  await eventually(() => expect(pushes).toHaveLength(1));
  expect(pushes[0]).toContain(`"available":${LOW_KEY_PACKAGES - 1}`);
});

test('claims have limits: for one other account a day, and in all an hour', async () => {
  const [ana, ben] = [await registered(), await registered()];
  for (let time = 0; time < MAX_CLAIMS_FOR_ONE_ACCOUNT_PER_DAY; time += 1) await claim(ben, ana);
  await expect(claim(ben, ana)).rejects.toMatchObject({ code: 'rate-limited' });
  await database.admin.query(
    `insert into identity.key_package_claim (requester, claim_id, account_id, packages)
     select $1, 'clm_' || n, $1, '[]' from generate_series(1, $2) as n`,
    [ana.id, MAX_CLAIMS_PER_HOUR],
  );
  await expect(claim(ana, ana)).rejects.toMatchObject({ code: 'rate-limited', details: { limit: 'claims-per-hour' } });
});
