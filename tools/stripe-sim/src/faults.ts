import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { StripeProblem } from './errors.ts';

const FAULT_LIMITS = { times: 10_000, holdMs: 120_000 } as const;

/** What the next API calls suffer. `before`: nothing happened at Stripe. `after`: it happened, and only the answer is lost. */
export const faultInput = z.strictObject({
  mode: z.enum(['error', 'timeout', 'disconnect', 'delay']),
  stage: z.enum(['before', 'after']).default('before'),
  times: z.int().min(1).max(FAULT_LIMITS.times).default(1),
  /** For `error`. */
  status: z.int().min(400).max(599).default(500),
  /** For `delay` and `timeout`: how long the answer is held. */
  holdMs: z.int().min(0).max(FAULT_LIMITS.holdMs).default(1_000),
  /** Only calls of this method, and only paths that begin so. */
  method: z.enum(['GET', 'POST', 'DELETE']).optional(),
  path: z.string().startsWith('/v1/').optional(),
});

export type Fault = z.output<typeof faultInput>;

/** The call is to get no answer at all: its connection is closed. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** The faults that tests asked for, in order; each is used up by the calls it matches. */
export class Faults {
  #planned: Fault[] = [];
  readonly #stopping = new AbortController();

  plan(fault: Fault): void {
    this.#planned.push({ ...fault });
  }

  clear(): void {
    this.#planned = [];
  }

  planned(): readonly Fault[] {
    return this.#planned;
  }

  /** Lets every held call go. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Takes the first fault that a call matches. It is used up even if the call then fails by itself. */
  take(method: string, path: string): Fault | null {
    const fault = this.#planned.find((plan) => (plan.method ?? method) === method && path.startsWith(plan.path ?? '/v1/'));
    if (!fault) return null;
    fault.times -= 1;
    this.#planned = this.#planned.filter((plan) => plan.times > 0);
    return fault;
  }

  /**
   * Lets the call suffer its fault, if this is its stage.
   * @throws {StripeProblem} for `error`, {NoAnswer} for `timeout` and `disconnect`.
   */
  async suffer(fault: Fault | null, stage: Fault['stage']): Promise<void> {
    if (!fault || fault.stage !== stage) return;
    if (fault.mode === 'error') throw faultProblem(fault.status);
    if (fault.mode === 'disconnect') throw new NoAnswer();
    await sleep(fault.holdMs, undefined, { signal: this.#stopping.signal }).catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) throw error;
    });
    if (fault.mode === 'timeout') throw new NoAnswer();
  }
}

function faultProblem(status: number): StripeProblem {
  if (status === 429) {
    const message = 'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.';
    return new StripeProblem(429, { type: 'invalid_request_error', code: 'rate_limit', message }, false);
  }
  const type = status >= 500 ? 'api_error' : 'invalid_request_error';
  return new StripeProblem(status, { type, message: 'An error that the simulator was asked to make.' }, false);
}
