import { payments, type TopUpView } from '@rialto/contracts';
import Stripe from 'stripe';
import { sessionOf, stripeAt, topUpSteps } from './top-up-steps.ts';
import { codeOf, newTopUpId, type Person, startWorld, until, WEBHOOK_SECRET, type World } from './world.ts';

const { getStatement, getWallet } = payments.operations;

let world: World;
let ana: Person;
beforeAll(async () => {
  world = await startWorld();
}, 60_000);
afterAll(() => world.stop());
beforeEach(async () => {
  ana = await world.newPerson();
});
afterEach(async () => {
  await fetch(`${world.simulator.controlUrl}/faults`, { method: 'DELETE' });
  await fetch(`${world.simulator.controlUrl}/webhooks`, { method: 'DELETE' });
});

const token = () => ({ token: ana.token });
const { create, get, balance, ...steps } = topUpSteps(() => ({ world, person: ana }));
const pay = (topUp: TopUpView, body?: object) => steps.pay(sessionOf(topUp), body);
const isPaid = (topUp: TopUpView) => async () => (await get(topUp.topUpId)).state === 'paid';

function webhook(event: object, { at = Math.floor(Date.now() / 1_000), secret = WEBHOOK_SECRET } = {}) {
  const payload = JSON.stringify(event);
  const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: at });
  return codeOf(world.deliver(Buffer.from(payload), signature));
}
const eventOf = (id: string, type: string, object: object) => ({
  id,
  object: 'event',
  type,
  created: Math.floor(Date.now() / 1_000),
  data: { object },
});

test('a person tops up: checkout, payment, webhook, credit, entry', async () => {
  const topUp = await create();
  expect(topUp).toMatchObject({ state: 'open', transferId: null, amountMinor: '2000' });
  await pay(topUp);
  await until(isPaid(topUp));
  expect(await balance()).toBe('2000');
  const paid = await get(topUp.topUpId);
  expect(paid.checkoutUrl).toBeNull();
  const { entries } = await world.gateway.call(getStatement, { currency: 'EUR', after: 0 }, token());
  expect(entries).toMatchObject([
    { kind: 'top-up', direction: 'credit', counterparty: null, intent: null, transferId: paid.transferId },
  ]);
});

test('the same id is the same top-up; another body or another person under it is refused', async () => {
  const topUp = await create();
  expect(await create({ topUpId: topUp.topUpId })).toEqual(topUp);
  expect(await codeOf(create({ topUpId: topUp.topUpId, amountMinor: '2001' }))).toBe('conflict');
  ana = await world.newPerson();
  expect(await codeOf(create({ topUpId: topUp.topUpId }))).toBe('conflict');
  expect(await codeOf(get(topUp.topUpId))).toBe('not-found');
});

test('limits and currencies are checked before Stripe hears of it', async () => {
  expect(await codeOf(create({ amountMinor: '99' }))).toBe('limit-exceeded');
  expect(await codeOf(create({ amountMinor: '100001' }))).toBe('limit-exceeded');
  expect(await codeOf(create({ currency: 'XTS' }))).toBe('currency-unknown');
  expect(await codeOf(create({ currency: 'KWD', amountMinor: '5001' }))).toBe('invalid-input');
});

test.each([
  ['JPY', '500'],
  ['KWD', '5000'],
  ['USD', '1234'],
])('%s is credited in its own minor units', async (currency, amountMinor) => {
  const topUp = await create({ currency, amountMinor });
  await pay(topUp);
  await until(isPaid(topUp));
  expect(await balance(currency)).toBe(amountMinor);
});

test('events that come twice, late and in the wrong order credit once', async () => {
  await world.control('/webhooks', { held: true });
  const topUps = await Promise.all([create(), create(), create()]);
  for (const topUp of topUps) await pay(topUp);
  await world.control('/webhooks', { held: false, duplicates: 2, order: 'newest-first', delayMs: 200 });
  for (const topUp of topUps) await until(isPaid(topUp), 20_000);
  const count = world.webhookAnswers.length;
  await until(() => world.webhookAnswers.length >= count + 3, 20_000).catch(() => {}); // The rest of the duplicates.
  expect(await balance()).toBe('6000');
}, 60_000);

test('what an event claims is not believed: the object is read from Stripe', async () => {
  const topUp = await create();
  const claimed = {
    id: sessionOf(topUp),
    object: 'checkout.session',
    payment_status: 'paid',
    status: 'complete',
    client_reference_id: topUp.topUpId,
  };
  expect(await webhook(eventOf(`evt_claim_${topUp.topUpId}`, 'checkout.session.completed', claimed))).toBe('ok');
  expect(await get(topUp.topUpId)).toMatchObject({ state: 'open' });
  expect(await balance()).toBeUndefined();
});

test('an expiry that arrives after the payment changes nothing', async () => {
  const topUp = await create();
  await pay(topUp);
  await until(isPaid(topUp));
  const stale = { id: sessionOf(topUp), object: 'checkout.session', status: 'expired' };
  expect(await webhook(eventOf(`evt_stale_${topUp.topUpId}`, 'checkout.session.expired', stale))).toBe('ok');
  expect(await get(topUp.topUpId)).toMatchObject({ state: 'paid' });
});

test('unknown events and unknown objects are recorded and ignored', async () => {
  expect(await webhook(eventOf('evt_unknown_type', 'planet.aligned', { id: 'pl_1' }))).toBe('ok');
  expect(await webhook(eventOf('evt_unknown_session', 'checkout.session.completed', { id: 'cs_test_nobodys' }))).toBe('ok');
  const { rows } = await world.database.admin.query(
    `select id, outcome from payments.stripe_event where id like 'evt_unknown%' order by id`,
  );
  expect(rows).toEqual([
    { id: 'evt_unknown_session', outcome: 'ignored' },
    { id: 'evt_unknown_type', outcome: 'ignored' },
  ]);
});

test('a delivery must be signed by Stripe, and now', async () => {
  const event = eventOf('evt_forged', 'checkout.session.completed', { id: 'cs_test_1' });
  const now = Math.floor(Date.now() / 1_000);
  expect(await webhook(event, { secret: 'whsec_somebodyElsesSecret' })).toBe('webhook-refused');
  expect(await webhook(event, { at: now - 310 })).toBe('webhook-refused');
  expect(await webhook(event, { at: now + 310 })).toBe('webhook-refused');
  expect(await codeOf(world.deliver(Buffer.from('{}'), 'nonsense'))).toBe('webhook-refused');
  const payload = JSON.stringify(event);
  const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET });
  expect(await codeOf(world.deliver(Buffer.from(payload.replace('cs_test_1', 'cs_test_2')), signature))).toBe('webhook-refused');
  expect(await webhook(event, { at: now + 290 })).toBe('ok');
  expect(await webhook({ ...event, id: 'evt_old' }, { at: now - 290 })).toBe('ok');
});

test('a bank that takes its time, and one that refuses', async () => {
  const [slow, refused] = [await create(), await create()];
  for (const topUp of [slow, refused]) await pay(topUp, { settles: 'later' });
  const answers = world.webhookAnswers.length;
  await until(() => world.webhookAnswers.length > answers);
  expect(await get(slow.topUpId)).toMatchObject({ state: 'open' });
  await world.control(`/checkout/${sessionOf(slow)}/settle`, { result: 'succeeded' });
  await world.control(`/checkout/${sessionOf(refused)}/settle`, { result: 'failed' });
  await until(isPaid(slow));
  await until(async () => (await get(refused.topUpId)).state === 'failed');
  expect(await balance()).toBe('2000');
});

test('a checkout that nobody pays expires', async () => {
  const topUp = await create();
  await world.control(`/checkout/${sessionOf(topUp)}/expire`);
  await until(async () => (await get(topUp.topUpId)).state === 'expired');
  expect(await get(topUp.topUpId)).toMatchObject({ checkoutUrl: null, transferId: null });
});

test('a refund leaves the wallet once; of spent money it is owed, and the account is frozen', async () => {
  const stripe = stripeAt(world);
  const ben = await world.newPerson();
  const topUp = await create();
  await pay(topUp);
  await until(isPaid(topUp));
  const session = await stripe.checkout.sessions.retrieve(sessionOf(topUp));
  const refund = (amount: number) => stripe.refunds.create({ payment_intent: session.payment_intent as string, amount });
  await refund(500);
  await until(async () => (await balance()) === '1500');
  await world.pay(ana, world.intent(ana, ben, { amountMinor: '1400' }));
  await refund(300);
  await until(async () => (await world.gateway.call(getWallet, {}, token())).accounts[0]?.isFrozen === true);
  expect(await balance()).toBe('100');
  expect(await codeOf(world.pay(ana, world.intent(ana, ben)))).toBe('account-frozen');
  const { rows } = await world.database.admin.query(
    `select posted from payments.account where owner = 'receivable' and currency = 'EUR'`,
  );
  expect(rows).toEqual([{ posted: '-300' }]);
});

test.each(['before', 'after'] as const)(
  'a processor that fails %s it did the work: no second checkout, the same id works later',
  async (stage) => {
    const topUpId = newTopUpId();
    await world.control('/faults', { mode: 'disconnect', stage, times: 2, path: '/v1/checkout' }); // The SDK itself repeats a lost connection once.
    expect(await codeOf(create({ topUpId }))).toBe('processor-unavailable');
    expect(await get(topUpId)).toMatchObject({ state: 'creating', checkoutUrl: null });
    expect(await create({ topUpId })).toMatchObject({ state: 'open' });
    const stripe = stripeAt(world);
    const sessions = await stripe.checkout.sessions.list({ limit: 100 });
    expect(sessions.data.filter((session) => session.client_reference_id === topUpId)).toHaveLength(1);
  },
);

test('a caller that never comes back: the work queue opens the checkout by itself', async () => {
  const topUpId = newTopUpId();
  await world.control('/faults', { mode: 'error', status: 503, times: 1, path: '/v1/checkout' });
  expect(await codeOf(create({ topUpId }))).toBe('processor-unavailable');
  await world.database.admin.query(`update payments.work set due_at = now() where kind = 'open-checkout' and key = $1`, [
    topUpId,
  ]);
  await until(async () => (await get(topUpId)).state === 'open');
});

test('webhooks that never came are healed by reconciliation', async () => {
  await world.control('/webhooks', { held: true });
  const [topUp, expired] = [await create(), await create()];
  await pay(topUp);
  await world.control(`/checkout/${sessionOf(expired)}/expire`);
  expect(await get(topUp.topUpId)).toMatchObject({ state: 'open' });
  await world.database.admin.query(`update payments.work set due_at = now() where kind = 'reconcile'`);
  await until(isPaid(topUp));
  await until(async () => (await get(expired.topUpId)).state === 'expired');
  // And when they come after all, they change nothing.
  await world.control('/webhooks', { held: false });
  const count = world.webhookAnswers.length;
  await until(() => world.webhookAnswers.length > count);
  expect(await balance()).toBe('2000');
  const isPlanned = `select from payments.work where kind = 'reconcile' and due_at > now()`;
  await until(async () => (await world.database.admin.query(isPlanned)).rowCount === 1);
});

test('a webhook is delivered again when Stripe could not be asked', async () => {
  const topUp = await create();
  await world.control('/faults', { mode: 'error', status: 500, times: 2, method: 'GET', path: '/v1/checkout/sessions/' });
  await pay(topUp);
  await until(isPaid(topUp), 20_000);
  expect(world.webhookAnswers).toContain(503);
  expect(await balance()).toBe('2000');
}, 30_000);

// What follows releases deliveries at its end, so nothing that counts requests may come after it.

const refundOf = async (topUp: TopUpView, amount: number) => {
  const session = await stripeAt(world).checkout.sessions.retrieve(sessionOf(topUp));
  return stripeAt(world).refunds.create({ payment_intent: session.payment_intent as string, amount });
};

test('a refund that is heard of before its payment leaves the wallet all the same', async () => {
  await world.control('/webhooks', { held: true });
  const topUp = await create();
  await pay(topUp);
  const { charge, payment_intent } = await refundOf(topUp, 500);
  const event = eventOf(`evt_early_${topUp.topUpId}`, 'charge.refunded', { id: charge, object: 'charge', payment_intent });
  expect(await webhook(event)).toBe('ok');
  await world.control('/webhooks', { held: false });
  await until(isPaid(topUp));
  await until(async () => (await balance()) === '1500');
});

test('a refund that a bank carries out later is booked when it is through', async () => {
  const topUp = await create();
  await pay(topUp);
  await until(isPaid(topUp));
  await world.control('/webhooks', { held: true });
  const { id, payment_intent } = await refundOf(topUp, 500);
  // Its charge's own event came while it was pending, and led to nothing.
  expect(await webhook(eventOf(`evt_through_${id}`, 'refund.updated', { id, object: 'refund', payment_intent }))).toBe('ok');
  expect(await balance()).toBe('1500');
});

test('one top-up that cannot be settled does not hold up the others', async () => {
  await world.control('/webhooks', { held: true });
  const [broken, good] = [await create(), await create()];
  for (const topUp of [broken, good]) await pay(topUp);
  await world.database.admin.query('update payments.top_up set amount = 1 where id = $1', [broken.topUpId]);
  await world.database.admin.query(`update payments.work set due_at = now() where kind = 'reconcile'`);
  await until(isPaid(good));
  expect(await get(broken.topUpId)).toMatchObject({ state: 'open' });
  await world.database.admin.query('update payments.top_up set amount = 2000 where id = $1', [broken.topUpId]);
});

test('many people top up for the first time at once', async () => {
  await world.control('/webhooks', { held: true });
  const people = await Promise.all(Array.from({ length: 16 }, () => world.newPerson()));
  const topUps: TopUpView[] = [];
  for (ana of people) topUps.push(await create());
  for (const topUp of topUps) await pay(topUp);
  const paid = (topUp: TopUpView) =>
    webhook(eventOf(`evt_${topUp.topUpId}`, 'checkout.session.completed', { id: sessionOf(topUp), object: 'checkout.session' }));
  expect(await Promise.all(topUps.map(paid))).toEqual(people.map(() => 'ok'));
}, 30_000);
