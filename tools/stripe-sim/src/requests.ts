import type Stripe from 'stripe';

/** One request that our code sends, made through the SDK, so that an independent mock can judge it. */
export interface StripeRequest {
  name: string;
  send: (stripe: Stripe) => Promise<unknown>;
}

/** The requests of a top-up: from the customer to the reconciliation. Ids name nothing; a specification-based mock does not mind. */
export const checkoutRequests: readonly StripeRequest[] = [
  {
    name: 'create a customer',
    send: (stripe) => stripe.customers.create({ metadata: { account: 'acct_1' } }, { idempotencyKey: 'request-check-customer' }),
  },
  { name: 'update a customer', send: (stripe) => stripe.customers.update('cus_1', { metadata: { account: 'acct_2' } }) },
  { name: 'retrieve a customer', send: (stripe) => stripe.customers.retrieve('cus_1') },
  {
    name: 'create a Checkout Session',
    send: (stripe) =>
      stripe.checkout.sessions.create({
        mode: 'payment',
        customer: 'cus_1',
        client_reference_id: 'topup_1',
        success_url: 'http://localhost:7420/wallet?topup={CHECKOUT_SESSION_ID}',
        cancel_url: 'http://localhost:7420/wallet',
        line_items: [{ quantity: 1, price_data: { currency: 'eur', unit_amount: 2_000, product_data: { name: 'Top-up' } } }],
        metadata: { topup: 'topup_1' },
        payment_intent_data: { metadata: { topup: 'topup_1' }, description: 'Top-up' },
      }),
  },
  {
    name: 'retrieve a Checkout Session with its money',
    send: (stripe) =>
      stripe.checkout.sessions.retrieve('cs_test_1', { expand: ['payment_intent.latest_charge.balance_transaction'] }),
  },
  { name: 'expire a Checkout Session', send: (stripe) => stripe.checkout.sessions.expire('cs_test_1') },
  { name: 'list Checkout Sessions', send: (stripe) => stripe.checkout.sessions.list({ status: 'open', limit: 100 }) },
  { name: 'list line items', send: (stripe) => stripe.checkout.sessions.listLineItems('cs_test_1', { limit: 10 }) },
  {
    name: 'retrieve a PaymentIntent with its money',
    send: (stripe) => stripe.paymentIntents.retrieve('pi_1', { expand: ['latest_charge.balance_transaction'] }),
  },
  { name: 'retrieve a charge', send: (stripe) => stripe.charges.retrieve('ch_1', { expand: ['balance_transaction'] }) },
  {
    name: 'refund a payment',
    send: (stripe) => stripe.refunds.create({ payment_intent: 'pi_1', amount: 500, reason: 'requested_by_customer' }),
  },
  { name: 'list refunds', send: (stripe) => stripe.refunds.list({ payment_intent: 'pi_1' }) },
  { name: 'retrieve a balance transaction', send: (stripe) => stripe.balanceTransactions.retrieve('txn_1') },
  {
    name: 'list balance transactions',
    send: (stripe) => stripe.balanceTransactions.list({ created: { gte: 1_700_000_000 }, limit: 100, expand: ['data.source'] }),
  },
  { name: 'retrieve an event', send: (stripe) => stripe.events.retrieve('evt_1') },
  {
    name: 'list missed events',
    send: (stripe) =>
      stripe.events.list({ types: ['checkout.session.completed'], delivery_success: false, limit: 100, starting_after: 'evt_1' }),
  },
  {
    name: 'register a webhook endpoint',
    send: (stripe) =>
      stripe.webhookEndpoints.create({
        url: 'https://example.com/webhooks/stripe',
        enabled_events: ['checkout.session.completed'],
      }),
  },
  { name: 'list webhook endpoints', send: (stripe) => stripe.webhookEndpoints.list({ limit: 10 }) },
];
