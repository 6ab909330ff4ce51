import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { balanceTransactionOperations } from './balance-transactions.ts';
import { chargeOperations } from './charges.ts';
import { checkoutSessionOperations } from './checkout-sessions.ts';
import { customerOperations } from './customers.ts';
import { StripeProblem, invalidRequest } from './errors.ts';
import { apiVersion, eventOperations } from './events.ts';
import { expand } from './expansion.ts';
import { NoAnswer, type Faults } from './faults.ts';
import { decodeForm, type FormTree } from './form-encoding.ts';
import { IdempotencyKeys, fingerprint } from './idempotency.ts';
import { newId } from './ids.ts';
import { paymentIntentOperations } from './payment-intents.ts';
import { refundOperations } from './refunds.ts';
import { nowSeconds, type Operation, type Simulation } from './simulation.ts';
import { webhookEndpointOperations } from './webhook-endpoints.ts';

const operations: readonly Operation[] = [
  ...balanceTransactionOperations,
  ...chargeOperations,
  ...checkoutSessionOperations,
  ...customerOperations,
  ...eventOperations,
  ...paymentIntentOperations,
  ...refundOperations,
  ...webhookEndpointOperations,
];

/** What the API stands on. `changed` is called after every call that may have caused events. */
export interface ApiContext {
  simulation: Simulation;
  key: string;
  faults: Faults;
  sweep: () => void;
  changed: () => void;
}

interface Answer {
  status: number;
  body: string;
  headers: Record<string, string>;
}

/** Serves `/v1`: key, version, idempotency, faults, then the operation in one transaction. */
export function serveApi(app: FastifyInstance, context: ApiContext): void {
  const keys = new IdempotencyKeys(context.simulation.store);
  for (const operation of operations) {
    app.route<{ Params: { id?: string } }>({
      method: operation.method,
      url: operation.path,
      handler: async (request, reply) => {
        const answer = await callOperation(context, keys, operation, request, request.params.id ?? '').catch((error: unknown) =>
          problemAnswer(error, request),
        );
        if (!answer) return cutOff(reply);
        return reply.code(answer.status).headers(answer.headers).type('application/json').send(answer.body);
      },
    });
  }
}

/** Closes the connection in place of an answer. */
function cutOff(reply: FastifyReply): FastifyReply {
  reply.hijack();
  reply.raw.destroy();
  return reply;
}

async function callOperation(
  context: ApiContext,
  keys: IdempotencyKeys,
  operation: Operation,
  request: FastifyRequest,
  id: string,
): Promise<Answer> {
  authenticate(request, context.key);
  checkVersion(request);
  const fault = context.faults.take(request.method, request.url);
  const key = operation.method === 'POST' ? headerText(request, 'idempotency-key') : undefined;
  if (key === undefined) return suffering(context, fault, () => execute(context, operation, request, id, null));
  const callFingerprint = fingerprint(request.method, request.url, bodyText(request));
  const kept = keys.begin(key, callFingerprint, nowSeconds(context.simulation));
  if (kept) {
    const headers = {
      ...answerHeaders(request),
      'idempotency-key': key,
      'idempotent-replayed': 'true',
      'original-request': kept.requestId,
    };
    return suffering(context, fault, () => ({ status: kept.status, body: kept.body, headers }));
  }
  try {
    return await suffering(context, fault, () => execute(context, operation, request, id, { key, callFingerprint }));
  } finally {
    keys.end(key);
  }
}

async function suffering(context: ApiContext, fault: ReturnType<Faults['take']>, work: () => Answer): Promise<Answer> {
  await context.faults.suffer(fault, 'before');
  const answer = work();
  context.changed();
  await context.faults.suffer(fault, 'after');
  return answer;
}

/** Does the work and keeps its answer under the idempotency key, both or neither. */
function execute(
  context: ApiContext,
  operation: Operation,
  request: FastifyRequest,
  id: string,
  idempotency: { key: string; callFingerprint: string } | null,
): Answer {
  const params = operation.method === 'POST' ? decodeForm(bodyText(request)) : decodeForm(queryText(request.url));
  const work = operation.accept(params);
  context.sweep();
  const { store } = context.simulation;
  const simulation = { ...context.simulation, cause: { requestId: request.id, idempotencyKey: idempotency?.key ?? null } };
  const keep = (status: number, body: string): Answer => {
    if (idempotency) {
      const kept = { fingerprint: idempotency.callFingerprint, status, body, requestId: request.id };
      store.keepAnswer(idempotency.key, kept, nowSeconds(simulation));
    }
    const headers = { ...answerHeaders(request), ...(idempotency ? { 'idempotency-key': idempotency.key } : {}) };
    return { status, body, headers };
  };
  try {
    return store.transaction(() => {
      const result = work(simulation, id);
      // A decline is returned, not thrown: what it recorded stays.
      if (result instanceof StripeProblem) return keep(result.status, problemBody(result));
      return keep(200, JSON.stringify(expand(simulation, result, expandPaths(params)), null, 2));
    });
  } catch (error) {
    if (error instanceof StripeProblem && error.executed) return keep(error.status, problemBody(error));
    throw error;
  }
}

function expandPaths(params: FormTree): string[] {
  const given = params['expand'];
  return typeof given === 'object' ? Object.values(given).filter((path) => typeof path === 'string') : [];
}

function authenticate(request: FastifyRequest, key: string): void {
  const given = presentedKey(request.headers.authorization ?? '');
  if (given === null) {
    const message =
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').";
    throw new StripeProblem(401, { type: 'invalid_request_error', message }, false);
  }
  if (/^(sk|rk)_live/.test(given)) {
    const message = 'This is the simulator: SIMULATED MONEY. It takes no live key. Consider this key exposed and roll it.';
    throw new StripeProblem(401, { type: 'invalid_request_error', message }, false);
  }
  const wanted = Buffer.from(key);
  const shown = Buffer.from(given);
  if (wanted.length !== shown.length || !timingSafeEqual(wanted, shown)) {
    const message = `Invalid API Key provided: ${given.slice(0, 8)}${'*'.repeat(8)}`;
    throw new StripeProblem(401, { type: 'invalid_request_error', message }, false);
  }
}

function presentedKey(authorization: string): string | null {
  const [scheme = '', value = ''] = authorization.split(' ', 2);
  if (value === '') return null;
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') return null;
  return Buffer.from(value, 'base64').toString('utf8').split(':', 1)[0] ?? null;
}

function checkVersion(request: FastifyRequest): void {
  const version = headerText(request, 'stripe-version');
  if (version === undefined || version === apiVersion) return;
  throw invalidRequest(`The simulator speaks API version ${apiVersion} only, not ${version}.`, {}, false);
}

function headerText(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function bodyText(request: FastifyRequest): string {
  if (request.body === undefined || request.body === null) return '';
  if (typeof request.body === 'string' && request.headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
    return request.body;
  throw invalidRequest('Invalid request: parameters are sent as application/x-www-form-urlencoded.', {}, false);
}

function queryText(url: string): string {
  const start = url.indexOf('?');
  return start < 0 ? '' : url.slice(start + 1);
}

/** Headers of every answer. */
export function answerHeaders(request: FastifyRequest): Record<string, string> {
  return { 'request-id': request.id, 'stripe-version': apiVersion, 'x-simulated-money': 'true' };
}

function problemBody(problem: StripeProblem): string {
  return JSON.stringify({ error: problem.body }, null, 2);
}

/** The answer for something that went wrong; null closes the connection. Bugs go on to Fastify's error handler. */
function problemAnswer(error: unknown, request: FastifyRequest): Answer | null {
  if (error instanceof NoAnswer) return null;
  if (!(error instanceof StripeProblem)) throw error;
  return { status: error.status, body: problemBody(error), headers: answerHeaders(request) };
}

/** Stripe's request ids, used as Fastify's. */
export function newRequestId(): string {
  return newId('req');
}
