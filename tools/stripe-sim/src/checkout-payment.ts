import type Stripe from 'stripe';
import { testCards, type TestCardName } from './cards.ts';
import { detailsOf } from './checkout-sessions.ts';
import { invalidRequest } from './errors.ts';
import { emit } from './events.ts';
import { openIntent, payIntent, settleIntent } from './paying.ts';
import { load, save, type Simulation } from './simulation.ts';

/** What a try to pay came to. A decline leaves the session open. */
export interface CheckoutResult {
  session: Stripe.Checkout.Session;
  intent: Stripe.PaymentIntent;
  declined: { code: string; message: string } | null;
}

/**
 * Pays an open session with a test card, as a person does on the page. As at Stripe, the session has no PaymentIntent before the first try.
 * `settles: 'later'` completes the session unpaid, as a bank debit would; `settleCheckout` ends that.
 * @throws {StripeProblem} when the session is complete or expired.
 */
export function payCheckout(
  simulation: Simulation,
  id: string,
  input: { card: TestCardName; email?: string | undefined; settles?: 'now' | 'later' | undefined },
): CheckoutResult {
  const session = load(simulation, 'checkout.session', id);
  if (session.status !== 'open') throw invalidRequest(`This Checkout Session is ${session.status ?? 'over'} and cannot be paid.`);
  const payer = { email: session.customer_details?.email ?? input.email ?? 'someone@example.com', name: 'Simulated Payer' };
  const intent = payIntent(simulation, intentOf(simulation, session), testCards[input.card], payer, input.settles ?? 'now');
  const tried: Stripe.Checkout.Session = { ...session, payment_intent: intent.id };
  if (intent.last_payment_error) {
    const { code = 'card_declined', decline_code: declineCode, message = '' } = intent.last_payment_error;
    return { session: save(simulation, 'checkout.session', tried), intent, declined: { code: declineCode ?? code, message } };
  }
  const complete = save(simulation, 'checkout.session', {
    ...tried,
    status: 'complete',
    payment_status: intent.status === 'succeeded' ? 'paid' : 'unpaid',
    customer_details: detailsOf(payer.email, payer.name),
    url: null,
  });
  emit(simulation, 'checkout.session.completed', complete);
  return { session: complete, intent, declined: null };
}

/** Ends the wait of a session that was completed unpaid. */
export function settleCheckout(simulation: Simulation, id: string, result: 'succeeded' | 'failed'): CheckoutResult {
  const session = load(simulation, 'checkout.session', id);
  if (session.status !== 'complete' || typeof session.payment_intent !== 'string') {
    throw invalidRequest(`This Checkout Session is ${session.status ?? 'over'}; there is no payment to settle.`);
  }
  const intent = settleIntent(simulation, load(simulation, 'payment_intent', session.payment_intent), result);
  const settled = result === 'succeeded' ? save(simulation, 'checkout.session', { ...session, payment_status: 'paid' }) : session;
  emit(simulation, `checkout.session.async_payment_${result}`, settled);
  return { session: settled, intent, declined: null };
}

function intentOf(simulation: Simulation, session: Stripe.Checkout.Session): Stripe.PaymentIntent {
  if (typeof session.payment_intent === 'string') return load(simulation, 'payment_intent', session.payment_intent);
  const { paymentIntentData: data } = load(simulation, 'checkout.session.backing', session.id);
  return openIntent(simulation, {
    amount: session.amount_total ?? 0,
    currency: session.currency ?? '',
    customer: typeof session.customer === 'string' ? session.customer : null,
    description: data.description,
    metadata: data.metadata,
    receiptEmail: data.receipt_email,
    statementDescriptor: data.statement_descriptor,
    statementDescriptorSuffix: data.statement_descriptor_suffix,
  });
}
