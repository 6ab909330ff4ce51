/** What the simulator answers, compared with Stripe's own specification (the extract says its version and source). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { idOf, startRunning, testKey, topUp, until, type Running } from '../test/running-simulator.ts';

interface Shape {
  required: string[];
  properties: Record<string, object>;
}

const file = join(__dirname, '..', 'test', 'generated', 'specification-shapes.json');
const { definitions } = JSON.parse(readFileSync(file, 'utf8')) as { definitions: Record<string, Shape> };
const ajv = new Ajv({ strict: false, allErrors: true });

/** Members that the SDK's types ask for and the extract does not list: its version is two months older and leaves out what only SDKs see. */
const onlyInTheSdk: Record<string, string[]> = {
  'checkout.session': ['allowed_payment_method_types'],
  payment_intent: ['payment_record', 'source'],
  charge: ['source'],
};

let running: Running;
let answers: Record<string, Record<string, unknown>>;

async function raw(path: string): Promise<Record<string, unknown>> {
  const url = `http://127.0.0.1:${running.simulator.port}/v1/${path}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${testKey}` } });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
}

beforeAll(async () => {
  running = await startRunning();
  const { stripe } = running;
  const customer = await stripe.customers.create({ email: 'ana@example.com' });
  const session = await stripe.checkout.sessions.create(topUp({ customer: customer.id }));
  await running.control('POST', `/checkout/${session.id}/pay`, { card: 'declined' });
  await running.control('POST', `/checkout/${session.id}/pay`);
  const { payment_intent: intent } = await stripe.checkout.sessions.retrieve(session.id);
  const refund = await stripe.refunds.create({ payment_intent: idOf(intent) });
  const [charge, failed] = (await raw(`charges?payment_intent=${idOf(intent)}`))['data'] as Record<string, unknown>[];
  const [item] = (await raw(`checkout/sessions/${session.id}/line_items`))['data'] as Record<string, unknown>[];
  const open = await stripe.checkout.sessions.create(topUp());
  await until(() => running.receiver.received.length > 0);
  answers = {
    customer: await raw(`customers/${customer.id}`),
    'checkout.session, paid': await raw(`checkout/sessions/${session.id}`),
    'checkout.session, open': await raw(`checkout/sessions/${open.id}`),
    payment_intent: await raw(`payment_intents/${idOf(intent)}`),
    'charge, paid': charge ?? {},
    'charge, failed': failed ?? {},
    refund: await raw(`refunds/${refund.id}`),
    balance_transaction: await raw(`balance_transactions/${idOf(refund.balance_transaction)}`),
    event: ((await raw('events'))['data'] as Record<string, unknown>[])[0] ?? {},
    'event, sent': JSON.parse(running.receiver.received[0]?.body ?? '{}') as Record<string, unknown>,
    webhook_endpoint: ((await raw('webhook_endpoints'))['data'] as Record<string, unknown>[])[0] ?? {},
    item: item ?? {},
    price: (item?.['price'] ?? {}) as Record<string, unknown>,
  };
});
afterAll(() => running.stop());

test.each([
  'customer',
  'checkout.session, paid',
  'checkout.session, open',
  'payment_intent',
  'charge, paid',
  'charge, failed',
  'refund',
  'balance_transaction',
  'event',
  'event, sent',
  'webhook_endpoint',
  'item',
  'price',
])('%s', (name) => {
  const kind = name.split(',', 1)[0] ?? '';
  const shape = definitions[kind];
  const answer = answers[name] ?? {};
  if (!shape) throw new Error(`the extract does not have ${kind}`);
  expect(shape.required.length).toBeGreaterThan(0);
  ajv.validate(shape, answer);
  expect(ajv.errors ?? []).toEqual([]);
  const unknown = Object.keys(answer).filter((member) => !(member in shape.properties));
  expect(unknown.toSorted()).toEqual(onlyInTheSdk[kind] ?? []);
});

test('the comparison sees a missing member, a wrong type and a wrong word', () => {
  const shape = definitions['balance_transaction'];
  const good = answers['balance_transaction'] ?? {};
  if (!shape) throw new Error('the extract does not have balance_transaction');
  const { net: _, ...withoutNet } = good;
  for (const bad of [withoutNet, { ...good, amount: '5' }, { ...good, type: 'gift' }])
    expect(ajv.validate(shape, bad)).toBe(false);
});
