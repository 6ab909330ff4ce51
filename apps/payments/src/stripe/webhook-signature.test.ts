import Stripe from 'stripe';
import { readWebhook, WEBHOOK_WINDOW_S } from './webhook-signature.ts';

const SECRET = 'whsec_webhookSignatureTests';
const NOW_S = 1_800_000_000;
const BODY = JSON.stringify({ id: 'evt_1', object: 'event', type: 'charge.refunded', created: NOW_S, data: { object: {} } });

const signed = (timestamp: number): string =>
  Stripe.webhooks.generateTestHeaderString({ payload: BODY, secret: SECRET, timestamp });
const read = (signature: string): string => {
  try {
    return readWebhook(Buffer.from(BODY), signature, { secret: SECRET, nowMs: NOW_S * 1_000 }).id;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

test.each([0, WEBHOOK_WINDOW_S, -WEBHOOK_WINDOW_S])('a delivery that was signed %i s from now is taken', (offset) => {
  expect(read(signed(NOW_S + offset))).toBe('evt_1');
});

test.each([WEBHOOK_WINDOW_S + 1, -WEBHOOK_WINDOW_S - 1])('one that was signed %i s from now is refused', (offset) => {
  expect(read(signed(NOW_S + offset))).toBe('webhook-refused');
});

test('a second time does not carry a delivery out of the window: the SDK reads the last, so only one may be there', () => {
  const ahead = signed(NOW_S + 86_400);
  for (const header of [`t=${NOW_S},${ahead}`, `${ahead},t=${NOW_S}`, `t=${NOW_S},${signed(NOW_S)}`]) {
    expect(read(header)).toBe('webhook-refused');
  }
});

test.each(['', 'v1=00', `t=,v1=00`, `t=${NOW_S}`, `t=${NOW_S},v1=00`, `t=1800000000=1,v1=00`])('no signature: “%s”', (header) => {
  expect(read(header)).toBe('webhook-refused');
});
