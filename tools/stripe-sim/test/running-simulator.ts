/** A simulator on a free port with its own data, a receiver for its webhooks, and the real SDK in front of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Stripe from 'stripe';
import { startSimulator, type Simulator, type SimulatorOptions } from '../src/simulator.ts';

export const testKey = 'sk_test_simulatorTests';
export const testWebhookSecret = 'whsec_simulatorTestsSecret';

export interface Received {
  body: string;
  signature: string;
}

export interface WebhookReceiver {
  url: string;
  received: Received[];
  /** The statuses to answer next; 200 when none is left. */
  answers: number[];
  stop: () => Promise<void>;
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

export async function startReceiver(): Promise<WebhookReceiver> {
  const received: Received[] = [];
  const answers: number[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ body, signature: String(request.headers['stripe-signature']) });
      const status = answers.shift() ?? 200;
      // A redirect leads to an address that would take the webhook.
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { url: `http://127.0.0.1:${port}/v1/stripe/webhook`, received, answers, stop };
}

export interface Running {
  simulator: Simulator;
  stripe: Stripe;
  receiver: WebhookReceiver;
  dataDir: string;
  /** Lets simulated time pass. */
  pass: (milliseconds: number) => void;
  /** Stops and starts again on the same data. */
  restart: () => Promise<void>;
  control: (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<Record<string, unknown>>;
  stop: () => Promise<void>;
}

/** The real SDK in front of a local server, without retries of its own. */
export function sdk(server: { host: string; port: number; protocol: 'http' }, key = testKey): Stripe {
  return new Stripe(key, {
    host: server.host,
    port: server.port,
    protocol: server.protocol,
    maxNetworkRetries: 0,
    timeout: 5_000,
  });
}

export async function startRunning(options: Partial<SimulatorOptions> = {}): Promise<Running> {
  const dataDir = mkdtempSync(join(tmpdir(), 'rialto-stripe-sim-'));
  const receiver = await startReceiver();
  let offsetMs = 0;
  const start = (): Promise<Simulator> =>
    startSimulator({
      port: 0,
      publicUrl: '',
      key: testKey,
      webhook: { url: receiver.url, secret: testWebhookSecret },
      dataDir,
      nowMs: () => Date.now() + offsetMs,
      webhookRetryBaseMs: 20,
      ...options,
    });
  const simulator = await start();
  const running: Running = {
    simulator,
    stripe: sdk(simulator),
    receiver,
    dataDir,
    pass: (milliseconds) => {
      offsetMs += milliseconds;
    },
    restart: async () => {
      await running.simulator.stop();
      running.simulator = await start();
      running.stripe = sdk(running.simulator);
    },
    control: async (method, path, body) => {
      const response = await fetch(`${running.simulator.controlUrl}${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      const answer = (await response.json()) as Record<string, unknown>;
      if (!response.ok) throw new Error(`control ${path}: ${response.status} ${JSON.stringify(answer)}`);
      return answer;
    },
    stop: async () => {
      await running.simulator.stop();
      await receiver.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  return running;
}

/** Waits until `isTrue`, and fails after five seconds. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error('it did not become true within 5 s');
    await sleep(10);
  }
}

/** A session as a top-up of 20 € makes one. */
export function topUp(change: Partial<Stripe.Checkout.SessionCreateParams> = {}): Stripe.Checkout.SessionCreateParams {
  return {
    mode: 'payment',
    client_reference_id: 'topup_1',
    success_url: 'http://localhost:7420/wallet?session={CHECKOUT_SESSION_ID}',
    cancel_url: 'http://localhost:7420/wallet',
    line_items: [{ quantity: 1, price_data: { currency: 'eur', unit_amount: 2_000, product_data: { name: 'Rialto top-up' } } }],
    payment_intent_data: { metadata: { topup: 'topup_1' } },
    ...change,
  };
}

/** Presses "Pay" on the session's page, as its form does: to the form's action, resolved against the page's address. */
export async function pressPay(
  session: Stripe.Checkout.Session,
  card: string,
): Promise<{ status: number; location: string; html: string }> {
  const pageUrl = session.url ?? '';
  const html = await (await fetch(pageUrl)).text();
  const action = /<form method="post" action="([^"]+)"/.exec(html)?.[1];
  if (action === undefined) throw new Error('the page has no form');
  const response = await fetch(new URL(action, pageUrl), {
    method: 'POST',
    body: new URLSearchParams({ card }),
    redirect: 'manual',
  });
  return { status: response.status, location: response.headers.get('location') ?? '', html };
}

/** The SDK's promise must fail; gives the error. */
export async function refusal(promise: Promise<unknown>): Promise<InstanceType<typeof Stripe.errors.StripeError>> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Stripe.errors.StripeError)) throw new Error(`expected a Stripe error, got ${String(error)}`);
  return error;
}

/** The id of a member that was not expanded. */
export function idOf(member: string | { id: string } | null | undefined): string {
  if (typeof member !== 'string') throw new Error('the member holds no id');
  return member;
}
