import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

/** What ties together all that one request caused, in logs and over processes. `traceparent` is W3C Trace Context's header. */
export interface Trace {
  readonly requestId: string;
  readonly traceparent?: string | undefined;
}

const current = new AsyncLocalStorage<Trace>();
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

const SPAN_CHARS = 16;
const NO_TRACE = '0'.repeat(32);
/** Node keeps random bytes for UUIDs ready, which makes this ten times cheaper than asking for some each time. */
const randomHex = (): string => randomUUID().replaceAll('-', '');

export const newRequestId = (): string => randomUUID();
export const currentTrace = (): Trace | undefined => current.getStore();
export const runInTrace = <T>(trace: Trace, run: () => T): T => current.run(trace, run);

/** Continues the caller's trace with a span of our own, or begins one. A malformed header counts as none (W3C Trace Context, section 4.3). */
export function continueTrace(header: string | undefined): string {
  const [, traceId, , flags] = (header === undefined ? null : TRACEPARENT.exec(header)) ?? [];
  const span = randomHex().slice(0, SPAN_CHARS);
  if (traceId === undefined || traceId === NO_TRACE) return `00-${randomHex()}-${span}-00`;
  return `00-${traceId}-${span}-${flags}`;
}
