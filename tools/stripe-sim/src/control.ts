import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as z from 'zod';
import { payCheckout, settleCheckout } from './checkout-payment.ts';
import { expireSession } from './checkout-sessions.ts';
import { StripeProblem, invalidRequest, parameterProblem } from './errors.ts';
import { configuredEndpointId } from './webhook-endpoints.ts';
import { emit, queueDelivery } from './events.ts';
import { faultInput, type Faults } from './faults.ts';
import { load, type Simulation } from './simulation.ts';
import { WEBHOOK_LIMITS, normalConditions, type WebhookSender } from './webhooks.ts';

const dayMs = 86_400_000;

const conditionsInput = z.strictObject({
  held: z.boolean(),
  delayMs: z.int().min(0).max(dayMs),
  duplicates: z.int().min(0).max(WEBHOOK_LIMITS.duplicates),
  order: z.enum(['any', 'oldest-first', 'newest-first', 'shuffled']),
  timestampSkewSeconds: z.int(),
  wrongSecret: z.boolean(),
});

const payInput = z.strictObject({
  card: z.enum(['pays', 'declined', 'insufficient', 'expired']).default('pays'),
  email: z.email().optional(),
  settles: z.enum(['now', 'later']).default('now'),
});

const emitInput = z.strictObject({ type: z.string().regex(/^[a-z0-9_.]{3,100}$/), object: z.record(z.string(), z.unknown()) });

interface ControlContext {
  simulation: Simulation;
  sender: WebhookSender;
  faults: Faults;
  sweep: () => void;
}

const base = '/simulated/control';

/** Where tests pull the strings: on the loopback interface, for programs only, never through a browser or a proxy. */
export function serveControl(app: FastifyInstance, context: ControlContext): void {
  app.addHook('onRequest', async (request) => {
    if (request.url.startsWith(base)) refuseBrowsersAndProxies(request);
  });
  serveCheckoutControl(app, context);
  serveEventControl(app, context);
  serveWebhookControl(app, context);
  serveFaultControl(app, context);
}

/** Runs a change in one transaction and lets its events go. */
function change<T>({ simulation, sender, sweep }: ControlContext, work: () => T): T {
  sweep();
  const result = simulation.store.transaction(work);
  sender.wake();
  return result;
}

function serveCheckoutControl(app: FastifyInstance, context: ControlContext): void {
  const { simulation } = context;
  app.post<{ Params: { id: string } }>(`${base}/checkout/:id/pay`, async (request) => {
    const input = read(payInput, request);
    return change(context, () => payCheckout(simulation, request.params.id, input));
  });
  app.post<{ Params: { id: string } }>(`${base}/checkout/:id/settle`, async (request) => {
    const { result } = read(z.strictObject({ result: z.enum(['succeeded', 'failed']) }), request);
    return change(context, () => settleCheckout(simulation, request.params.id, result));
  });
  app.post<{ Params: { id: string } }>(`${base}/checkout/:id/expire`, async (request) =>
    change(context, () => ({ session: expireSession(simulation, load(simulation, 'checkout.session', request.params.id)) })),
  );
}

function serveEventControl(app: FastifyInstance, context: ControlContext): void {
  const { simulation } = context;
  app.post(`${base}/events`, async (request) => {
    const { type, object } = read(emitInput, request);
    return change(context, () => emit(simulation, type, object));
  });
  app.post<{ Params: { id: string } }>(`${base}/events/:id/resend`, async (request) =>
    change(context, () => {
      const event = load(simulation, 'event', request.params.id);
      queueDelivery(simulation, event, load(simulation, 'webhook_endpoint', configuredEndpointId).id);
      return event;
    }),
  );
}

function serveWebhookControl(app: FastifyInstance, { simulation, sender }: ControlContext): void {
  app.get(`${base}/webhooks`, async () => ({
    conditions: sender.conditions,
    deliveries: simulation.store.list('delivery', { limit: 100 }).data,
  }));
  app.post(`${base}/webhooks`, async (request) => {
    sender.conditions = conditionsInput.parse({ ...sender.conditions, ...read(conditionsInput.partial(), request) });
    sender.wake();
    return { conditions: sender.conditions };
  });
  app.delete(`${base}/webhooks`, async () => {
    sender.conditions = normalConditions;
    sender.wake();
    return { conditions: sender.conditions };
  });
}

function serveFaultControl(app: FastifyInstance, { faults }: ControlContext): void {
  app.get(`${base}/faults`, async () => ({ planned: faults.planned() }));
  app.post(`${base}/faults`, async (request) => {
    faults.plan(read(faultInput, request));
    return { planned: faults.planned() };
  });
  app.delete(`${base}/faults`, async () => {
    faults.clear();
    return { planned: [] };
  });
}

/** A web page that a browser shows must not reach the controls by a forged request, a rebound name or the gateway. */
function refuseBrowsersAndProxies(request: FastifyRequest): void {
  const { headers } = request;
  const host = (headers.host ?? '').replace(/:\d+$/, '');
  const fromElsewhere = ['origin', 'x-forwarded-for', 'x-forwarded-host', 'forwarded', 'sec-fetch-site'].some(
    (name) => headers[name] !== undefined,
  );
  if (fromElsewhere || !['127.0.0.1', 'localhost', '[::1]'].includes(host)) {
    const message = 'The controls answer programs on this machine only.';
    throw new StripeProblem(403, { type: 'invalid_request_error', message }, false);
  }
}

function read<S extends z.ZodType>(schema: S, request: FastifyRequest): z.output<S> {
  const body = typeof request.body === 'string' && request.body !== '' ? request.body : '{}';
  if (request.body !== undefined && !request.headers['content-type']?.startsWith('application/json')) {
    throw invalidRequest('The controls take application/json.', {}, false);
  }
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw invalidRequest('The body is not JSON.', {}, false);
  }
  const parsed = schema.safeParse(value, { reportInput: true });
  if (!parsed.success) throw parameterProblem(parsed.error);
  return parsed.data;
}
