import type Stripe from 'stripe';
import * as z from 'zod';
import { cardByPaymentMethod } from './cards.ts';
import { StripeProblem, invalidRequest } from './errors.ts';
import { emit } from './events.ts';
import { checkChargeable } from './money.ts';
import {
  amountMinor,
  boolean,
  createdRange,
  currency,
  email,
  expandable,
  mergeMetadata,
  metadata,
  paging,
  text,
  word,
} from './parameters.ts';
import { openIntent, payIntent } from './paying.ts';
import { listAnswer, load, nowSeconds, operation, save, type Operation, type Simulation } from './simulation.ts';

function confirm(simulation: Simulation, intent: Stripe.PaymentIntent, paymentMethod: string | undefined): Stripe.PaymentIntent {
  if (!['requires_payment_method', 'requires_confirmation'].includes(intent.status)) {
    const message = `This PaymentIntent's status is ${intent.status} and it cannot be confirmed.`;
    throw invalidRequest(message, { code: 'payment_intent_unexpected_state' });
  }
  if (paymentMethod === undefined) {
    const message = 'You cannot confirm this PaymentIntent because it is missing a payment method.';
    throw invalidRequest(message, { code: 'payment_intent_unexpected_state' });
  }
  const card = cardByPaymentMethod(paymentMethod);
  if (!card)
    throw invalidRequest(`No such PaymentMethod: '${paymentMethod}'`, { code: 'resource_missing', param: 'payment_method' });
  return payIntent(simulation, intent, card);
}

/** A decline is an error to the caller and yet happened: the intent, its charge and its events stay, so the problem is returned, not thrown. */
function answerAfterPaying(intent: Stripe.PaymentIntent): Stripe.PaymentIntent | StripeProblem {
  const error = intent.last_payment_error;
  if (!error) return intent;
  return new StripeProblem(402, {
    type: 'card_error',
    message: error.message ?? '',
    ...(error.code === undefined ? {} : { code: error.code }),
    ...(error.decline_code === undefined ? {} : { decline_code: error.decline_code }),
    ...(error.charge === undefined ? {} : { charge: error.charge }),
    payment_intent: intent,
  });
}

const createParams = z.strictObject({
  amount: amountMinor,
  automatic_payment_methods: z
    .strictObject({ enabled: boolean, allow_redirects: word(['always', 'never']).optional() })
    .optional(),
  confirm: boolean.optional(),
  currency,
  customer: text.optional(),
  description: text.optional(),
  metadata: metadata.optional(),
  payment_method: text.optional(),
  receipt_email: email.optional(),
  return_url: text.optional(),
  statement_descriptor: text.optional(),
  statement_descriptor_suffix: text.optional(),
  ...expandable,
} satisfies Partial<Record<keyof Stripe.PaymentIntentCreateParams, z.ZodType>>);

const cancelParams = z.strictObject({
  cancellation_reason: word(['abandoned', 'duplicate', 'fraudulent', 'requested_by_customer']).optional(),
  ...expandable,
});

const listParams = z.strictObject({ ...paging, created: createdRange, customer: text.optional() });
const confirmParams = z.strictObject({ payment_method: text.optional(), return_url: text.optional(), ...expandable });

export const paymentIntentOperations: Operation[] = [
  operation('POST', '/v1/payment_intents', createParams, ({ simulation, params }) => {
    checkChargeable(params.amount, params.currency, 'amount');
    if (params.customer !== undefined) load(simulation, 'customer', params.customer, 'customer');
    const intent = openIntent(simulation, {
      amount: params.amount,
      currency: params.currency,
      customer: params.customer ?? null,
      description: params.description ?? null,
      metadata: mergeMetadata({}, params.metadata),
      receiptEmail: params.receipt_email ?? null,
      statementDescriptor: params.statement_descriptor ?? null,
      statementDescriptorSuffix: params.statement_descriptor_suffix ?? null,
    });
    return params.confirm === true ? answerAfterPaying(confirm(simulation, intent, params.payment_method)) : intent;
  }),
  operation('POST', '/v1/payment_intents/:id/confirm', confirmParams, ({ simulation, id, params }) =>
    answerAfterPaying(confirm(simulation, load(simulation, 'payment_intent', id), params.payment_method)),
  ),
  operation('POST', '/v1/payment_intents/:id/cancel', cancelParams, ({ simulation, id, params }) => {
    const intent = load(simulation, 'payment_intent', id);
    if (!['requires_payment_method', 'requires_confirmation', 'requires_action'].includes(intent.status)) {
      const message = `You cannot cancel this PaymentIntent because it has a status of ${intent.status}.`;
      throw invalidRequest(message, { code: 'payment_intent_unexpected_state' });
    }
    const canceled = save(simulation, 'payment_intent', {
      ...intent,
      status: 'canceled',
      canceled_at: nowSeconds(simulation),
      cancellation_reason: params.cancellation_reason ?? null,
    });
    emit(simulation, 'payment_intent.canceled', canceled);
    return canceled;
  }),
  operation('GET', '/v1/payment_intents/:id', z.strictObject(expandable), ({ simulation, id }) =>
    load(simulation, 'payment_intent', id),
  ),
  operation('GET', '/v1/payment_intents', listParams, ({ simulation, params }) => {
    const page = simulation.store.list('payment_intent', params, {
      equals: { customer: params.customer },
      created: params.created,
    });
    return listAnswer('/v1/payment_intents', page);
  }),
];
