import Stripe from 'stripe';
import { idOf, pressPay, startRunning, testWebhookSecret, topUp, until, type Running } from '../test/running-simulator.ts';

let running: Running;
beforeEach(async () => {
  running = await startRunning();
});
afterEach(() => running.stop());

const events = (): Stripe.Event[] =>
  running.receiver.received.map(({ body, signature }) =>
    running.stripe.webhooks.constructEvent(body, signature, testWebhookSecret),
  );

test('a person pays on the page, and the webhooks tell it', async () => {
  const { stripe } = running;
  const customer = await stripe.customers.create({ email: 'ana@example.com', metadata: { account: 'acct_ana' } });
  const session = await stripe.checkout.sessions.create(topUp({ customer: customer.id }));
  expect(session).toMatchObject({
    status: 'open',
    payment_status: 'unpaid',
    amount_total: 2_000,
    currency: 'eur',
    payment_intent: null,
  });
  expect(session.id).toMatch(/^cs_test_\w{58}$/);

  const pressed = await pressPay(session, 'pays');
  expect(pressed).toMatchObject({ status: 303, location: `http://localhost:7420/wallet?session=${session.id}` });

  await until(() => running.receiver.received.length === 5);
  const types = events().map((event) => event.type);
  expect(types.toSorted()).toEqual([
    'charge.succeeded',
    'checkout.session.completed',
    'customer.created',
    'payment_intent.created',
    'payment_intent.succeeded',
  ]);
  const completed = events().find((event) => event.type === 'checkout.session.completed');
  expect(completed?.api_version).toBe(Stripe.API_VERSION);
  expect(completed?.data.object).toMatchObject({
    id: session.id,
    status: 'complete',
    payment_status: 'paid',
    client_reference_id: 'topup_1',
  });
});

test('what was paid is found again by retrieval and in the statement', async () => {
  const { stripe } = running;
  const customer = await stripe.customers.create({ email: 'ana@example.com' });
  const session = await stripe.checkout.sessions.create(topUp({ customer: customer.id }));
  await pressPay(session, 'pays');
  const paid = await stripe.checkout.sessions.retrieve(session.id, {
    expand: ['payment_intent.latest_charge.balance_transaction', 'line_items'],
  });
  const intent = paid.payment_intent as Stripe.PaymentIntent;
  const charge = intent.latest_charge as Stripe.Charge;
  const line = charge.balance_transaction as Stripe.BalanceTransaction;
  expect(intent).toMatchObject({
    status: 'succeeded',
    amount_received: 2_000,
    customer: customer.id,
    metadata: { topup: 'topup_1' },
  });
  expect(charge).toMatchObject({ paid: true, captured: true, payment_intent: intent.id });
  expect(line).toMatchObject({
    amount: 2_000,
    fee: 55,
    net: 1_945,
    currency: 'eur',
    type: 'charge',
    status: 'pending',
    source: charge.id,
  });
  expect(paid.line_items?.data).toMatchObject([{ description: 'Rialto top-up', amount_total: 2_000, quantity: 1 }]);
  expect(await stripe.balanceTransactions.retrieve(line.id)).toEqual(line);
  expect((await stripe.balanceTransactions.list({ source: charge.id })).data).toEqual([line]);
  running.pass(3 * 86_400_000);
  expect((await stripe.balanceTransactions.retrieve(line.id)).status).toBe('available');
});

test('a declined card leaves the session open, says why, and the next card pays the same PaymentIntent', async () => {
  const { stripe } = running;
  const session = await stripe.checkout.sessions.create(topUp());
  const declined = await pressPay(session, 'insufficient');
  expect(declined).toMatchObject({ status: 303, location: `../${session.id}?declined=insufficient_funds` });
  const page = await (await fetch(new URL(declined.location, `${session.url}/pay`))).text();
  expect(page).toContain('The card has too little money.');

  const tried = await stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] });
  const intent = tried.payment_intent as Stripe.PaymentIntent;
  expect(tried).toMatchObject({ status: 'open', payment_status: 'unpaid' });
  expect(intent).toMatchObject({ status: 'requires_payment_method', amount_received: 0 });
  expect(intent.last_payment_error).toMatchObject({
    type: 'card_error',
    code: 'card_declined',
    decline_code: 'insufficient_funds',
  });
  expect((await stripe.balanceTransactions.list()).data).toEqual([]);
  await until(() => events().some((event) => event.type === 'payment_intent.payment_failed'));

  await pressPay(session, 'pays');
  const paid = await stripe.checkout.sessions.retrieve(session.id);
  expect(paid).toMatchObject({ status: 'complete', payment_status: 'paid', payment_intent: intent.id });
  const charges = await stripe.charges.list({ payment_intent: intent.id });
  expect(charges.data.map((charge) => charge.status)).toEqual(['succeeded', 'failed']);
});

test('two presses on "Pay" charge once and lead to the same place', async () => {
  const session = await running.stripe.checkout.sessions.create(topUp());
  const [first, second] = await Promise.all([pressPay(session, 'pays'), pressPay(session, 'pays')]);
  expect(second).toMatchObject({ status: 303, location: first.location });
  expect((await running.stripe.charges.list()).data).toHaveLength(1);
});

test('a session that is over cannot be paid by the controls either', async () => {
  const session = await running.stripe.checkout.sessions.create(topUp());
  await running.control('POST', `/checkout/${session.id}/pay`);
  await expect(running.control('POST', `/checkout/${session.id}/pay`)).rejects.toThrow('This Checkout Session is complete');
  expect((await running.stripe.charges.list()).data).toHaveLength(1);
});

test('an expired session cannot be paid, by its time or by request, and says so in an event', async () => {
  const { stripe } = running;
  const byTime = await stripe.checkout.sessions.create(topUp({ expires_at: Math.floor(Date.now() / 1_000) + 1_900 }));
  const byRequest = await stripe.checkout.sessions.create(topUp());
  const url = byTime.url ?? '';
  running.pass(1_901_000);
  expect(await stripe.checkout.sessions.retrieve(byTime.id)).toMatchObject({ status: 'expired', url: null });
  expect(await stripe.checkout.sessions.expire(byRequest.id)).toMatchObject({ status: 'expired' });
  const pressed = await fetch(`${url}/pay`, { method: 'POST', body: new URLSearchParams({ card: 'pays' }), redirect: 'manual' });
  expect(pressed.headers.get('location')).toBe(`../${byTime.id}`);
  expect(await (await fetch(url)).text()).toContain('This payment page has expired');
  expect((await stripe.charges.list()).data).toEqual([]);
  await until(() => events().filter((event) => event.type === 'checkout.session.expired').length === 2);
});

test('a payment that settles later completes unpaid, then succeeds or fails', async () => {
  const { stripe } = running;
  for (const result of ['succeeded', 'failed'] as const) {
    const session = await stripe.checkout.sessions.create(topUp());
    await running.control('POST', `/checkout/${session.id}/pay`, { settles: 'later' });
    expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({ status: 'complete', payment_status: 'unpaid' });
    await running.control('POST', `/checkout/${session.id}/settle`, { result });
    const settled = await stripe.checkout.sessions.retrieve(session.id);
    expect(settled.payment_status).toBe(result === 'succeeded' ? 'paid' : 'unpaid');
    await until(() => events().some((event) => event.type === `checkout.session.async_payment_${result}`));
  }
  expect((await stripe.balanceTransactions.list()).data).toHaveLength(1);
});

test('refunds take money back, at most what was paid', async () => {
  const { stripe } = running;
  const session = await stripe.checkout.sessions.create(topUp());
  await pressPay(session, 'pays');
  const { payment_intent: intent } = await stripe.checkout.sessions.retrieve(session.id);
  const refund = await stripe.refunds.create({ payment_intent: idOf(intent), amount: 500 }, { idempotencyKey: 'refund-1' });
  expect(refund).toMatchObject({ amount: 500, status: 'succeeded' });
  await expect(stripe.refunds.create({ payment_intent: idOf(intent), amount: 1_501 })).rejects.toThrow(
    Stripe.errors.StripeInvalidRequestError,
  );
  await stripe.refunds.create({ payment_intent: idOf(intent) });
  await expect(stripe.refunds.create({ payment_intent: idOf(intent) })).rejects.toMatchObject({
    code: 'charge_already_refunded',
  });
  const lines = await stripe.balanceTransactions.list({ expand: ['data.source'] });
  expect(lines.data.map((line) => line.amount)).toEqual([-1_500, -500, 2_000]);
  expect(lines.data.map((line) => (line.source as { object: string }).object)).toEqual(['refund', 'refund', 'charge']);
  expect((await stripe.charges.list()).data).toMatchObject([{ amount_refunded: 2_000, refunded: true }]);
});

test('a PaymentIntent is confirmed with a test payment method, declined as an error, and canceled', async () => {
  const { stripe } = running;
  const paid = await stripe.paymentIntents.create({
    amount: 1_000,
    currency: 'usd',
    confirm: true,
    payment_method: 'pm_card_visa',
  });
  expect(paid.status).toBe('succeeded');
  const open = await stripe.paymentIntents.create({ amount: 1_000, currency: 'usd' });
  const declined = stripe.paymentIntents.confirm(open.id, { payment_method: 'pm_card_visa_chargeDeclined' });
  await expect(declined).rejects.toMatchObject({ statusCode: 402, code: 'card_declined', payment_intent: { id: open.id } });
  expect((await stripe.paymentIntents.retrieve(open.id)).last_payment_error?.code).toBe('card_declined');
  expect((await stripe.paymentIntents.cancel(open.id)).status).toBe('canceled');
  await expect(stripe.paymentIntents.confirm(open.id)).rejects.toMatchObject({ code: 'payment_intent_unexpected_state' });
});

test('what was acknowledged is still there after a restart, undelivered webhooks included', async () => {
  await running.control('POST', '/webhooks', { held: true });
  const session = await running.stripe.checkout.sessions.create(topUp(), { idempotencyKey: 'topup-1' });
  await running.control('POST', `/checkout/${session.id}/pay`);
  expect(running.receiver.received).toEqual([]);
  await running.restart();
  expect(await running.stripe.checkout.sessions.retrieve(session.id)).toMatchObject({ payment_status: 'paid' });
  await until(() => events().some((event) => event.type === 'checkout.session.completed'));
  const again = await running.stripe.checkout.sessions.create(topUp(), { idempotencyKey: 'topup-1' });
  expect(again.id).toBe(session.id);
  expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
});
