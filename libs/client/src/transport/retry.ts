import { AppError, type ErrorCode } from '@rialto/contracts';
import { retryAfterMsOf } from './problem.ts';

export const MAX_ATTEMPTS = 5;
const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;
const MAX_OBEYED_WAIT_MS = 15_000;

/** Failures after which the very same call may succeed. Others that the table calls retryable ask for something to be done first. */
const REPEATABLE: readonly ErrorCode[] = ['unavailable', 'outcome-unknown', 'internal', 'rate-limited', 'processor-unavailable'];

/** Waits longer after each failure, with half of it random, so that clients that failed together do not return together. */
export function backOffMs(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  return full / 2 + (full / 2) * random();
}

/**
 * Repeats a call that may be repeated: every operation is idempotent by the ids in its input, so the same bytes go out again. Gives up
 * after `MAX_ATTEMPTS`, on an error that repeating does not change, when asked to wait too long, or when `signal` ends it.
 */
export async function withRetries<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof AppError) || !REPEATABLE.includes(error.code) || attempt + 1 >= MAX_ATTEMPTS) throw error;
      const asked = retryAfterMsOf(error) ?? 0;
      if (asked > MAX_OBEYED_WAIT_MS) throw error;
      await pause(Math.max(asked, backOffMs(attempt)), signal);
    }
  }
}

/** Resolves after a time. Rejects with `unavailable` when the signal ends it. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new AppError('unavailable'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
