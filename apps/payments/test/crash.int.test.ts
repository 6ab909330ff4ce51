/** The payments service as a process of its own, killed in the middle of its work. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { payments, type TransferIntent } from '@rialto/contracts';
import { testTokenKeys } from '@rialto/service/testing';
import { newTopUpId, type Person, startWorld, until, type World } from './world.ts';

const { createTopUp, getTopUp, getWallet } = payments.operations;
const MAIN = join(__dirname, '../src/main.ts');
const NODE = join(__dirname, '../../../node_modules/.bin/node');

let world: World;
let process_: ChildProcess | undefined;
beforeAll(async () => {
  world = await startWorld({ withService: false });
}, 60_000);
afterAll(async () => {
  process_?.kill('SIGKILL');
  await world.stop();
});

async function start(): Promise<ChildProcess> {
  const { database, nats, env } = world;
  const child = spawn(NODE, [MAIN], {
    env: {
      PATH: '/usr/bin:/bin',
      RIALTO_NATS_URL: nats.url,
      RIALTO_NATS_SEED: nats.seedOf('payments'),
      RIALTO_DATABASE_URL: database.url('payments'),
      RIALTO_TOKEN_PUBLIC_KEY: testTokenKeys.publicKey,
      RIALTO_LOG_LEVEL: 'error',
      ...env,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}`);
    return world.gateway.health('payments').then(
      ({ isReady }) => isReady,
      () => false,
    );
  }, 30_000);
  return child;
}
const kill = async (child: ChildProcess) => {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
};

test('kill -9 in the middle of transfers loses nothing that was acknowledged and doubles nothing', async () => {
  const people = await Promise.all(Array.from({ length: 8 }, () => world.newPerson()));
  for (const person of people) await world.fund(person, 100_000n);
  process_ = await start();
  const acknowledged = new Map<string, string>();
  const unsure: { from: Person; intent: TransferIntent }[] = [];
  let isOver = false;
  const caller = async (from: Person, to: Person) => {
    while (!isOver) {
      const intent = world.intent(from, to, { amountMinor: '1' });
      await world.pay(from, intent).then(
        ({ transferId }) => acknowledged.set(intent.intentId, transferId),
        () => unsure.push({ from, intent }),
      );
      if (unsure.length > 200) return;
    }
  };
  const callers = people.flatMap((from, index) => {
    const to = people[(index + 1) % people.length] as Person;
    return [caller(from, to), caller(from, to)];
  });
  await until(() => acknowledged.size > 60);
  await kill(process_);
  isOver = true;
  await Promise.all(callers);
  expect(unsure.length).toBeGreaterThan(0);

  process_ = await start();
  const { rows } = await world.database.admin.query<{ key: string }>('select key from payments.transfer where kind = 1');
  const stored = new Set(rows.map(({ key }) => key));
  expect([...acknowledged.keys()].filter((key) => !stored.has(key))).toEqual([]);
  // Whoever heard nothing asks again with the same intent, and it is done once.
  for (const { from, intent } of unsure) {
    const before = stored.has(intent.intentId);
    expect(await world.pay(from, intent)).toMatchObject({ duplicate: before });
  }
  const all = await world.database.admin.query<{ count: string; sum: string }>(
    `select (select count(*) from payments.transfer where kind = 1)::text as count, (select sum(posted) from payments.account)::text as sum`,
  );
  expect(all.rows[0]).toEqual({ count: String(acknowledged.size + unsure.length), sum: '0' });
}, 90_000);

test('kill -9 after Stripe was paid and before it was heard: the credit comes once', async () => {
  process_ ??= await start();
  const ana = await world.newPerson();
  const token = { token: ana.token };
  const topUp = await world.gateway.call(createTopUp, { topUpId: newTopUpId(), currency: 'EUR', amountMinor: '2000' }, token);
  await world.control('/webhooks', { duplicates: 1 });
  await kill(process_);
  await world.control(`/checkout/${/cs_test_\w+/.exec(topUp.checkoutUrl ?? '')?.[0]}/pay`);
  process_ = await start();
  await until(async () => (await world.gateway.call(getTopUp, { topUpId: topUp.topUpId }, token)).state === 'paid', 20_000);
  await until(async () => world.webhookAnswers.filter((status) => status === 200).length >= 2, 20_000);
  expect((await world.gateway.call(getWallet, {}, token)).accounts).toMatchObject([{ balanceMinor: '2000', seq: 1 }]);
}, 90_000);

test('the service refuses to start with a live key beside the simulator, and says why without showing it', async () => {
  const live = 'sk_live_' + 'x'.repeat(24);
  const child = spawn(NODE, [MAIN], {
    env: {
      RIALTO_NATS_URL: world.nats.url,
      RIALTO_NATS_SEED: world.nats.seedOf('payments'),
      RIALTO_DATABASE_URL: world.database.url('payments'),
      RIALTO_TOKEN_PUBLIC_KEY: testTokenKeys.publicKey,
      ...world.env,
      RIALTO_STRIPE_KEY: live,
    },
  });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString('utf8')));
  child.stdout.on('data', (data: Buffer) => (said += data.toString('utf8')));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  expect(code).toBe(1);
  expect(said).toContain('RIALTO_STRIPE_KEY');
  expect(said).toContain('live key');
  expect(said).not.toContain(live);
}, 30_000);
