/** Every request that the service makes of Stripe, before the independent judge that the simulator's tests use. */
import Stripe from 'stripe';
import { startStripeMock, StripeMockUnavailable, type StripeMock } from '@rialto/stripe-sim';
import {
  checkoutOptions,
  checkoutParams,
  eventListParams,
  refundListParams,
  sessionListParams,
  sessionOfPaymentParams,
  sessionParams,
} from '../src/stripe/requests.ts';

const FIRST_START_MS = 360_000;
const FROM_SECONDS = 1_700_000_000;
const checkout = (currency: string, amountMinor: bigint) =>
  checkoutParams({ topUpId: 'top_AAAAAAAAAAAAAAAAAAAAAA', currency, amountMinor, publicUrl: 'http://localhost:7420' });

let mock: StripeMock | undefined;
let stripe: Stripe;
let missing: string | undefined;
beforeAll(async () => {
  try {
    mock = await startStripeMock();
    stripe = new Stripe('sk_test_paymentsMock', {
      host: mock.host,
      port: mock.port,
      protocol: mock.protocol,
      maxNetworkRetries: 0,
    });
  } catch (error) {
    // Where everything must run, a judge that cannot be had is a failure.
    if (!(error instanceof StripeMockUnavailable) || process.env.CI) throw error;
    missing = error.message;
  }
}, FIRST_START_MS);
afterAll(() => mock?.stop());

const requests: Record<string, () => Promise<unknown>> = {
  'open a checkout in euros': () => stripe.checkout.sessions.create(checkout('EUR', 2_000n), checkoutOptions('top_1')),
  'open a checkout in dinars': () => stripe.checkout.sessions.create(checkout('KWD', 5_000n), checkoutOptions('top_2')),
  'read a checkout': () => stripe.checkout.sessions.retrieve('cs_test_1', sessionParams),
  'look for a checkout': () => stripe.checkout.sessions.list(sessionListParams(FROM_SECONDS)),
  'look for the checkout of a payment': () => stripe.checkout.sessions.list(sessionOfPaymentParams('pi_1')),
  'list refunds': () => stripe.refunds.list(refundListParams('pi_1')),
  'list events': () => stripe.events.list(eventListParams(FROM_SECONDS)),
};
test.each(Object.entries(requests))('Stripe accepts: %s', async (_name, send) => {
  if (missing !== undefined) {
    process.stderr.write(`Not run: requests against stripe-mock: ${missing}\n`);
    return;
  }
  await send();
});

test('the judge refuses what is wrong, so that its consent means something', async () => {
  if (missing !== undefined) return;
  const wrong = { ...checkout('EUR', 2_000n), surprise: 'x' } as Stripe.Checkout.SessionCreateParams;
  await expect(stripe.checkout.sessions.create(wrong)).rejects.toMatchObject({ statusCode: 400 });
});
