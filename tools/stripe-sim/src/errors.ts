import type Stripe from 'stripe';
import type * as z from 'zod';

/** The body of an error answer, without its envelope (docs.stripe.com/api/errors). */
export interface StripeErrorBody {
  type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  message: string;
  code?: string;
  decline_code?: string;
  param?: string;
  charge?: string;
  payment_intent?: Stripe.PaymentIntent;
  doc_url?: string;
}

/** What an API call answers instead of an object. */
export class StripeProblem extends Error {
  readonly status: number;
  readonly body: StripeErrorBody;
  /** False when the call was refused before it did anything; such answers are not kept under the idempotency key. */
  readonly executed: boolean;

  constructor(status: number, body: StripeErrorBody, executed = true) {
    super(body.message);
    this.name = 'StripeProblem';
    this.status = status;
    this.body =
      body.code === undefined
        ? body
        : { ...body, doc_url: `https://stripe.com/docs/error-codes/${body.code.replaceAll('_', '-')}` };
    this.executed = executed;
  }
}

/** A 400 about one parameter. `executed: false` marks a refusal by shape alone. */
export function invalidRequest(message: string, detail: { code?: string; param?: string } = {}, executed = true): StripeProblem {
  return new StripeProblem(400, { type: 'invalid_request_error', message, ...detail }, executed);
}

/** Stripe's answer to an id that names nothing: 404 in the path, 400 in a parameter. */
export function noSuch(object: string, id: string, param = 'id'): StripeProblem {
  const message = `No such ${object}: '${id}'`;
  return new StripeProblem(param === 'id' ? 404 : 400, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message,
    param,
  });
}

/** `['line_items', 0, 'quantity']` as Stripe writes it: `line_items[0][quantity]`. */
function parameterName(path: readonly PropertyKey[]): string {
  return path.map((part, index) => (index === 0 ? String(part) : `[${String(part)}]`)).join('');
}

/** Turns the first thing that is wrong with the parameters into Stripe's error for it. */
export function parameterProblem(error: z.ZodError): StripeProblem {
  // An unknown name is reported first: it is what a renamed or misspelt parameter looks like.
  const issue = error.issues.find((candidate) => candidate.code === 'unrecognized_keys') ?? error.issues[0];
  if (!issue) throw new Error('a refused parse names at least one issue');
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => parameterName([...issue.path, key]));
    const message = `Received unknown parameter${names.length > 1 ? 's' : ''}: ${names.join(', ')}`;
    return invalidRequest(message, { code: 'parameter_unknown', param: names[0] ?? '' }, false);
  }
  const param = parameterName(issue.path);
  if (issue.input === undefined && issue.code !== 'custom') {
    return invalidRequest(`Missing required param: ${param}.`, { code: 'parameter_missing', param }, false);
  }
  const code: unknown = issue.code === 'custom' ? issue.params?.['code'] : undefined;
  return invalidRequest(issue.message, { ...(typeof code === 'string' ? { code } : {}), param }, false);
}
