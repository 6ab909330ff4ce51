import { Catch, HttpException, type ArgumentsHost } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError, ERRORS, type ErrorCode, type Problem } from '@rialto/contracts';
import type { Logger } from '@rialto/service';

const MS_A_SECOND = 1_000;
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Statuses of HTTP itself that no operation answers, so the table of errors has no row of their own for them. */
const STATUS_CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  405: 'not-found',
  408: 'unavailable',
  413: 'payload-too-large',
  414: 'payload-too-large',
  415: 'unsupported-media-type',
  429: 'rate-limited',
  431: 'payload-too-large',
  503: 'unavailable',
};

/** An error of HTTP with a status of its own, such as 405. */
export class HttpError extends AppError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, details?: unknown, headers: Readonly<Record<string, string>> = {}) {
    super(codeOfStatus(status), details);
    this.status = status;
    this.headers = headers;
  }
}

const codeOfStatus = (status: number): ErrorCode =>
  STATUS_CODES[status] ?? (status >= 400 && status < 500 ? 'invalid-input' : 'internal');

/** What a caller is told, over HTTP and on the socket. */
export interface Failure {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  readonly details?: unknown;
}
export function failureOf({ code, details }: AppError): Failure {
  const { retryAfterMs } = (details ?? {}) as { retryAfterMs?: unknown };
  const wait = typeof retryAfterMs === 'number' ? { retryAfterMs } : {};
  return { code, retryable: ERRORS[code].retryable, ...wait, ...(details === undefined ? {} : { details }) };
}

/** RFC 9457. */
export function problemOf(error: AppError, requestId: string): Problem {
  const { meaning, status } = ERRORS[error.code];
  const page = `/docs/errors#${error.code}`;
  const own = error instanceof HttpError ? error.status : status;
  return { type: page, title: meaning, status: own, ...failureOf(error), requestId, docUrl: page };
}

/** Anything that was thrown as one of the table's errors. What is not expected is `internal`, and is logged here, once. */
export function expected(thrown: unknown, log: Logger, requestId: string): AppError {
  if (thrown instanceof AppError) {
    if (thrown.code === 'internal') log.error({ requestId, err: thrown.cause ?? thrown }, 'a request failed unexpectedly');
    return thrown;
  }
  // Nest's exceptions and Fastify's errors have a status; their texts may quote what was sent, so they do not leave.
  const status =
    thrown instanceof HttpException ? thrown.getStatus() : (thrown as { statusCode?: unknown } | undefined)?.statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500) return new HttpError(status);
  if (thrown instanceof RangeError) return new AppError('invalid-input', [{ path: '', message: 'nested too deeply' }]);
  log.error({ requestId, err: thrown }, 'a request failed unexpectedly');
  return new AppError('internal', undefined, thrown);
}

export function sendProblem(reply: FastifyReply, error: AppError, requestId: string): void {
  const problem = problemOf(error, requestId);
  if (problem.retryAfterMs !== undefined) void reply.header('retry-after', Math.ceil(problem.retryAfterMs / MS_A_SECOND));
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer realm="rialto"');
  if (error instanceof HttpError) void reply.headers(error.headers);
  void reply.header('cache-control', 'no-store').status(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

/** Where an error becomes an HTTP answer: for our routes, for Nest's own exceptions and for Fastify's. */
export class ProblemFilter {
  readonly #log: Logger;
  constructor(log: Logger) {
    this.#log = log;
  }
  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const { id } = http.getRequest<FastifyRequest>();
    sendProblem(http.getResponse<FastifyReply>(), expected(thrown, this.#log, id), id);
  }
}
Catch()(ProblemFilter);
