/** How a payment comes about: opened, tried with a card, settled. Both the checkout page and the API end here. */
import type Stripe from 'stripe';
import type { TestCard } from './cards.ts';
import { createCharge, settleCharge } from './charges.ts';
import { invalidRequest } from './errors.ts';
import { emit } from './events.ts';
import { newId, randomText } from './ids.ts';
import { load, nowSeconds, save, type Simulation } from './simulation.ts';

/** What a payment is opened with. */
export interface IntentInput {
  amount: number;
  currency: string;
  customer: string | null;
  description: string | null;
  metadata: Record<string, string>;
  receiptEmail: string | null;
  statementDescriptor: string | null;
  statementDescriptorSuffix: string | null;
}

/** Opens a payment that waits for a way to pay. */
export function openIntent(simulation: Simulation, input: IntentInput): Stripe.PaymentIntent {
  const id = newId('pi');
  const intent = save(simulation, 'payment_intent', {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: null,
    amount: input.amount,
    amount_capturable: 0,
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: { enabled: true, allow_redirects: 'always' },
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic_async',
    client_secret: `${id}_secret_${randomText(25)}`,
    confirmation_method: 'automatic',
    created: nowSeconds(simulation),
    currency: input.currency,
    customer: input.customer,
    customer_account: null,
    description: input.description,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: input.metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: ['card'],
    payment_record: null,
    processing: null,
    receipt_email: input.receiptEmail,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: input.statementDescriptor,
    statement_descriptor_suffix: input.statementDescriptorSuffix,
    status: 'requires_payment_method',
    transfer_data: null,
    transfer_group: null,
  });
  emit(simulation, 'payment_intent.created', intent);
  return intent;
}

/** Pays with a card now. The answer's status says what came of it: `succeeded`, `processing`, or `requires_payment_method` after a decline. */
export function payIntent(
  simulation: Simulation,
  before: Stripe.PaymentIntent,
  card: TestCard,
  payer: { email: string | null; name: string | null } = { email: null, name: null },
  settles: 'now' | 'later' = 'now',
): Stripe.PaymentIntent {
  const withMethod: Stripe.PaymentIntent = { ...before, payment_method: newId('pm') };
  const charge = createCharge(simulation, withMethod, card, payer, settles);
  if (card.outcome.kind === 'declined') {
    const { code, declineCode, message } = card.outcome;
    const failed = save(simulation, 'payment_intent', {
      ...before,
      status: 'requires_payment_method',
      latest_charge: charge.id,
      last_payment_error: { type: 'card_error', code, decline_code: declineCode, message, charge: charge.id },
    });
    emit(simulation, 'payment_intent.payment_failed', failed);
    return failed;
  }
  const intent: Stripe.PaymentIntent = { ...withMethod, latest_charge: charge.id, last_payment_error: null };
  if (settles === 'later') {
    const processing = save(simulation, 'payment_intent', { ...intent, status: 'processing' });
    emit(simulation, 'payment_intent.processing', processing);
    return processing;
  }
  return succeed(simulation, intent);
}

function succeed(simulation: Simulation, intent: Stripe.PaymentIntent): Stripe.PaymentIntent {
  const paid = save(simulation, 'payment_intent', { ...intent, status: 'succeeded', amount_received: intent.amount });
  emit(simulation, 'payment_intent.succeeded', paid);
  return paid;
}

/** Ends a payment that was processing. */
export function settleIntent(
  simulation: Simulation,
  intent: Stripe.PaymentIntent,
  result: 'succeeded' | 'failed',
): Stripe.PaymentIntent {
  if (intent.status !== 'processing' || typeof intent.latest_charge !== 'string') {
    throw invalidRequest(`This PaymentIntent's status is ${intent.status}; only one that is processing can settle.`);
  }
  const charge = settleCharge(simulation, load(simulation, 'charge', intent.latest_charge), result);
  if (result === 'succeeded') return succeed(simulation, intent);
  const failed = save(simulation, 'payment_intent', {
    ...intent,
    status: 'requires_payment_method',
    payment_method: null,
    last_payment_error: { type: 'card_error', code: 'card_declined', message: charge.failure_message ?? '', charge: charge.id },
  });
  emit(simulation, 'payment_intent.payment_failed', failed);
  return failed;
}
