import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { answerHeaders, newRequestId, serveApi } from './api.ts';
import { serveCheckout } from './checkout-routes.ts';
import { expireSession } from './checkout-sessions.ts';
import type { Config } from './config.ts';
import { serveControl } from './control.ts';
import { StripeProblem } from './errors.ts';
import { Faults } from './faults.ts';
import { nowSeconds, type Simulation } from './simulation.ts';
import { Store } from './store.ts';
import { registerConfiguredEndpoint } from './webhook-endpoints.ts';
import { WEBHOOK_LIMITS, WebhookSender } from './webhooks.ts';

/** Only programs on this machine, and a gateway that passes the checkout page on. */
const host = '127.0.0.1';
const sweepEveryMs = 1_000;
const bodyLimitBytes = 65_536;

export interface SimulatorOptions extends Config {
  /** Milliseconds since 1970; tests let time pass with it. */
  nowMs?: () => number;
  /** First pause before a webhook is sent again; it doubles. */
  webhookRetryBaseMs?: number;
  /** Takes structured lines about what went wrong; by default they are dropped. */
  report?: (line: object) => void;
}

export interface Simulator {
  /** As the SDK takes them: `new Stripe(key, { host, port, protocol })`. */
  host: string;
  port: number;
  protocol: 'http';
  /** Base of the controls: `<controlUrl>/checkout/:id/pay` and the others of control.ts. */
  controlUrl: string;
  stop: () => Promise<void>;
}

/** Starts the simulator on the loopback interface. Its state is in `dataDir` and outlives it. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const store = new Store(options.dataDir);
  let port = options.port;
  const simulation: Simulation = {
    store,
    nowMs: options.nowMs ?? Date.now,
    checkoutBase: () => (options.publicUrl === '' ? `http://${host}:${port}/checkout` : options.publicUrl),
    cause: { requestId: null, idempotencyKey: null },
  };
  const report = options.report ?? (() => undefined);
  const sender = new WebhookSender(simulation, { retryBaseMs: options.webhookRetryBaseMs ?? WEBHOOK_LIMITS.retryBaseMs, report });
  const faults = new Faults();
  const sweep = (): void => expireSessions(simulation);
  const changed = (): void => sender.wake();

  const app = buildServer(report);
  serveApi(app, { simulation, key: options.key, faults, sweep, changed });
  serveCheckout(app, { simulation, sweep, changed });
  serveControl(app, { simulation, sender, faults, sweep });
  app.get('/health', async () => ({ status: 'ok', simulated: true }));

  store.transaction(() => registerConfiguredEndpoint(simulation, options.webhook));
  await app.listen({ host, port: options.port });
  port = (app.server.address() as AddressInfo).port;
  sender.start();
  const sweeping = setInterval(() => {
    sweep();
    sender.wake();
  }, sweepEveryMs);
  return {
    host,
    port,
    protocol: 'http',
    controlUrl: `http://${host}:${port}/simulated/control`,
    stop: async () => {
      clearInterval(sweeping);
      faults.stop();
      await app.close();
      await sender.stop();
      store.close();
    },
  };
}

/** Ends the sessions whose time is over. */
function expireSessions(simulation: Simulation): void {
  const over = simulation.store.expiredSessions(nowSeconds(simulation));
  if (over.length === 0) return;
  simulation.store.transaction(() => over.forEach((session) => expireSession(simulation, session)));
}

function buildServer(report: (line: object) => void): FastifyInstance {
  const app = Fastify({ logger: false, bodyLimit: bodyLimitBytes, genReqId: newRequestId, forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  // Bodies stay text: the API signs and compares exact bytes, and the controls parse their own JSON.
  app.addContentTypeParser(
    ['application/x-www-form-urlencoded', 'application/json'],
    { parseAs: 'string' },
    (_request, body, done) => done(null, body),
  );
  app.setNotFoundHandler((request, reply) => {
    const message = `Unrecognized request URL (${request.method}: ${request.url.split('?', 1)[0] ?? ''}).`;
    return reply
      .code(404)
      .headers(answerHeaders(request))
      .send(envelope({ type: 'invalid_request_error', message }));
  });
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = knownError(error, request, report);
    return reply.code(status).headers(answerHeaders(request)).send(envelope(body));
  });
  return app;
}

function envelope(error: object): { error: object } {
  return { error };
}

function knownError(error: unknown, request: FastifyRequest, report: (line: object) => void): { status: number; body: object } {
  if (error instanceof StripeProblem) return { status: error.status, body: error.body };
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500 && error instanceof Error) {
    return { status, body: { type: 'invalid_request_error', message: error.message } };
  }
  report({
    level: 'error',
    message: 'bug in the simulator',
    requestId: request.id,
    stack: error instanceof Error ? error.stack : String(error),
  });
  return { status: 500, body: { type: 'api_error', message: 'The simulator failed. This is a bug in it.' } };
}
