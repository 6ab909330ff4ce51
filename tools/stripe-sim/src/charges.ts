import type Stripe from 'stripe';
import * as z from 'zod';
import { recordBalance } from './balance-transactions.ts';
import type { TestCard } from './cards.ts';
import { emit } from './events.ts';
import { newId } from './ids.ts';
import { processingFee } from './money.ts';
import { createdRange, expandable, paging, text } from './parameters.ts';
import { listAnswer, load, nowSeconds, operation, save, type Operation, type Simulation } from './simulation.ts';

const noAddress: Stripe.Address = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };

function cardDetails(amount: number, card: TestCard): Stripe.Charge.PaymentMethodDetails {
  return {
    type: 'card',
    card: {
      amount_authorized: card.outcome.kind === 'pays' ? amount : null,
      authorization_code: null,
      brand: 'visa',
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
      country: 'US',
      electronic_commerce_indicator: null,
      exp_month: 12,
      exp_year: 2034,
      fingerprint: `simulated${card.last4}`,
      funding: 'credit',
      installments: null,
      last4: card.last4,
      mandate: null,
      network: 'visa',
      network_transaction_id: null,
      regulated_status: 'unregulated',
      three_d_secure: null,
      transaction_link_id: null,
      wallet: null,
    },
  };
}

function outcome(card: TestCard): Stripe.Charge.Outcome {
  const paid = card.outcome.kind === 'pays';
  return {
    advice_code: null,
    network_advice_code: null,
    network_decline_code: null,
    network_status: paid ? 'approved_by_network' : 'declined_by_network',
    reason: card.outcome.kind === 'pays' ? null : card.outcome.declineCode,
    risk_level: 'normal',
    seller_message: paid ? 'Payment complete.' : 'The simulated bank declined the payment.',
    type: paid ? 'authorized' : 'issuer_declined',
  };
}

/** Tries a card for a payment: a charge either way, and a line in the account's statement when it pays. `pending` leaves the money for later. */
export function createCharge(
  simulation: Simulation,
  intent: Stripe.PaymentIntent,
  card: TestCard,
  payer: { email: string | null; name: string | null },
  settles: 'now' | 'later',
): Stripe.Charge {
  const id = newId('ch');
  const paid = card.outcome.kind === 'pays';
  const pending = paid && settles === 'later';
  const charge: Stripe.Charge = {
    id,
    object: 'charge',
    amount: intent.amount,
    amount_captured: paid && !pending ? intent.amount : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: { address: noAddress, email: payer.email, name: payer.name, phone: null, tax_id: null },
    calculated_statement_descriptor: 'SIMULATED MONEY',
    captured: paid && !pending,
    created: nowSeconds(simulation),
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: card.outcome.kind === 'pays' ? null : card.outcome.code,
    failure_message: card.outcome.kind === 'pays' ? null : card.outcome.message,
    fraud_details: {},
    livemode: false,
    metadata: { ...intent.metadata },
    on_behalf_of: null,
    outcome: outcome(card),
    paid: paid && !pending,
    payment_intent: intent.id,
    payment_method: typeof intent.payment_method === 'string' ? intent.payment_method : null,
    payment_method_details: cardDetails(intent.amount, card),
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: intent.statement_descriptor,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    status: pending ? 'pending' : paid ? 'succeeded' : 'failed',
    transfer_data: null,
    transfer_group: null,
  };
  const stored = paid && !pending ? { ...charge, balance_transaction: settle(simulation, charge) } : charge;
  save(simulation, 'charge', stored);
  emit(simulation, `charge.${stored.status}`, stored);
  return stored;
}

function settle(simulation: Simulation, charge: Stripe.Charge): string {
  return recordBalance(simulation, {
    type: 'charge',
    amount: charge.amount,
    fee: processingFee(charge.amount, charge.currency),
    currency: charge.currency,
    source: charge.id,
    description: charge.description,
  }).id;
}

/** The money of a pending charge comes, or does not. */
export function settleCharge(simulation: Simulation, charge: Stripe.Charge, result: 'succeeded' | 'failed'): Stripe.Charge {
  const stored = save(
    simulation,
    'charge',
    result === 'failed'
      ? {
          ...charge,
          status: 'failed',
          failure_code: 'card_declined',
          failure_message: 'The simulated bank returned the payment.',
        }
      : {
          ...charge,
          status: 'succeeded',
          paid: true,
          captured: true,
          amount_captured: charge.amount,
          balance_transaction: settle(simulation, charge),
        },
  );
  emit(simulation, `charge.${result}`, stored);
  return stored;
}

const listParams = z.strictObject({
  ...paging,
  created: createdRange,
  customer: text.optional(),
  payment_intent: text.optional(),
} satisfies Partial<Record<keyof Stripe.ChargeListParams, z.ZodType>>);

export const chargeOperations: Operation[] = [
  operation('GET', '/v1/charges/:id', z.strictObject(expandable), ({ simulation, id }) => load(simulation, 'charge', id)),
  operation('GET', '/v1/charges', listParams, ({ simulation, params }) => {
    const equals = { customer: params.customer, payment_intent: params.payment_intent };
    return listAnswer('/v1/charges', simulation.store.list('charge', params, { equals, created: params.created }));
  }),
];
