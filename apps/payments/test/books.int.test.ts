/**
 * Stripe's books against the ledger. Real: everything that `world.ts` lists; webhooks are held, and what they tell is marked as known, so that
 * only the books can tell.
 */
import type { TopUpView } from '@rialto/contracts';
import { type Database, type Logger, openDatabase, logger, WorkQueue } from '@rialto/service';
import type Stripe from 'stripe';
import { Ledger } from '../src/ledger.ts';
import { Notices } from '../src/stripe/notices.ts';
import { Processor } from '../src/stripe/processor.ts';
import { Reconciliation } from '../src/stripe/reconciliation.ts';
import { Refunds } from '../src/stripe/refunds.ts';
import { TopUps } from '../src/top-ups.ts';
import { sessionOf, stripeAt, topUpSteps } from './top-up-steps.ts';
import { type Person, startWorld, STRIPE_KEY, until, type World } from './world.ts';

let world: World;
let database: Database;
let reconciliation: Reconciliation;
let stripe: Stripe;
let ana: Person;
const said: { level: 'warn' | 'error'; about: Record<string, unknown> }[] = [];
beforeAll(async () => {
  world = await startWorld();
  const quiet = logger('payments', 'silent');
  const log = {
    ...quiet,
    debug: () => undefined,
    info: () => undefined,
    warn: (about: Record<string, unknown>) => void said.push({ level: 'warn', about }),
    error: (about: Record<string, unknown>) => void said.push({ level: 'error', about }),
  } as unknown as Logger;
  database = await openDatabase({ url: world.database.url('payments'), service: 'payments', log: quiet });
  const [work, push] = [new WorkQueue(database, quiet), { toAccount: () => undefined }];
  const ledger = new Ledger(database.lane(), [database.lane(), database.lane()]);
  const url = `http://127.0.0.1:${world.simulator.port}`;
  const processor = new Processor({ key: STRIPE_KEY, url, publicUrl: 'http://localhost:7420', log });
  const topUps = new TopUps({ database, ledger, processor, work, push, log });
  const notices = new Notices({ database, processor, topUps, refunds: new Refunds({ ledger, log }), log });
  reconciliation = new Reconciliation({ database, processor, topUps, notices, work, log });
  stripe = stripeAt(world);
  await world.control('/webhooks', { held: true });
  // The service's own comparisons would book what only this one is to find: the first has ended, and no other is planned.
  await until(
    async () => (await admin(`select from payments.work where kind = 'reconcile' and key = 'start'`, [])).rowCount === 0,
  );
  await admin(`delete from payments.work where kind = 'reconcile'`, []);
}, 60_000);
afterAll(async () => {
  await database.close();
  await world.stop();
});
beforeEach(async () => {
  ana = await world.newPerson();
  said.length = 0;
});

const { create, stateOf, balance, pay } = topUpSteps(() => ({ world, person: ana }));
const admin = (sql: string, values: unknown[]) => world.database.admin.query(sql, values);
const paymentOf = async (session: string) => (await stripe.checkout.sessions.retrieve(session)).payment_intent as string;
/** What is said of one payment, top-up or refund. */
const saidOf = (id: string) => said.filter(({ about }) => Object.values(about).includes(id)).map(({ level }) => level);
async function chargeOf(session: string): Promise<string> {
  return (await stripe.paymentIntents.retrieve(await paymentOf(session))).latest_charge as string;
}

/** As if every event until now had been taken in and had led to nothing. */
async function loseEvents(): Promise<void> {
  for await (const { id, type } of stripe.events.list({ limit: 100 })) {
    await admin(
      `insert into payments.stripe_event (id, type, outcome, created_at) values ($1, $2, 'ignored', now()) on conflict do nothing`,
      [id, type],
    );
  }
}
async function paid(): Promise<{ topUp: TopUpView; session: string }> {
  const topUp = await create();
  const session = sessionOf(topUp);
  await pay(session);
  await reconciliation.run();
  expect(await stateOf(topUp)).toBe('paid');
  expect(saidOf(await chargeOf(session))).toEqual([]);
  return { topUp, session };
}

test('a payment of which nothing else tells is credited, and that is said', async () => {
  const topUp = await create();
  const session = sessionOf(topUp);
  await pay(session);
  await loseEvents();
  await admin(`update payments.top_up set state = 'expired' where id = $1`, [topUp.topUpId]);
  await reconciliation.run();
  expect([await stateOf(topUp), await balance()]).toEqual(['paid', '2000']);
  expect(saidOf(await chargeOf(session))).toEqual(['warn']);
});

test('a refund of which nothing else tells leaves the wallet once, and that is said', async () => {
  const { session } = await paid();
  const refund = await stripe.refunds.create({ payment_intent: await paymentOf(session), amount: 700 });
  await loseEvents();
  await reconciliation.run();
  await reconciliation.run();
  expect(await balance()).toBe('1300');
  expect(saidOf(refund.id)).toEqual(['warn']);
});

test('a payment that was booked with another amount, in another currency, or not at all is said each time', async () => {
  for (const [change, undo] of [
    ['amount = amount + 1', 'amount = amount - 1'],
    [`currency = 'USD'`, `currency = 'EUR'`],
  ]) {
    const { topUp, session } = await paid();
    await admin(`update payments.top_up set ${change} where id = $1`, [topUp.topUpId]);
    await reconciliation.run();
    expect(saidOf(await chargeOf(session))).toEqual(['error']);
    await admin(`update payments.top_up set ${undo} where id = $1`, [topUp.topUpId]);
    said.length = 0;
  }
  const { topUp, session } = await paid();
  await admin('delete from payments.top_up where id = $1', [topUp.topUpId]);
  await reconciliation.run();
  expect(saidOf(await chargeOf(session))).toEqual(['error']);
  expect(await balance()).toBe('6000'); // nothing is taken back, nor given twice
});

test('a credit that Stripe does not call paid is said; one whose payment is only older than the books is not', async () => {
  const [unpaid, old] = [await create(), await paid()];
  await admin(`update payments.top_up set state = 'paid', checkout_url = null, transfer_id = gen_random_uuid() where id = $1`, [
    unpaid.topUpId,
  ]);
  await admin(`update payments.top_up set payment_intent_id = 'pi_before' where id = $1`, [old.topUp.topUpId]);
  await reconciliation.run();
  expect(saidOf(unpaid.topUpId)).toEqual(['error']);
  expect(saidOf(old.topUp.topUpId)).toEqual([]);
});

test('what somebody else earns with the same Stripe account is none of ours', async () => {
  const session = await stripe.checkout.sessions.create({
    mode: 'payment',
    line_items: [{ quantity: 1, price_data: { currency: 'eur', unit_amount: 900, product_data: { name: 'Something else' } } }],
    success_url: 'http://localhost:7420/',
  });
  await pay(session.id);
  const refund = await stripe.refunds.create({ payment_intent: await paymentOf(session.id), amount: 100 });
  await reconciliation.run();
  expect([...saidOf(await chargeOf(session.id)), ...saidOf(refund.id)]).toEqual([]);
});
