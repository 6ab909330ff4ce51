import type Stripe from 'stripe';
import * as z from 'zod';
import { invalidRequest, noSuch } from './errors.ts';
import { emit } from './events.ts';
import { newId } from './ids.ts';
import { createLineItem, lineItemParameter } from './line-items.ts';
import { checkChargeable } from './money.ts';
import {
  createdRange,
  email,
  expandable,
  list,
  mergeMetadata,
  metadata,
  paging,
  text,
  timestamp,
  url,
  word,
} from './parameters.ts';
import { listAnswer, load, nowSeconds, operation, save, type Operation, type Simulation } from './simulation.ts';

const SESSION_LIMITS = { shortestSeconds: 30 * 60, longestSeconds: 86_400 } as const;

const paymentIntentData = z.strictObject({
  description: text.optional(),
  metadata: metadata.optional(),
  receipt_email: email.optional(),
  statement_descriptor: text.optional(),
  statement_descriptor_suffix: text.optional(),
} satisfies Partial<Record<keyof Stripe.Checkout.SessionCreateParams.PaymentIntentData, z.ZodType>>);

const createParams = z.strictObject({
  cancel_url: url.optional(),
  client_reference_id: text.optional(),
  customer: text.optional(),
  customer_email: email.optional(),
  expires_at: timestamp.optional(),
  line_items: list(lineItemParameter),
  locale: word(['auto', 'en', 'fr']).optional(),
  metadata: metadata.optional(),
  mode: word(['payment', 'setup', 'subscription']),
  payment_intent_data: paymentIntentData.optional(),
  submit_type: word(['auto', 'pay', 'book', 'donate']).optional(),
  success_url: url,
  ...expandable,
} satisfies Partial<Record<keyof Stripe.Checkout.SessionCreateParams, z.ZodType>>);

type CreateParams = z.output<typeof createParams>;

function checkSession(simulation: Simulation, params: CreateParams): void {
  if (params.mode !== 'payment')
    throw invalidRequest(`The simulator knows mode "payment" only, not "${params.mode}".`, { param: 'mode' });
  if (params.customer !== undefined && params.customer_email !== undefined) {
    throw invalidRequest('You may only specify one of these parameters: customer, customer_email.', { param: 'customer_email' });
  }
  const currencies = new Set(params.line_items.map((item) => item.price_data.currency));
  if (currencies.size !== 1) {
    throw invalidRequest('A session needs line items, all of one currency.', { code: 'parameter_missing', param: 'line_items' });
  }
  const lifetime = params.expires_at === undefined ? SESSION_LIMITS.longestSeconds : params.expires_at - nowSeconds(simulation);
  if (lifetime < SESSION_LIMITS.shortestSeconds || lifetime > SESSION_LIMITS.longestSeconds) {
    throw invalidRequest('The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.', {
      param: 'expires_at',
    });
  }
}

function createSession(simulation: Simulation, params: CreateParams): Stripe.Checkout.Session {
  checkSession(simulation, params);
  const customer = params.customer === undefined ? null : load(simulation, 'customer', params.customer, 'customer');
  const lineItems = params.line_items.map((item) => createLineItem(simulation, item));
  const total = lineItems.reduce((sum, item) => sum + item.amount_total, 0);
  const currency = lineItems[0]?.currency ?? '';
  checkChargeable(total, currency, 'line_items');
  const id = newId('cs');
  save(simulation, 'checkout.session.backing', {
    id,
    lineItems,
    paymentIntentData: {
      metadata: mergeMetadata({}, params.payment_intent_data?.metadata),
      description: params.payment_intent_data?.description ?? null,
      receipt_email: params.payment_intent_data?.receipt_email ?? null,
      statement_descriptor: params.payment_intent_data?.statement_descriptor ?? null,
      statement_descriptor_suffix: params.payment_intent_data?.statement_descriptor_suffix ?? null,
    },
  });
  const created = nowSeconds(simulation);
  return save(simulation, 'checkout.session', {
    ...emptySession,
    id,
    amount_subtotal: total,
    amount_total: total,
    cancel_url: params.cancel_url ?? null,
    client_reference_id: params.client_reference_id ?? null,
    created,
    currency,
    customer: customer?.id ?? null,
    customer_creation: customer ? null : 'if_required',
    customer_details: detailsOf(customer?.email ?? params.customer_email ?? null, customer?.name ?? null),
    customer_email: params.customer_email ?? null,
    expires_at: params.expires_at ?? created + SESSION_LIMITS.longestSeconds,
    locale: params.locale ?? null,
    metadata: mergeMetadata({}, params.metadata),
    submit_type: params.submit_type ?? null,
    success_url: params.success_url,
    url: `${simulation.checkoutBase()}/${id}`,
  });
}

/** A session's fields that nothing in the simulation fills. */
const emptySession: Omit<
  Stripe.Checkout.Session,
  'id' | 'created' | 'currency' | 'expires_at' | 'success_url' | 'url' | 'amount_subtotal' | 'amount_total' | 'customer_details'
> = {
  object: 'checkout.session',
  adaptive_pricing: { enabled: false },
  after_expiration: null,
  allow_promotion_codes: null,
  allowed_payment_method_types: null,
  automatic_tax: { enabled: false, liability: null, provider: null, status: null },
  billing_address_collection: null,
  cancel_url: null,
  client_reference_id: null,
  client_secret: null,
  collected_information: null,
  consent: null,
  consent_collection: null,
  currency_conversion: null,
  custom_fields: [],
  custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
  customer: null,
  customer_account: null,
  customer_creation: null,
  customer_email: null,
  discounts: [],
  integration_identifier: null,
  invoice: null,
  invoice_creation: null,
  livemode: false,
  locale: null,
  managed_payments: null,
  metadata: {},
  mode: 'payment',
  origin_context: null,
  payment_intent: null,
  payment_link: null,
  payment_method_collection: 'if_required',
  payment_method_configuration_details: null,
  payment_method_options: {},
  payment_method_types: ['card'],
  payment_status: 'unpaid',
  permissions: null,
  recovered_from: null,
  saved_payment_method_options: null,
  setup_intent: null,
  shipping_address_collection: null,
  shipping_cost: null,
  shipping_options: [],
  status: 'open',
  submit_type: null,
  subscription: null,
  total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
  ui_mode: 'hosted_page',
  wallet_options: null,
};

/** Who pays, as the session shows it; null while nobody is known. */
export function detailsOf(mail: string | null, name: string | null): Stripe.Checkout.Session.CustomerDetails | null {
  if (mail === null && name === null) return null;
  return {
    address: null,
    business_name: null,
    email: mail,
    individual_name: null,
    name,
    phone: null,
    tax_exempt: 'none',
    tax_ids: null,
  };
}

/** Ends an open session without payment. */
export function expireSession(simulation: Simulation, session: Stripe.Checkout.Session): Stripe.Checkout.Session {
  if (session.status !== 'open') {
    throw invalidRequest(
      `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of ${session.status ?? 'none'}.`,
    );
  }
  const expired = save(simulation, 'checkout.session', { ...session, status: 'expired', url: null });
  emit(simulation, 'checkout.session.expired', expired);
  return expired;
}

const listParams = z.strictObject({
  ...paging,
  created: createdRange,
  customer: text.optional(),
  payment_intent: text.optional(),
  status: word(['open', 'complete', 'expired']).optional(),
} satisfies Partial<Record<keyof Stripe.Checkout.SessionListParams, z.ZodType>>);

const path = '/v1/checkout/sessions';

export const checkoutSessionOperations: Operation[] = [
  operation('POST', path, createParams, ({ simulation, params }) => createSession(simulation, params)),
  operation('GET', `${path}/:id`, z.strictObject(expandable), ({ simulation, id }) => load(simulation, 'checkout.session', id)),
  operation('POST', `${path}/:id/expire`, z.strictObject(expandable), ({ simulation, id }) =>
    expireSession(simulation, load(simulation, 'checkout.session', id)),
  ),
  operation('GET', path, listParams, ({ simulation, params }) => {
    const equals = { customer: params.customer, payment_intent: params.payment_intent, status: params.status };
    return listAnswer(path, simulation.store.list('checkout.session', params, { equals, created: params.created }));
  }),
  operation('GET', `${path}/:id/line_items`, z.strictObject(paging), ({ simulation, id, params }) => {
    const items = load(simulation, 'checkout.session.backing', id).lineItems;
    const start = params.starting_after === undefined ? 0 : items.findIndex((item) => item.id === params.starting_after) + 1;
    if (params.starting_after !== undefined && start === 0) throw noSuch('item', params.starting_after, 'starting_after');
    const limit = params.limit ?? 10;
    return listAnswer(`${path}/${id}/line_items`, {
      data: items.slice(start, start + limit),
      hasMore: items.length > start + limit,
    });
  }),
];
