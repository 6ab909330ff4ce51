import { AppError, isErrorCode } from '@rialto/contracts';

const retryAfter = new WeakMap<AppError, number>();

/** How long the server asked to wait before a retry, if it did. */
export const retryAfterMsOf = (error: AppError): number | undefined => retryAfter.get(error);

/** The same for anything that was thrown: the milliseconds of Retry-After, for whoever shows them or waits them out. */
export const waitOf = (thrown: unknown): number | undefined => (thrown instanceof AppError ? retryAfterMsOf(thrown) : undefined);

/** An `AppError` from what a server sent, over HTTP (RFC 9457) or in a frame. A code of a newer server becomes `internal`. */
export function errorFrom(problem: unknown, status?: number): AppError {
  const { code, details, retryAfterMs } = (typeof problem === 'object' && problem !== null ? problem : {}) as {
    code?: unknown;
    details?: unknown;
    retryAfterMs?: unknown;
  };
  const error = new AppError(isErrorCode(code) ? code : codeOfStatus(status), details);
  if (typeof retryAfterMs === 'number' && retryAfterMs >= 0) retryAfter.set(error, retryAfterMs);
  return error;
}

/** For answers that are not ours, such as a proxy's. */
function codeOfStatus(status: number | undefined) {
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not-found';
  if (status === 413) return 'payload-too-large';
  if (status === 429) return 'rate-limited';
  if (status === 502 || status === 503) return 'unavailable';
  if (status === 504) return 'outcome-unknown';
  return 'internal';
}

/** The server or the network was not there: nothing is wrong with this device. */
export function isPassing(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return ['unavailable', 'outcome-unknown', 'rate-limited', 'token-expired', 'closed'].includes(String(code));
}
