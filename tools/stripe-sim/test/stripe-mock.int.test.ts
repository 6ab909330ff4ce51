import Stripe from 'stripe';
import { checkoutRequests } from '../src/requests.ts';
import {
  StripeMockUnavailable,
  findStripeMock,
  isStripeMockRequired,
  startStripeMock,
  type StripeMock,
} from '../src/stripe-mock.ts';
import { refusal, sdk } from './running-simulator.ts';

const firstBuildMs = 360_000;
let mock: StripeMock | null = null;
let stripe: Stripe | null = null;

/** Where Go is missing, its absence is said once, as the runner prints it; in CI it is a failure. */
beforeAll(async () => {
  try {
    await findStripeMock();
  } catch (error) {
    if (!(error instanceof StripeMockUnavailable) || isStripeMockRequired()) throw error;
    process.stderr.write(`not run: requests against stripe-mock: ${error.message}\n`);
    return;
  }
  mock = await startStripeMock();
  stripe = sdk(mock, 'sk_test_stripeMock');
}, firstBuildMs);
afterAll(() => mock?.stop());

test.each(checkoutRequests.map(({ name, send }) => [name, send] as const))('stripe-mock accepts: %s', async (_, send) => {
  if (stripe) await send(stripe);
});

test('stripe-mock refuses an unknown parameter and a wrong type, so that its consent means something', async () => {
  if (!stripe) return;
  const unknown = { surprise: 'x' } as Stripe.CustomerCreateParams;
  expect(await refusal(stripe.customers.create(unknown))).toBeInstanceOf(Stripe.errors.StripeInvalidRequestError);
  const wrong = { payment_intent: 'pi_1', amount: 'all' } as unknown as Stripe.RefundCreateParams;
  expect(await refusal(stripe.refunds.create(wrong))).toMatchObject({ statusCode: 400 });
});
