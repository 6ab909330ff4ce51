import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '@rialto/contracts';
import type { Logger } from '@rialto/service';
import Stripe from 'stripe';
import { fromStripeAmount } from '../domain/money.ts';
import {
  balanceTransactionListParams,
  checkoutOptions,
  checkoutParams,
  type CheckoutRequest,
  eventListParams,
  REFUND_EVENTS,
  refundListParams,
  sessionListParams,
  sessionOfPaymentParams,
  sessionParams,
} from './requests.ts';

/** The SDK would wait 80 s; who asks us waits 5. We repeat by ourselves, so it must not. */
const REQUEST_TIMEOUT_MS = 3_500;
/** Who opens the same checkout twice at once waits for the first for about as long as a request may take. */
const IN_USE_AGAIN_MS = 250;
const MAX_IN_USE_ATTEMPTS = 14;
/** How many objects of one list are looked at: it is read page by page to its end, and that there were more is said aloud. */
export const MAX_LISTED = 20_000;

/** A checkout as far as a top-up depends on it. */
export interface Checkout {
  readonly sessionId: string;
  readonly topUpId: string | null;
  readonly url: string | null;
  readonly paymentIntentId: string | null;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly standing: 'open' | 'processing' | 'paid' | 'failed' | 'expired';
}
export interface Refund {
  readonly id: string;
  readonly amountMinor: bigint;
}
/** A line of Stripe's own books, as far as a top-up depends on it: money that came in, or that was given back. */
export interface Movement {
  readonly id: string;
  readonly kind: 'payment' | 'refund';
  /** Of the charge or the refund. */
  readonly sourceId: string;
  readonly paymentIntentId: string;
  /** What the payment says that it is for; a refund does not say. */
  readonly topUpId: string | null;
  /** In the payer's currency, whatever the account is kept in. */
  readonly currency: string;
  readonly amountMinor: bigint;
}
/** An event as far as we believe it: which object it is about. What that object says is read from Stripe. */
export interface Notice {
  readonly id: string;
  readonly type: string;
  readonly createdAtSeconds: number;
  readonly about: { kind: 'session'; id: string } | { kind: 'refunds'; paymentIntentId: string } | null;
  readonly objectId: string | null;
}

export interface ProcessorOptions {
  readonly key: string;
  readonly url?: string | undefined;
  readonly publicUrl: string;
  readonly log: Pick<Logger, 'error'>;
}

/** Stripe through its own SDK. Throws `processor-unavailable` when it does not answer, or answers that it cannot now. */
export class Processor {
  readonly #stripe: Stripe;
  readonly #publicUrl: string;
  readonly #log: Pick<Logger, 'error'>;

  constructor({ key, url, publicUrl, log }: ProcessorOptions) {
    this.#log = log;
    this.#stripe = new Stripe(key, { ...addressOf(url), timeout: REQUEST_TIMEOUT_MS, maxNetworkRetries: 0, telemetry: false });
    this.#publicUrl = publicUrl.replace(/\/+$/, '');
  }

  /** Opens the checkout of a top-up. Repeating it gives the same checkout while Stripe remembers the key (a day at least). */
  openCheckout(topUp: Omit<CheckoutRequest, 'publicUrl'>): Promise<Checkout> {
    const params = checkoutParams({ ...topUp, publicUrl: this.#publicUrl });
    return this.#ask(async ({ checkout }) => {
      const create = () => checkout.sessions.create(params, checkoutOptions(topUp.topUpId));
      return checkoutOf(await onceFree(create));
    });
  }

  /** The checkout that was opened for a top-up, when its answer never reached us. */
  findCheckout(topUpId: string, createdFrom: Date): Promise<Checkout | undefined> {
    return this.#ask(async ({ checkout }) => {
      const sessions = checkout.sessions.list(sessionListParams(seconds(createdFrom)));
      for await (const { id, client_reference_id: reference } of this.#upToLimit('checkouts', sessions)) {
        if (reference === topUpId) return checkoutOf(await checkout.sessions.retrieve(id, sessionParams));
      }
      return undefined;
    });
  }

  /** Undefined when Stripe knows no such checkout, or it is one of another kind that somebody opened with the same Stripe account. */
  readCheckout(sessionId: string): Promise<Checkout | undefined> {
    return this.#ask(async ({ checkout }) => {
      try {
        const session = await checkout.sessions.retrieve(sessionId, sessionParams);
        return session.mode === 'payment' ? checkoutOf(session) : undefined;
      } catch (error) {
        if (error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing') return undefined;
        throw error;
      }
    });
  }

  /** The checkout that led to a payment; undefined for a payment that did not come from one. */
  findCheckoutOfPayment(paymentIntentId: string): Promise<Checkout | undefined> {
    return this.#ask(async ({ checkout }) => {
      const { data } = await checkout.sessions.list(sessionOfPaymentParams(paymentIntentId));
      return data[0] && checkoutOf(await checkout.sessions.retrieve(data[0].id, sessionParams));
    });
  }

  /** What was really given back of a payment. */
  listRefunds(paymentIntentId: string): Promise<Refund[]> {
    return this.#ask(async ({ refunds }) => {
      const all = await this.#listAll('refunds', refunds.list(refundListParams(paymentIntentId)));
      const succeeded = all.filter(({ status }) => status === 'succeeded');
      return succeeded.map(({ id, amount }) => ({ id, amountMinor: fromStripeAmount(amount) }));
    });
  }

  /** Events that can change a top-up, oldest first. */
  listNotices(createdFrom: Date): Promise<Notice[]> {
    return this.#ask(async ({ events }) => {
      const all = await this.#listAll('events', events.list(eventListParams(seconds(createdFrom))));
      return all.map(noticeOf).reverse();
    });
  }

  /** What came in and what was given back according to Stripe's books, oldest first. Payouts, fees and disputes are left out. */
  listMovements(createdFrom: Date): Promise<Movement[]> {
    return this.#ask(async ({ balanceTransactions }) => {
      const lines = balanceTransactions.list(balanceTransactionListParams(seconds(createdFrom)));
      const all = await this.#listAll('balance transactions', lines);
      return all.flatMap((line) => movementOf(line) ?? []).reverse();
    });
  }

  async #listAll<T>(what: string, pages: AsyncIterable<T>): Promise<T[]> {
    const all: T[] = [];
    for await (const each of this.#upToLimit(what, pages)) all.push(each);
    return all;
  }

  /** To the end of a list, newest first. What lies behind the limit is the oldest. */
  async *#upToLimit<T>(what: string, pages: AsyncIterable<T>): AsyncGenerator<T> {
    let count = 0;
    for await (const each of pages) {
      if (count === MAX_LISTED) {
        this.#log.error({ what, limit: MAX_LISTED }, 'the processor lists more than is looked at; the oldest were left out');
        return;
      }
      count += 1;
      yield each;
    }
  }

  async #ask<T>(run: (stripe: Stripe) => Promise<T>): Promise<T> {
    try {
      return await run(this.#stripe);
    } catch (error) {
      if (isPassing(error)) throw new AppError('processor-unavailable', undefined, error);
      throw error;
    }
  }
}

/** While the same request is under way elsewhere, Stripe answers 409; once that one is answered, both get the same. */
async function onceFree<T>(create: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await create();
    } catch (error) {
      const isInUse = error instanceof Stripe.errors.StripeError && error.statusCode === 409;
      if (!isInUse || attempt === MAX_IN_USE_ATTEMPTS) throw error;
    }
    await sleep(IN_USE_AGAIN_MS);
  }
}

const seconds = (at: Date) => Math.floor(at.getTime() / 1_000);

function addressOf(url: string | undefined): Pick<Stripe.StripeConfig, 'host' | 'port' | 'protocol'> {
  if (url === undefined) return {};
  const { hostname, port, protocol } = new URL(url);
  const isPlain = protocol === 'http:';
  return { host: hostname, port: port === '' ? (isPlain ? 80 : 443) : Number(port), protocol: isPlain ? 'http' : 'https' };
}

function isPassing(error: unknown): boolean {
  const { StripeAPIError, StripeConnectionError, StripeRateLimitError } = Stripe.errors;
  return error instanceof StripeAPIError || error instanceof StripeConnectionError || error instanceof StripeRateLimitError;
}

function checkoutOf(session: Stripe.Checkout.Session): Checkout {
  const intent = session.payment_intent;
  if (session.amount_total === null || session.currency === null) throw new Error('a checkout without an amount is none of ours');
  return {
    sessionId: session.id,
    topUpId: session.client_reference_id,
    url: session.url,
    paymentIntentId: typeof intent === 'string' ? intent : (intent?.id ?? null),
    currency: session.currency.toUpperCase(),
    amountMinor: fromStripeAmount(session.amount_total),
    standing: standingOf(session),
  };
}

function standingOf({ status, payment_status: paid, payment_intent: intent }: Stripe.Checkout.Session): Checkout['standing'] {
  if (paid === 'paid') return 'paid';
  if (status === 'expired') return 'expired';
  if (status === 'open') return 'open';
  // Complete and not paid: a bank takes its time. The payment asks for another method when the bank has refused.
  const isRefused =
    intent !== null && typeof intent !== 'string' && ['requires_payment_method', 'canceled'].includes(intent.status);
  return isRefused ? 'failed' : 'processing';
}

/** Undefined for what neither came from a payer nor went back to one. A refund that a bank still works at is not through. */
function movementOf({ id, type, source }: Stripe.BalanceTransaction): Movement | undefined {
  if (source === null || typeof source === 'string') return undefined;
  const isPayment = (type === 'charge' || type === 'payment') && source.object === 'charge';
  const isRefund =
    (type === 'refund' || type === 'payment_refund') && source.object === 'refund' && source.status === 'succeeded';
  if (!isPayment && !isRefund) return undefined;
  const { payment_intent: intent, currency, amount, metadata } = source;
  const paymentIntentId = typeof intent === 'string' ? intent : intent?.id;
  if (paymentIntentId === undefined) return undefined;
  return {
    id,
    kind: isPayment ? 'payment' : 'refund',
    sourceId: source.id,
    paymentIntentId,
    topUpId: isPayment ? (metadata?.['topUpId'] ?? null) : null,
    currency: currency.toUpperCase(),
    amountMinor: fromStripeAmount(amount),
  };
}

/** Reads an event whose signature was verified, or that Stripe itself has listed. */
export function noticeOf(event: Stripe.Event): Notice {
  const object = event.data.object as { id?: unknown; payment_intent?: unknown };
  const objectId = typeof object.id === 'string' ? object.id : null;
  return {
    id: event.id,
    type: event.type,
    createdAtSeconds: event.created,
    objectId,
    about: aboutOf(event.type, objectId, object.payment_intent),
  };
}

function aboutOf(type: string, objectId: string | null, paymentIntent: unknown): Notice['about'] {
  if (type.startsWith('checkout.session.') && objectId !== null) return { kind: 'session', id: objectId };
  if (!REFUND_EVENTS.includes(type)) return null;
  const id = typeof paymentIntent === 'string' ? paymentIntent : (paymentIntent as { id?: unknown } | null)?.id;
  return typeof id === 'string' ? { kind: 'refunds', paymentIntentId: id } : null;
}
