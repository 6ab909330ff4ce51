import { AppError, type Bound } from '@rialto/contracts';
import {
  errorOf,
  idOf,
  OK_PREFIX,
  type NatsClient,
  type OperationMetrics,
  type ReplyError,
  type Session,
  type Tokens,
} from '@rialto/service';
import type { RateLimits, Standing } from './rate-limit.ts';

/** One call of a person, however it came. */
export interface Incoming {
  readonly operation: Bound;
  /** What was sent: the input, or `{ signed, signature }`. The service validates it; here it is only handed on. */
  readonly body: unknown;
  readonly token: string | undefined;
  /** Counts calls that need no session. */
  readonly network: string;
  readonly requestId: string;
  readonly traceparent: string;
}
export interface Outgoing {
  /** The output as JSON text, unread. */
  readonly json: string;
  readonly standing: Standing;
}

/** The one way from the door to a service, for HTTP and for the socket. */
export class Dispatch {
  readonly #nats: NatsClient;
  readonly #tokens: Tokens;
  readonly #limits: RateLimits;
  readonly #metrics: OperationMetrics;
  constructor(deps: { nats: NatsClient; tokens: Tokens; limits: RateLimits; metrics: OperationMetrics }) {
    this.#nats = deps.nats;
    this.#tokens = deps.tokens;
    this.#limits = deps.limits;
    this.#metrics = deps.metrics;
  }

  /** Throws AppError: of this door (session, limits) or what the service answered. */
  async run(incoming: Incoming): Promise<Outgoing> {
    const { operation } = incoming;
    const startedAt = performance.now();
    try {
      const standing = await this.#admit(incoming);
      const reply = await this.#nats.send(operation, requestText(incoming));
      if (!reply.startsWith(OK_PREFIX)) throw answeredError(reply);
      this.#metrics.observe(operation, 'ok', performance.now() - startedAt);
      return { json: reply.slice(OK_PREFIX.length, -1), standing };
    } catch (error) {
      this.#metrics.observe(operation, error instanceof AppError ? error.code : 'internal', performance.now() - startedAt);
      throw error;
    }
  }

  /** Refuses early what the service would refuse too, and counts. Who has no session, or none that is good, counts by address. */
  async #admit({ operation, token, network }: Incoming): Promise<Standing> {
    if (operation.callers.includes('anyone') && token === undefined) return this.#limits.anyone.take(network);
    let session: Session;
    try {
      if (token === undefined) throw new AppError('unauthenticated');
      session = this.#tokens.recall(token) ?? (await this.#tokens.verify(token));
    } catch (error) {
      const standing = await this.#limits.anyone.take(network);
      if (operation.callers.includes('anyone')) return standing;
      throw error;
    }
    return this.#limits.device.take(session.deviceId);
  }
}

function requestText({ operation, body, token, requestId, traceparent }: Incoming): string {
  if (!operation.callers.includes('device-signed')) {
    // A token that is of no use to the operation stays here.
    const session = operation.callers.includes('device') ? token : undefined;
    return JSON.stringify({ requestId, traceparent, token: session, input: body });
  }
  const { signed, signature, ...rest } = (typeof body === 'object' ? (body ?? {}) : {}) as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new AppError('invalid-input', [{ path: unknown, message: 'not part of a signed body' }]);
  return JSON.stringify({ requestId, traceparent, token, signed, signature });
}

function answeredError(reply: string): AppError {
  const { error } = JSON.parse(reply) as { error: ReplyError };
  const { code, details } = errorOf(error);
  const isPlain = typeof details === 'object' && details !== null && !Array.isArray(details);
  const wait = error.retryAfterMs === undefined ? details : { ...(isPlain ? details : {}), retryAfterMs: error.retryAfterMs };
  return new AppError(code, wait);
}

/** Every operation that people may call, by its name. */
export const operationsForPeople = (
  services: readonly { readonly operations: Readonly<Record<string, Bound>> }[],
): Map<string, Bound> =>
  new Map(
    services
      .flatMap(({ operations }) => Object.values(operations))
      .filter(({ http }) => http !== undefined)
      .map((operation) => [idOf(operation), operation]),
  );
