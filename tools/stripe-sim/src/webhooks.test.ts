import type Stripe from 'stripe';
import { startRunning, testWebhookSecret, topUp, until, type Running } from '../test/running-simulator.ts';

let running: Running;
beforeEach(async () => {
  running = await startRunning();
});
afterEach(() => running.stop());

const parsed = (index: number, toleranceSeconds?: number): Stripe.Event => {
  const received = running.receiver.received[index];
  if (!received) throw new Error(`nothing was received at ${index}`);
  return running.stripe.webhooks.constructEvent(received.body, received.signature, testWebhookSecret, toleranceSeconds);
};

async function pendingWebhooks(): Promise<number[]> {
  return (await running.stripe.events.list({ limit: 100 })).data.map((event) => event.pending_webhooks);
}

test('a webhook that is not taken is sent again, with growing pauses, until it is', async () => {
  running.receiver.answers.push(500, 302, 404);
  await running.stripe.customers.create({});
  await until(() => running.receiver.received.length === 4);
  await until(async () => (await pendingWebhooks())[0] === 0);
  const ids = [0, 1, 2, 3].map((index) => parsed(index).id);
  expect(new Set(ids).size).toBe(1);
  const { deliveries } = await running.control('GET', '/webhooks');
  expect(deliveries).toMatchObject([{ attempts: 4, state: 'delivered', lastResult: 'status 200' }]);
});

test('an event counts its endpoint as pending until it was taken', async () => {
  await running.control('POST', '/webhooks', { held: true });
  await running.stripe.customers.create({});
  expect(await pendingWebhooks()).toEqual([1]);
  expect((await running.stripe.events.list({ delivery_success: false })).data).toHaveLength(1);
  await running.control('POST', '/webhooks', { held: false });
  await until(async () => (await pendingWebhooks())[0] === 0);
  expect((await running.stripe.events.list({ delivery_success: true })).data).toHaveLength(1);
  expect((await running.stripe.events.list({ delivery_success: false })).data).toEqual([]);
});

test('held webhooks can be let go in the opposite order', async () => {
  await running.control('POST', '/webhooks', { held: true, order: 'newest-first' });
  const session = await running.stripe.checkout.sessions.create(topUp());
  await running.control('POST', `/checkout/${session.id}/pay`);
  await running.control('POST', '/webhooks', { held: false });
  await until(() => running.receiver.received.length === 4);
  expect([0, 1, 2, 3].map((index) => parsed(index).type)).toEqual([
    'checkout.session.completed',
    'payment_intent.succeeded',
    'charge.succeeded',
    'payment_intent.created',
  ]);
});

test('each webhook can come several times, and late', async () => {
  await running.control('POST', '/webhooks', { duplicates: 2, delayMs: 200 });
  const sentAtMs = Date.now();
  await running.stripe.customers.create({});
  await until(() => running.receiver.received.length === 3);
  expect(Date.now() - sentAtMs).toBeGreaterThanOrEqual(190);
  expect(new Set([0, 1, 2].map((index) => parsed(index).id)).size).toBe(1);
});

test('forged, old and future signatures can be made, and the SDK refuses the first two', async () => {
  for (const conditions of [{ wrongSecret: true }, { timestampSkewSeconds: -600 }]) {
    await running.control('POST', '/webhooks', conditions);
    const index = running.receiver.received.length;
    await running.stripe.customers.create({});
    await until(() => running.receiver.received.length === index + 1);
    expect(() => parsed(index)).toThrow(/signature|[Tt]imestamp/);
    await running.control('DELETE', '/webhooks');
  }
  await running.control('POST', '/webhooks', { timestampSkewSeconds: 600 });
  await running.stripe.customers.create({});
  await until(() => running.receiver.received.length === 3);
  // The SDK takes it: its window has one side, so our own check must have two.
  expect(parsed(2).type).toBe('customer.created');
});

test('one changed byte makes the signature wrong', async () => {
  await running.stripe.customers.create({});
  await until(() => running.receiver.received.length === 1);
  const { body = '', signature = '' } = running.receiver.received[0] ?? {};
  expect(() => running.stripe.webhooks.constructEvent(body.replace('false', 'falsE'), signature, testWebhookSecret)).toThrow(
    /signature/,
  );
});

test('an event of a type that nobody knows, and an event once more', async () => {
  const event = await running.control('POST', '/events', { type: 'moon.landed', object: { id: 'moon_1', object: 'moon' } });
  await until(() => running.receiver.received.length === 1);
  expect(parsed(0)).toMatchObject({ id: event['id'], type: 'moon.landed', data: { object: { id: 'moon_1' } } });
  await running.control('POST', `/events/${String(event['id'])}/resend`);
  await until(() => running.receiver.received.length === 2);
  expect(parsed(1).id).toBe(event['id']);
});

test('an endpoint made by the API gets only what it asked for, and only its creation shows the secret', async () => {
  const endpoint = await running.stripe.webhookEndpoints.create({
    url: running.receiver.url,
    enabled_events: ['checkout.session.expired'],
  });
  expect(endpoint.secret).toMatch(/^whsec_/);
  const listed = await running.stripe.webhookEndpoints.list();
  expect(listed.data).toHaveLength(2);
  expect(listed.data.every((entry) => entry.secret === undefined)).toBe(true);
  const session = await running.stripe.checkout.sessions.create(topUp());
  await running.stripe.checkout.sessions.expire(session.id);
  await until(() => running.receiver.received.length === 2);
  const taken = running.receiver.received.filter(({ body, signature }) => {
    try {
      return running.stripe.webhooks.constructEvent(body, signature, endpoint.secret ?? '').type === 'checkout.session.expired';
    } catch {
      return false;
    }
  });
  expect(taken).toHaveLength(1);
});

test('the controls refuse browsers, proxies and foreign host names', async () => {
  const url = `${running.simulator.controlUrl}/webhooks`;
  for (const headers of [
    { origin: 'http://localhost:7420' },
    { 'x-forwarded-for': '203.0.113.7' },
    { 'x-forwarded-host': 'evil.example' },
  ]) {
    expect((await fetch(url, { headers })).status).toBe(403);
  }
  const wrongType = await fetch(url, { method: 'POST', body: '{"held":true}', headers: { 'content-type': 'text/plain' } });
  expect(wrongType.status).toBe(415);
  expect((await fetch(url)).status).toBe(200);
});
