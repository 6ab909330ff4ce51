import { AppError, COMMON_ERRORS, type Bound, type Caller, type ErrorCode } from '@rialto/contracts';
import { authenticate, type Received } from './caller.ts';
import { asAppError } from './failure.ts';
import type { Logger } from './log.ts';
import type { OperationMetrics } from './metrics.ts';
import { OK_PREFIX, type ReplyError } from './nats-client.ts';
import { idOf } from './subjects.ts';
import type { Tokens } from './tokens.ts';
import { runInTrace } from './trace.ts';

const MAX_ISSUES = 20;

export type AnyHandler = (input: unknown, caller: Caller) => Promise<unknown>;
export interface Answering {
  readonly tokens: Tokens;
  readonly log: Logger;
  readonly metrics: OperationMetrics;
}

/** Runs one operation and resolves with the reply's JSON text. Never throws: whatever goes wrong becomes one of the table's codes. */
export async function answer(
  operation: Bound,
  handler: AnyHandler,
  received: Received,
  { tokens, log, metrics }: Answering,
): Promise<string> {
  const startedAt = performance.now();
  const { requestId, traceparent } = received.request;
  return runInTrace({ requestId: String(requestId), traceparent }, async () => {
    try {
      const { caller, input } = await authenticate(operation, received, tokens);
      const output = await handler(validInput(operation, input), caller);
      const reply = `${OK_PREFIX}${JSON.stringify(operation.output.parse(output))}}`;
      metrics.observe(operation, 'ok', performance.now() - startedAt);
      return reply;
    } catch (thrown) {
      const error = publicError(operation, thrown, log);
      metrics.observe(operation, error.code, performance.now() - startedAt);
      return failureReply(error);
    }
  });
}

function validInput(operation: Bound, input: unknown): unknown {
  const parsed = operation.input.safeParse(input);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, MAX_ISSUES);
  throw new AppError(
    'invalid-input',
    issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })),
  );
}

/** Only here does an unexpected error become `internal`, and here it is logged, once, with its cause. */
function publicError(operation: Bound, thrown: unknown, log: Logger): AppError {
  const error = asAppError(thrown);
  const isListed = operation.errors.includes(error.code) || COMMON_ERRORS.includes(error.code);
  if (!isListed) {
    log.error(
      { operation: idOf(operation), code: error.code },
      "a code that is not among the operation's errors: list it in the contract",
    );
    return new AppError('internal');
  }
  if (error.code === 'internal')
    log.error({ operation: idOf(operation), err: error.cause ?? error }, 'an operation failed unexpectedly');
  else if (error.cause !== undefined && isStorage(error.code))
    log.warn({ operation: idOf(operation), err: error.cause }, error.code);
  return error;
}
const isStorage = (code: ErrorCode): boolean => code === 'unavailable' || code === 'outcome-unknown';

export function failureReply({ code, details }: AppError): string {
  const retryAfterMs = (details as { retryAfterMs?: unknown } | undefined)?.retryAfterMs;
  const error: ReplyError = { code, details, ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}) };
  return JSON.stringify({ error });
}
