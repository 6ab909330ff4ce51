import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import type { Msg, Subscription } from '@nats-io/transport-node';
import { AppError, type Peer, type ServiceName } from '@rialto/contracts';
import { failureReply } from './answer.ts';
import type { Received } from './caller.ts';
import { textOf, type Health, type Request } from './nats-client.ts';
import type { NatsLink } from './nats-connection.ts';
import { healthSubjectOf, inboxOf } from './subjects.ts';

/** Requests that one process works on at once. Beyond it callers hear `unavailable` at once instead of waiting in vain. */
const MAX_IN_FLIGHT = 10_000;
/** How long accepted requests may take to finish once the process was told to stop. */
const DRAIN_LIMIT_MS = 8_000;

type Run = (received: Received) => Promise<string>;
export interface NatsServerOptions {
  readonly link: NatsLink;
  readonly service: ServiceName;
  readonly health: () => Promise<Health>;
}

/** Nest's transport for one service: a queue subscription, Nest's handlers by name, and an end that answers what was accepted. */
export class NatsServer extends Server implements CustomTransportStrategy {
  readonly #link: NatsLink;
  readonly #service: ServiceName;
  readonly #health: () => Promise<Health>;
  #subscriptions: readonly Subscription[] = [];
  #inFlight = 0;
  #whenIdle: (() => void) | undefined;

  constructor({ link, service, health }: NatsServerOptions) {
    super();
    this.#link = link;
    this.#service = service;
    this.#health = health;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  listen(done: () => void): void {
    const { connection } = this.#link;
    const queue = this.#service;
    const callback = (error: Error | null, message: Msg) => void (error ?? this.#answer(message));
    const healthCallback = (error: Error | null, message: Msg) => void (error ?? this.#answerHealth(message));
    this.#subscriptions = [
      connection.subscribe(`rpc.*.${this.#service}.*`, { queue, callback }),
      connection.subscribe(healthSubjectOf(this.#service), { queue, callback: healthCallback }),
    ];
    void this.#announce(done);
  }

  /** Whoever waits for us may call from the next moment on, so the subscriptions must have arrived. */
  async #announce(done: () => void): Promise<void> {
    await this.#link.flush();
    done();
  }

  async #answer(message: Msg): Promise<void> {
    const [, from, , name = ''] = message.subject.split('.');
    // Answering anywhere else would lend a caller our right to publish.
    const { reply } = message;
    if (!reply?.startsWith(`${inboxOf(from as Peer)}.`)) return;
    this.#inFlight += 1;
    try {
      this.#respond(reply, await this.#replyTo(from as Peer, name, message));
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#whenIdle?.();
    }
  }

  #respond(reply: string, text: string): void {
    const onError = (error: unknown) => {
      this.logger.error(error); // The answer is larger than NATS carries: a limit of ours is missing.
      this.#link.publish(reply, failureReply(new AppError('internal')));
    };
    this.#link.publish(reply, text, { onError });
  }

  async #replyTo(from: Peer, name: string, message: Msg): Promise<string> {
    const run = this.messageHandlers.get(name) as unknown as Run | undefined;
    if (run === undefined) return failureReply(new AppError('not-found'));
    if (this.#inFlight > MAX_IN_FLIGHT) return failureReply(new AppError('unavailable'));
    const request = parseRequest(message);
    return request === undefined ? failureReply(new AppError('invalid-input')) : run({ from, request });
  }

  async #answerHealth(message: Msg): Promise<void> {
    if (!message.reply?.startsWith(`${inboxOf('gateway')}.`)) return;
    this.#link.publish(message.reply, JSON.stringify(await this.#health()));
  }

  /** Takes nothing new, finishes what it has, and lets the answers leave. The connection stays open for whoever else uses it. */
  async close(): Promise<void> {
    // Draining, unlike unsubscribing, still takes what NATS had on its way to us.
    if (this.#link.isConnected) await Promise.all(this.#subscriptions.map((subscription) => subscription.drain()));
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, DRAIN_LIMIT_MS);
        this.#whenIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    if (this.#link.isConnected) await this.#link.flush();
  }

  on(): void {}
  unwrap<T>(): T {
    return this.#link.connection as T;
  }
}

/** Our own processes send JSON objects; anything else is refused, not guessed at. */
function parseRequest(message: Msg): Request | undefined {
  try {
    const request: unknown = JSON.parse(textOf(message.data));
    return typeof request === 'object' && request !== null ? (request as Request) : undefined;
  } catch {
    return undefined; // The caller is told `invalid-input`.
  }
}
