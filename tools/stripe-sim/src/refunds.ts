import type Stripe from 'stripe';
import * as z from 'zod';
import { recordBalance } from './balance-transactions.ts';
import { invalidRequest } from './errors.ts';
import { emit } from './events.ts';
import { newId } from './ids.ts';
import { formatMoney } from './money.ts';
import { amountMinor, createdRange, expandable, mergeMetadata, metadata, paging, text, word } from './parameters.ts';
import { listAnswer, load, nowSeconds, operation, save, type Operation, type Simulation } from './simulation.ts';

const createParams = z.strictObject({
  amount: amountMinor.optional(),
  charge: text.optional(),
  metadata: metadata.optional(),
  payment_intent: text.optional(),
  reason: word(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
  ...expandable,
} satisfies Partial<Record<keyof Stripe.RefundCreateParams, z.ZodType>>);

/** The charge that a refund names, directly or through its payment. */
function chargeToRefund(simulation: Simulation, params: z.output<typeof createParams>): Stripe.Charge {
  if ((params.charge === undefined) === (params.payment_intent === undefined)) {
    throw invalidRequest('One of the following params should be provided for this request: payment_intent or charge.', {
      code: 'parameter_missing',
    });
  }
  if (params.charge !== undefined) return load(simulation, 'charge', params.charge, 'charge');
  const intent = load(simulation, 'payment_intent', params.payment_intent ?? '', 'payment_intent');
  if (intent.status !== 'succeeded' || typeof intent.latest_charge !== 'string') {
    throw invalidRequest(`This PaymentIntent (${intent.id}) does not have a successful charge to refund.`, {
      param: 'payment_intent',
    });
  }
  return load(simulation, 'charge', intent.latest_charge);
}

function refundAmount(charge: Stripe.Charge, asked: number | undefined): number {
  const left = charge.amount_captured - charge.amount_refunded;
  if (charge.status !== 'succeeded') throw invalidRequest(`Charge ${charge.id} has not succeeded and cannot be refunded.`);
  if (left === 0) throw invalidRequest(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' });
  const amount = asked ?? left;
  if (amount > left) {
    const message = `Refund amount (${formatMoney(amount, charge.currency, 'en')}) is greater than unrefunded amount on charge (${formatMoney(left, charge.currency, 'en')})`;
    throw invalidRequest(message, { param: 'amount' });
  }
  return amount;
}

function createRefund(simulation: Simulation, params: z.output<typeof createParams>): Stripe.Refund {
  const charge = chargeToRefund(simulation, params);
  const amount = refundAmount(charge, params.amount);
  const id = newId('re');
  const line = recordBalance(simulation, {
    type: 'refund',
    amount: -amount,
    fee: 0,
    currency: charge.currency,
    source: id,
    description: charge.description,
  });
  const refund = save(simulation, 'refund', {
    id,
    object: 'refund',
    amount,
    balance_transaction: line.id,
    charge: charge.id,
    created: nowSeconds(simulation),
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    metadata: mergeMetadata({}, params.metadata),
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: params.reason ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: 'succeeded',
    transfer_reversal: null,
  });
  const amountRefunded = charge.amount_refunded + amount;
  const refunded = amountRefunded === charge.amount_captured;
  emit(simulation, 'refund.created', refund);
  emit(simulation, 'charge.refunded', save(simulation, 'charge', { ...charge, amount_refunded: amountRefunded, refunded }));
  return refund;
}

const listParams = z.strictObject({ ...paging, charge: text.optional(), created: createdRange, payment_intent: text.optional() });

export const refundOperations: Operation[] = [
  operation('POST', '/v1/refunds', createParams, ({ simulation, params }) => createRefund(simulation, params)),
  operation('GET', '/v1/refunds/:id', z.strictObject(expandable), ({ simulation, id }) => load(simulation, 'refund', id)),
  operation('GET', '/v1/refunds', listParams, ({ simulation, params }) => {
    const equals = { charge: params.charge, payment_intent: params.payment_intent };
    return listAnswer('/v1/refunds', simulation.store.list('refund', params, { equals, created: params.created }));
  }),
];
