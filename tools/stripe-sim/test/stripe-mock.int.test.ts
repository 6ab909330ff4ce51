import Stripe from 'stripe';
import { readStripeMockConfig } from '../src/config.ts';
import { checkoutRequests } from '../src/requests.ts';
import { StripeMockUnavailable, startStripeMock, whyNoStripeMock, type StripeMock } from '../src/stripe-mock.ts';
import { refusal, sdk } from './running-simulator.ts';

/** The first start downloads and builds it. */
const firstStartMs = 360_000;

const missing = whyNoStripeMock();

// Where Go is missing, that is said by name; in CI nothing may be missing, so there the tests run and fail.
if (missing !== null && !readStripeMockConfig().isCi) {
  test(`not run: requests against stripe-mock. ${missing}`, async () => {
    process.stderr.write(`Not run: requests against stripe-mock: ${missing}\n`);
    await expect(startStripeMock()).rejects.toThrow(StripeMockUnavailable);
  });
} else {
  describe('stripe-mock', () => {
    let mock: StripeMock;
    let stripe: Stripe;
    beforeAll(async () => {
      mock = await startStripeMock();
      stripe = sdk(mock, 'sk_test_stripeMock');
    }, firstStartMs);
    afterAll(() => mock?.stop());

    test.each(checkoutRequests.map(({ name, send }) => [name, send] as const))('accepts: %s', async (_, send) => {
      await send(stripe);
    });

    test('runs beside another of its kind, as when two test files use it at once', async () => {
      const second = await startStripeMock();
      await sdk(second, 'sk_test_stripeMock').customers.list();
      await second.stop();
    });

    test('refuses an unknown parameter and a wrong type, so that its consent means something', async () => {
      const unknown = { surprise: 'x' } as Stripe.CustomerCreateParams;
      expect(await refusal(stripe.customers.create(unknown))).toBeInstanceOf(Stripe.errors.StripeInvalidRequestError);
      const wrong = { payment_intent: 'pi_1', amount: 'all' } as unknown as Stripe.RefundCreateParams;
      expect(await refusal(stripe.refunds.create(wrong))).toMatchObject({ statusCode: 400 });
    });
  });
}
