import { AppError } from '@rialto/contracts';

/** SQLSTATEs after which PostgreSQL has surely rolled the statement back, or never began it; trying again later can help. */
const NOTHING_DONE = new Set([
  '08001', // cannot connect
  '08004', // connection rejected
  '25006', // read-only: a standby
  '40001', // serialization failure
  '40P01', // deadlock
  '53100', // disk full
  '53200', // out of memory
  '53300', // too many connections
  '55P03', // lock_timeout
  '57014', // statement_timeout
  '57P03', // starting up or shutting down
]);
/** The connection went away with a statement on it: it may have been committed. */
const OUTCOME_UNKNOWN = new Set([
  '08000',
  '08003',
  '08006',
  '57P01',
  '57P02',
  '57P05',
  '25P03',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
]);
const NEVER_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
/** The drivers have no codes for these. */
const NEVER_CONNECTED_TEXT = /timeout exceeded when trying to connect|Connection terminated due to connection timeout/;
const OUTCOME_UNKNOWN_TEXT =
  /Connection terminated|Query read timeout|Client has encountered a connection error|Client was closed/;
const MAX_CAUSES = 5;

/** What a failure of PostgreSQL or of the way to it means for the caller; undefined when it is neither (then it is a bug of ours). */
export function storageFailure(thrown: unknown): AppError | undefined {
  let error: unknown = thrown;
  for (let depth = 0; depth < MAX_CAUSES && typeof error === 'object' && error !== null; depth++) {
    const { code = '', message = '', cause, driverError } = error as Partial<Error> & { code?: string; driverError?: unknown };
    if (NOTHING_DONE.has(code) || NEVER_CONNECTED.has(code) || NEVER_CONNECTED_TEXT.test(message)) {
      return new AppError('unavailable', undefined, thrown);
    }
    if (OUTCOME_UNKNOWN.has(code) || OUTCOME_UNKNOWN_TEXT.test(message))
      return new AppError('outcome-unknown', undefined, thrown);
    error = driverError ?? cause;
  }
  return undefined;
}

/** The error as callers may see it: their AppError, a failure of the storage, or `internal`. */
export const asAppError = (thrown: unknown): AppError =>
  thrown instanceof AppError ? thrown : (storageFailure(thrown) ?? new AppError('internal', undefined, thrown));
