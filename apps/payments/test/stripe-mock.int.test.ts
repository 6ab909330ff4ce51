/**
 * Every request that the processor makes, before an independent judge: stripe-mock holds each against Stripe's specification. Real: the processor,
 * the simulator that answers it, and stripe-mock; `judge.ts` shows it every request on its way.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Simulator, startSimulator, startStripeMock, StripeMockUnavailable, type StripeMock } from '@rialto/stripe-sim';
import Stripe from 'stripe';
import { Processor } from '../src/stripe/processor.ts';
import { checkoutParams } from '../src/stripe/requests.ts';
import { type Judge, startJudge } from './judge.ts';
import { newTopUpId, STRIPE_KEY, WEBHOOK_SECRET } from './world.ts';

const FIRST_START_MS = 360_000;
const LONG_AGO = new Date(Date.now() - 3_600_000);
/** One more than fits on a page of Stripe's. */
const MORE_THAN_A_PAGE = 101;

let mock: StripeMock | undefined;
let simulator: Simulator;
let judge: Judge;
let missing: string | undefined;
const dataDir = mkdtempSync(join(tmpdir(), 'rialto-payments-judge-'));
beforeAll(async () => {
  try {
    mock = await startStripeMock();
  } catch (error) {
    // Where everything must run, a judge that cannot be had is a failure.
    if (!(error instanceof StripeMockUnavailable) || process.env.CI) throw error;
    missing = error.message;
    return;
  }
  const webhook = { url: 'http://127.0.0.1:9/', secret: WEBHOOK_SECRET };
  simulator = await startSimulator({ port: 0, publicUrl: '', key: STRIPE_KEY, webhook, dataDir });
  judge = await startJudge({ simulator, mock });
}, FIRST_START_MS);
afterAll(async () => {
  judge?.stop();
  await simulator?.stop();
  await mock?.stop();
  rmSync(dataDir, { recursive: true });
});

/** What each method is called with; one that is missing here does not compile. */
type Drive = {
  [M in keyof Processor]: (processor: Processor, paid: { topUpId: string; session: string; intent: string }) => Promise<unknown>;
};
const DRIVES: Drive = {
  openCheckout: async (processor) => {
    await processor.openCheckout({ topUpId: newTopUpId(), currency: 'EUR', amountMinor: 2_000n });
    await processor.openCheckout({ topUpId: newTopUpId(), currency: 'JPY', amountMinor: 2_000n });
    return processor.openCheckout({ topUpId: newTopUpId(), currency: 'KWD', amountMinor: 5_000n });
  },
  findCheckout: (processor, { topUpId }) => processor.findCheckout(topUpId, LONG_AGO),
  readCheckout: (processor, { session }) => processor.readCheckout(session),
  findCheckoutOfPayment: (processor, { intent }) => processor.findCheckoutOfPayment(intent),
  listRefunds: (processor, { intent }) => processor.listRefunds(intent),
  listNotices: (processor) => processor.listNotices(LONG_AGO),
  listMovements: (processor) => processor.listMovements(LONG_AGO),
};

/** A top-up that was paid and in part refunded, and more of everything than one page holds. */
async function something(processor: Processor) {
  const stripe = new Stripe(STRIPE_KEY, { host: simulator.host, port: simulator.port, protocol: 'http' });
  const topUpId = newTopUpId();
  const { sessionId: session } = await processor.openCheckout({ topUpId, currency: 'EUR', amountMinor: 2_000n });
  await fetch(`${simulator.controlUrl}/checkout/${session}/pay`, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  });
  const intent = (await stripe.checkout.sessions.retrieve(session)).payment_intent as string;
  const many = Array.from({ length: MORE_THAN_A_PAGE });
  await Promise.all(many.map(() => stripe.refunds.create({ payment_intent: intent, amount: 1 })));
  const another = checkoutParams({
    topUpId: newTopUpId(),
    currency: 'EUR',
    amountMinor: 2_000n,
    publicUrl: 'http://localhost:7420',
  });
  await Promise.all(many.map(() => stripe.checkout.sessions.create(another)));
  return { topUpId, session, intent };
}

test('Stripe takes every request of the processor, and answers with what it is for', async () => {
  if (missing !== undefined) {
    process.stderr.write(`Not run: requests against stripe-mock: ${missing}\n`);
    return;
  }
  const processor = new Processor({ key: STRIPE_KEY, url: judge.url, publicUrl: 'http://localhost:7420', log: console });
  const methods = Object.getOwnPropertyNames(Processor.prototype).filter((name) => name !== 'constructor');
  expect(Object.keys(DRIVES).toSorted()).toEqual(methods.toSorted());
  const paid = await something(processor);
  for (const [name, drive] of Object.entries(DRIVES)) {
    const asked = judge.verdicts.length;
    const answer = await drive(processor, paid);
    expect([name, judge.verdicts.length > asked]).toEqual([name, true]);
    if (name.startsWith('list')) expect((answer as unknown[]).length).toBeGreaterThan(MORE_THAN_A_PAGE - 1);
    else expect(answer).toMatchObject({ sessionId: expect.stringContaining('cs_') });
  }
  expect(judge.verdicts.filter(({ status }) => status !== 200)).toEqual([]);
  expect([...new Set(judge.verdicts.map(({ shape }) => shape))].toSorted()).toMatchInlineSnapshot(`
   [
     "GET /v1/balance_transactions created[gte] expand[] limit",
     "GET /v1/balance_transactions created[gte] expand[] limit starting_after",
     "GET /v1/checkout/sessions created[gte] limit",
     "GET /v1/checkout/sessions created[gte] limit starting_after",
     "GET /v1/checkout/sessions limit payment_intent",
     "GET /v1/checkout/sessions/:id expand[]",
     "GET /v1/events created[gte] limit starting_after types[]",
     "GET /v1/events created[gte] limit types[]",
     "GET /v1/refunds limit payment_intent",
     "GET /v1/refunds limit payment_intent starting_after",
     "POST /v1/checkout/sessions cancel_url client_reference_id line_items[][price_data][currency] line_items[][price_data][product_data][name] line_items[][price_data][unit_amount] line_items[][quantity] metadata[topUpId] mode payment_intent_data[metadata][topUpId] success_url",
   ]
  `);
}, 60_000);

test('the judge refuses what is wrong, so that its consent means something', async () => {
  if (missing !== undefined) return;
  const { hostname, port } = new URL(judge.url);
  const stripe = new Stripe(STRIPE_KEY, { host: hostname, port: Number(port), protocol: 'http', maxNetworkRetries: 0 });
  const before = judge.verdicts.length;
  const wrong = { created: { gte: 1 }, surprise: 'x' } as Stripe.EventListParams;
  await stripe.events.list(wrong).catch(() => undefined);
  expect(judge.verdicts.slice(before)).toMatchObject([{ status: 400, words: expect.stringContaining('additional properties') }]);
});
