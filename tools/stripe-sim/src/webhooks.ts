import { setTimeout as sleep } from 'node:timers/promises';
import { presentEvent } from './events.ts';
import type { Simulation } from './simulation.ts';
import { signatureHeader } from './webhook-signature.ts';
import type { Delivery } from './wire.ts';

export const WEBHOOK_LIMITS = {
  timeoutMs: 10_000,
  attempts: 12,
  retryBaseMs: 500,
  retryCapMs: 60_000,
  inFlight: 8,
  batch: 64,
  duplicates: 20,
  longestSleepMs: 1_000,
} as const;

/** What tests may do to deliveries. */
export interface WebhookConditions {
  /** Nothing is sent until it is false again. */
  held: boolean;
  /** Everything is sent this much later than it is due. */
  delayMs: number;
  /** How many times more than once each event is sent. */
  duplicates: number;
  /** `any` sends side by side, as Stripe does; the others send one after the other in that order. */
  order: 'any' | 'oldest-first' | 'newest-first' | 'shuffled';
  /** Moves the signed time; negative is the past. */
  timestampSkewSeconds: number;
  /** Signs with a secret that nobody has. */
  wrongSecret: boolean;
}

export const normalConditions: WebhookConditions = {
  held: false,
  delayMs: 0,
  duplicates: 0,
  order: 'any',
  timestampSkewSeconds: 0,
  wrongSecret: false,
};

/** Sends waiting deliveries until an endpoint answers 2xx, with growing pauses; what waits is in the store and so survives a restart. */
export class WebhookSender {
  conditions: WebhookConditions = normalConditions;
  readonly #simulation: Simulation;
  readonly #retryBaseMs: number;
  readonly #report: (line: object) => void;
  readonly #stopping = new AbortController();
  readonly #inFlight = new Map<string, Promise<void>>();
  #woken: (() => void) | null = null;
  #loop: Promise<void> | null = null;

  constructor(simulation: Simulation, options: { retryBaseMs: number; report: (line: object) => void }) {
    this.#simulation = simulation;
    this.#retryBaseMs = options.retryBaseMs;
    this.#report = options.report;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Looks for due deliveries now. */
  wake(): void {
    this.#woken?.();
  }

  /** Cuts off what is being sent; it counts as not sent and waits for the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#loop;
    await Promise.all(this.#inFlight.values());
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const due = this.#due();
      if (due.length === 0) await this.#rest();
      else if (this.conditions.order === 'any') await this.#sendSideBySide(due);
      else await this.#sendInOrder(due);
    }
  }

  /** Sleeps until somebody wakes it; retries and delays come due by time, so never for long. */
  async #rest(): Promise<void> {
    const waking = new AbortController();
    this.#woken = () => waking.abort();
    const idle = this.#inFlight.size === 0 && this.#simulation.store.waitingDeliveries(Number.MAX_SAFE_INTEGER, 1).length === 0;
    const pauseMs = idle || this.conditions.held ? WEBHOOK_LIMITS.longestSleepMs : Math.min(this.#retryBaseMs, 25);
    await sleep(pauseMs, undefined, { signal: waking.signal }).catch((error: unknown) => {
      if (!waking.signal.aborted) throw error;
    });
    this.#woken = null;
  }

  #due(): Delivery[] {
    if (this.conditions.held) return [];
    const dueBy = this.#simulation.nowMs() - this.conditions.delayMs;
    return this.#simulation.store
      .waitingDeliveries(dueBy, WEBHOOK_LIMITS.batch)
      .filter((delivery) => !this.#inFlight.has(delivery.id));
  }

  async #sendSideBySide(due: readonly Delivery[]): Promise<void> {
    for (const delivery of due) {
      if (this.#stopping.signal.aborted) return;
      if (this.#inFlight.size >= WEBHOOK_LIMITS.inFlight) await Promise.race(this.#inFlight.values());
      void this.#launch(delivery);
    }
  }

  async #sendInOrder(due: readonly Delivery[]): Promise<void> {
    const ordered = inOrder(due, this.conditions.order);
    for (const delivery of ordered) {
      if (this.#stopping.signal.aborted || this.conditions.held) return;
      await this.#launch(delivery);
    }
  }

  #launch(delivery: Delivery): Promise<void> {
    const sending = this.#deliver(delivery).finally(() => {
      this.#inFlight.delete(delivery.id);
      this.wake();
    });
    this.#inFlight.set(delivery.id, sending);
    return sending;
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { store } = this.#simulation;
    const event = store.get('event', delivery.event);
    const endpoint = store.get('webhook_endpoint', delivery.endpoint);
    if (!event || !endpoint || endpoint.status !== 'enabled') {
      store.put('delivery', { ...delivery, state: 'given-up', lastResult: 'the endpoint is gone' }, 0);
      return;
    }
    const payload = JSON.stringify(presentEvent(this.#simulation, event), null, 2);
    const secret = this.conditions.wrongSecret ? 'whsec_nobodyHasThisSecret' : (endpoint.secret ?? '');
    let result = await this.#post(endpoint.url, payload, secret);
    for (let extra = 0; extra < this.conditions.duplicates; extra += 1) result = await this.#post(endpoint.url, payload, secret);
    // A delivery that the stop cut off was not an attempt.
    if (this.#stopping.signal.aborted && !result.ok) return;
    this.#settle(delivery, event.type, result);
  }

  #settle(delivery: Delivery, type: string, result: { ok: boolean; text: string }): void {
    const attempts = delivery.attempts + 1;
    const state = result.ok ? 'delivered' : attempts >= WEBHOOK_LIMITS.attempts ? 'given-up' : 'waiting';
    const pauseMs = Math.min(this.#retryBaseMs * 2 ** (attempts - 1), WEBHOOK_LIMITS.retryCapMs);
    const dueAtMs = this.#simulation.nowMs() + pauseMs;
    this.#simulation.store.put('delivery', { ...delivery, attempts, state, dueAtMs, lastResult: result.text }, 0);
    if (!result.ok)
      this.#report({
        level: 'warn',
        message: 'webhook not taken',
        type,
        event: delivery.event,
        attempts,
        state,
        result: result.text,
      });
  }

  async #post(url: string, payload: string, secret: string): Promise<{ ok: boolean; text: string }> {
    const timestamp = Math.floor(this.#simulation.nowMs() / 1_000) + this.conditions.timestampSkewSeconds;
    try {
      const response = await fetch(url, {
        method: 'POST',
        body: payload,
        // As at Stripe, a redirect is a failure.
        redirect: 'manual',
        signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(WEBHOOK_LIMITS.timeoutMs)]),
        headers: {
          'Content-Type': 'application/json; charset=utf-8',
          'User-Agent': 'Stripe/1.0 (simulated money)',
          'Stripe-Signature': signatureHeader(payload, secret, timestamp),
        },
      });
      await response.body?.cancel();
      return { ok: response.ok, text: `status ${response.status}` };
    } catch (error) {
      return { ok: false, text: error instanceof Error ? `${error.name}: ${causeOf(error)}` : 'failed' };
    }
  }
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function inOrder(due: readonly Delivery[], order: WebhookConditions['order']): Delivery[] {
  const ordered = [...due];
  if (order === 'newest-first') return ordered.reverse();
  if (order !== 'shuffled') return ordered;
  return ordered
    .map((delivery) => ({ delivery, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ delivery }) => delivery);
}
