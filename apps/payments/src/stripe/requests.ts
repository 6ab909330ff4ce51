import type Stripe from 'stripe';
import { toStripeAmount } from '../domain/money.ts';

/** Every request that we make of Stripe, as data, so that tests can show them to an independent judge. */
export interface CheckoutRequest {
  readonly topUpId: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  /** Without a slash at its end. */
  readonly publicUrl: string;
}

/** Listed pages; 100 is the most that Stripe gives at once. */
const PAGE = 100;

/** Which ways to pay are offered is decided in Stripe's dashboard; naming them here is no longer taken. */
export function checkoutParams({
  topUpId,
  currency,
  amountMinor,
  publicUrl,
}: CheckoutRequest): Stripe.Checkout.SessionCreateParams {
  return {
    mode: 'payment',
    client_reference_id: topUpId,
    line_items: [
      {
        quantity: 1,
        price_data: {
          currency: currency.toLowerCase(),
          unit_amount: toStripeAmount(amountMinor),
          product_data: { name: 'Rialto wallet' },
        },
      },
    ],
    metadata: { topUpId },
    payment_intent_data: { metadata: { topUpId } },
    success_url: `${publicUrl}/wallet?top-up=${topUpId}`,
    cancel_url: `${publicUrl}/wallet`,
  };
}

/** The same for every attempt of one top-up, so that a lost answer does not open a second checkout. */
export const checkoutOptions = (topUpId: string): Stripe.RequestOptions => ({ idempotencyKey: topUpId });

export const sessionParams: Stripe.Checkout.SessionRetrieveParams = { expand: ['payment_intent'] };
export const sessionListParams = (createdFromSeconds: number): Stripe.Checkout.SessionListParams => ({
  created: { gte: createdFromSeconds },
  limit: PAGE,
});
export const sessionOfPaymentParams = (paymentIntentId: string): Stripe.Checkout.SessionListParams => ({
  payment_intent: paymentIntentId,
  limit: 1,
});
export const refundListParams = (paymentIntentId: string): Stripe.RefundListParams => ({
  payment_intent: paymentIntentId,
  limit: PAGE,
});
export const eventListParams = (createdFromSeconds: number): Stripe.EventListParams => ({
  created: { gte: createdFromSeconds },
  types: [...FOLLOWED_EVENTS],
  limit: PAGE,
});
/** With what each line is about, which has the payer's currency and amount. */
export const balanceTransactionListParams = (createdFromSeconds: number): Stripe.BalanceTransactionListParams => ({
  created: { gte: createdFromSeconds },
  expand: ['data.source'],
  limit: PAGE,
});

/** A refund may be pending when its charge is told to be refunded, and go through days later: then only the refund's own event tells. */
export const REFUND_EVENTS: readonly string[] = ['charge.refunded', 'refund.updated'];
/** What can change a top-up. Other events are recorded and ignored. */
export const FOLLOWED_EVENTS = [
  'checkout.session.completed',
  'checkout.session.async_payment_succeeded',
  'checkout.session.async_payment_failed',
  'checkout.session.expired',
  'charge.refunded',
  'refund.updated',
] as const;
