/** The objects as they travel: the SDK's own types, so that `tsc` names every field that a new API version adds. */
import type Stripe from 'stripe';

/** The SDK hands out exact decimals as an object; on the wire they are text. */
type WirePrice = Omit<Stripe.Price, 'unit_amount_decimal'> & { unit_amount_decimal: string | null };
export type WireLineItem = Omit<Stripe.LineItem, 'price'> & { price: WirePrice | null };

/** An event whose object may be of a type that no SDK knows yet. */
export type WireEvent = Omit<Stripe.EventBase, 'type'> & { type: string };

/** What a Checkout Session remembers and does not show. */
export interface SessionBacking {
  id: string;
  lineItems: WireLineItem[];
  paymentIntentData: {
    metadata: Record<string, string>;
    description: string | null;
    receipt_email: string | null;
    statement_descriptor: string | null;
    statement_descriptor_suffix: string | null;
  };
}

/** One delivery of one event to one endpoint. */
export interface Delivery {
  id: string;
  event: string;
  endpoint: string;
  state: 'waiting' | 'delivered' | 'given-up';
  attempts: number;
  /** Milliseconds since 1970. */
  dueAtMs: number;
  lastResult: string | null;
}

/** Everything that is stored, by the `object` it calls itself. */
export interface Kinds {
  'checkout.session': Stripe.Checkout.Session;
  'checkout.session.backing': SessionBacking;
  payment_intent: Stripe.PaymentIntent;
  customer: Stripe.Customer;
  charge: Stripe.Charge;
  refund: Stripe.Refund;
  balance_transaction: Stripe.BalanceTransaction;
  event: WireEvent;
  webhook_endpoint: Stripe.WebhookEndpoint;
  delivery: Delivery;
}

export type Kind = keyof Kinds;
