import { createHash } from 'node:crypto';
import { StripeProblem } from './errors.ts';
import type { KeptAnswer, Store } from './store.ts';

const IDEMPOTENCY_LIMITS = { keyLength: 255, keptSeconds: 86_400 } as const;

/** What makes two calls the same: method, path and the exact parameters. */
export function fingerprint(method: string, path: string, body: string): string {
  return createHash('sha256').update(`${method}\n${path}\n${body}`).digest('hex');
}

/**
 * Stripe's idempotency keys (docs.stripe.com/api/idempotent_requests): the first answer is kept for a day and given again; the same key with
 * other parameters is refused; a key whose first call still runs answers 409.
 */
export class IdempotencyKeys {
  readonly #store: Store;
  readonly #running = new Set<string>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Takes a key for a call, or returns the answer that was already given under it.
   * @throws {StripeProblem} 400 `idempotency_error` for other parameters, 409 while the first call runs.
   */
  begin(key: string, callFingerprint: string, nowSeconds: number): KeptAnswer | null {
    if (key.length > IDEMPOTENCY_LIMITS.keyLength) {
      const message = `Idempotency keys may have at most ${IDEMPOTENCY_LIMITS.keyLength} characters.`;
      throw new StripeProblem(400, { type: 'idempotency_error', message }, false);
    }
    if (this.#running.has(key)) {
      const message = `There is currently another in-progress request using this Idempotency-Key: ${key}. Please try again later.`;
      throw new StripeProblem(409, { type: 'idempotency_error', code: 'idempotency_key_in_use', message }, false);
    }
    const kept = this.#store.keptAnswer(key, nowSeconds - IDEMPOTENCY_LIMITS.keptSeconds);
    if (kept && kept.fingerprint !== callFingerprint) {
      const message = `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`;
      throw new StripeProblem(400, { type: 'idempotency_error', message }, false);
    }
    if (!kept) this.#running.add(key);
    return kept ?? null;
  }

  /** Lets go of a key, whether or not its answer was kept. */
  end(key: string): void {
    this.#running.delete(key);
  }
}
