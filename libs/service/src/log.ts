import { isNativeError } from 'node:util/types';
import { pino, type Logger as PinoLogger } from 'pino';
import { currentTrace } from './trace.ts';

export type Logger = PinoLogger;

/**
 * Lines of JSON on standard output. Never log what people wrote, tokens, or whole inputs: only ids, codes and counts. `error` means that
 * somebody was told of a failure, `warn` that it is retried by itself, `info` is one line for each change of the process's life.
 */
export function logger(name: string, level: string): Logger {
  const mixin = () => {
    const trace = currentTrace();
    return trace === undefined ? {} : { requestId: trace.requestId, traceparent: trace.traceparent };
  };
  const secrets = ['token', '*.token', 'signature', '*.signature', 'signed', '*.signed', 'authorization', '*.authorization'];
  // A driver's error carries the row or the parameters that it failed on; only what says which rule was broken is kept.
  const err = (error: unknown) => (isNativeError(error) ? describe(error) : { message: String(error) });
  return pino({
    name,
    level,
    base: { name, pid: process.pid },
    mixin,
    redact: { paths: secrets, remove: true },
    serializers: { err },
  });
}

const MAX_CAUSES = 4;
function describe(error: Error, depth = 0): object {
  const { code, constraint, table } = error as { code?: unknown; constraint?: unknown; table?: unknown };
  const cause = isNativeError(error.cause) && depth < MAX_CAUSES ? { cause: describe(error.cause, depth + 1) } : {};
  return { type: error.name, message: error.message, stack: error.stack, code, constraint, table, ...cause };
}
