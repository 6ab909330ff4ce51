import { randomBytes } from 'node:crypto';
import type { Msg } from '@nats-io/transport-node';
import {
  AppError,
  isErrorCode,
  MAX_NATS_PAYLOAD_BYTES,
  type Bound,
  type Input,
  type Output,
  type ServiceName,
} from '@rialto/contracts';
import type { NatsLink } from './nats-connection.ts';
import { healthSubjectOf, inboxOf, subjectOf } from './subjects.ts';
import { currentTrace, newRequestId } from './trace.ts';

export const CALL_TIMEOUT_MS = 5_000;
/** Calls of one process that wait for an answer. Beyond it something is stuck, and more would only wait longer. */
const MAX_WAITING_CALLS = 20_000;
const SWEEP_EVERY_MS = 50;
const HEALTH_TIMEOUT_MS = 1_500;
const NO_RESPONDERS = 503;
/** How a successful reply begins; the gateway hands the rest on unread. */
export const OK_PREFIX = '{"ok":';

/** What travels in a request, as one JSON object. A `device-signed` operation carries `signed` and `signature` instead of `input`. */
export interface Request {
  readonly requestId: string;
  readonly traceparent?: string | undefined;
  readonly token?: string | undefined;
  readonly input?: unknown;
  readonly signed?: unknown;
  readonly signature?: unknown;
}
export interface ReplyError {
  readonly code: string;
  readonly details?: unknown;
  readonly retryAfterMs?: number;
}
/** How one call differs from others. Without a request id, the one of the request being served is carried on. */
export interface About {
  readonly requestId?: string;
  readonly token?: string;
  readonly timeoutMs?: number;
}
/** What a service says of itself to `/health/ready`. */
export interface Health {
  readonly isReady: boolean;
  readonly problem?: string;
}

interface Waiting {
  readonly subject: string;
  readonly deadline: number;
  resolve(reply: string): void;
  reject(error: AppError): void;
}

/**
 * Calls operations of other services over one subscription of our own. The client library's `request` makes a promise race and a timer for
 * each call; here a call is a map entry, and one sweep ends those that are late.
 */
export class NatsClient {
  readonly #link: NatsLink;
  readonly #inbox: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #sweep: NodeJS.Timeout;
  #lastId = 0;

  constructor(link: NatsLink) {
    this.#link = link;
    this.#inbox = `${inboxOf(link.peer)}.${randomBytes(16).toString('base64url')}`;
    link.connection.subscribe(`${this.#inbox}.*`, { callback: (error, reply) => void (error ?? this.#settle(reply)) });
    link.onLost(() => this.#rejectAll(() => true, 'outcome-unknown'));
    link.onDenied((subject) => this.#rejectAll((waiting) => waiting.subject === subject, 'unavailable'));
    this.#sweep = setInterval(() => this.#endLate(), SWEEP_EVERY_MS).unref();
    void link.connection.closed().then(() => clearInterval(this.#sweep));
  }

  /**
   * Calls an operation. Throws AppError with the service's code, `unavailable` when surely nothing was done, or `outcome-unknown` when no
   * answer came in time (repeat it with the same idempotency key).
   */
  async call<O extends Bound>(operation: O, input: Input<O>, { requestId, token, timeoutMs }: About = {}): Promise<Output<O>> {
    const trace = currentTrace();
    const request: Request = {
      requestId: requestId ?? trace?.requestId ?? newRequestId(),
      traceparent: trace?.traceparent,
      token,
      input,
    };
    const reply = await this.send(operation, JSON.stringify(request), timeoutMs);
    const parsed = JSON.parse(reply) as { ok: Output<O> } | { error: ReplyError };
    if ('error' in parsed) throw errorOf(parsed.error);
    return parsed.ok;
  }

  /** Sends a request that is JSON text already and resolves with the reply's text, whatever it says: begins with `OK_PREFIX` or holds `error`. */
  send(operation: Pick<Bound, 'service' | 'name'>, request: string, timeoutMs: number = CALL_TIMEOUT_MS): Promise<string> {
    return this.#request(subjectOf(this.#link.peer, operation), request, timeoutMs);
  }

  /** Asks one replica of a service how it is. Throws `unavailable` or `outcome-unknown` when nobody answers. */
  async health(service: ServiceName): Promise<Health> {
    return JSON.parse(await this.#request(healthSubjectOf(service), '', HEALTH_TIMEOUT_MS)) as Health;
  }

  #request(subject: string, payload: string, timeoutMs: number): Promise<string> {
    // While the connection is away the library would keep the message and send it later, when nobody waits for it any more.
    if (!this.#link.isConnected || this.#waiting.size >= MAX_WAITING_CALLS) return Promise.reject(new AppError('unavailable'));
    const id = (this.#lastId += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { subject, deadline: performance.now() + timeoutMs, resolve, reject });
      const onError = (error: unknown) => {
        this.#waiting.delete(id);
        reject(new AppError(isTooLarge(payload) ? 'payload-too-large' : 'unavailable', undefined, error));
      };
      this.#link.publish(subject, payload, { reply: `${this.#inbox}.${id}`, onError });
    });
  }

  #settle(reply: Msg): void {
    const id = Number(reply.subject.slice(this.#inbox.length + 1));
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return; // It came too late: the caller was told, and asks again.
    this.#waiting.delete(id);
    if (reply.data.length === 0 && reply.headers?.code === NO_RESPONDERS) waiting.reject(new AppError('unavailable'));
    else waiting.resolve(textOf(reply.data));
  }

  #endLate(): void {
    const now = performance.now();
    this.#rejectAll(({ deadline }) => deadline <= now, 'outcome-unknown');
  }

  #rejectAll(isMeant: (waiting: Waiting) => boolean, code: 'unavailable' | 'outcome-unknown'): void {
    for (const [id, waiting] of this.#waiting) {
      if (!isMeant(waiting)) continue;
      this.#waiting.delete(id);
      waiting.reject(new AppError(code));
    }
  }
}

/** The error of a reply as an exception. A code that we do not know is a newer service's: to this process it is `internal`. */
export function errorOf({ code, details }: ReplyError): AppError {
  return isErrorCode(code) ? new AppError(code, details) : new AppError('internal', undefined, new Error(`unknown code ${code}`));
}

const isTooLarge = (payload: string): boolean => Buffer.byteLength(payload) > MAX_NATS_PAYLOAD_BYTES;

/** Bytes that our own processes encoded, as text. */
export const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
