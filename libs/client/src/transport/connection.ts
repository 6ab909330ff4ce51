import { AppError, type Bound, type BoundEvent, CONTRACTS } from '@rialto/contracts';
import { Emitter } from '../events.ts';
import type { ConnectionState } from '../views.ts';
import { createApi, type Api, type Send } from './api.ts';
import { sendOverHttp } from './http.ts';
import { withRetries } from './retry.ts';
import { Session, type SessionIdentity } from './session.ts';
import { bodyOf, isForAnyone } from './signing.ts';
import { Socket } from './socket.ts';

const RENEW_FLOOR_MS = 5_000;
const EVENTS: ReadonlyMap<string, BoundEvent> = new Map(
  Object.values(CONTRACTS).flatMap(({ events }) => Object.values(events).map((each) => [`${each.service}.${each.name}`, each])),
);

export interface ConnectionEvents {
  changed: { readonly state: ConnectionState };
  /** Online again and pushes may have been missed. */
  missed: Record<string, never>;
  refused: { readonly code: number };
}
export type PushHandler = (payload: never) => Promise<void>;

/**
 * The way to one server for one device. Calls go over the socket while it is open and over HTTP otherwise; either way they are repeated
 * with the same bytes when their outcome is unknown.
 */
export class Connection {
  readonly events = new Emitter<ConnectionEvents>();
  readonly api: Api;
  readonly #url: string;
  readonly #identity: SessionIdentity;
  readonly #session: Session;
  readonly #socket: Socket;
  readonly #handlers = new Map<string, PushHandler>();
  readonly #ended = new AbortController();
  #state: ConnectionState = 'offline';
  #renewal: ReturnType<typeof setTimeout> | undefined;

  constructor({ url, identity }: { readonly url: string; readonly identity: SessionIdentity }) {
    this.#url = url;
    this.#identity = identity;
    this.api = createApi(CONTRACTS, this.#send);
    this.#session = new Session({ api: this.api.identity, url, identity });
    this.#socket = new Socket({
      url,
      token: () => this.#session.token(),
      events: {
        ready: ({ resumed }) => this.#ready(resumed),
        dispatch: (event, payload) => this.#dispatch(event, payload),
        closed: ({ code, willReconnect }) => this.#closed(code, willReconnect),
        tokenRefused: (token) => this.#session.drop(token),
      },
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }
  /** Ends when the client closes: for whoever waits between attempts. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }
  serverNow(): number {
    return this.#session.serverNow();
  }

  /** Who handles a push, by `service.event`. A push is acknowledged when the promise resolves; a rejection is the handler's bug. */
  handle(event: string, handler: PushHandler): void {
    this.#handlers.set(event, handler);
  }

  start(): void {
    this.#become('connecting');
    this.#socket.start();
  }
  stop(): void {
    clearTimeout(this.#renewal);
    this.#ended.abort();
    this.#socket.stop();
    this.#become('offline');
  }
  /** Stops for good, in a state that says why. */
  yieldTo(state: 'elsewhere'): void {
    this.#become(state);
    this.stop();
  }
  /** What the platform says of its network: without one the socket is given up at once instead of after missed heartbeats. */
  networkChanged(isThere: boolean): void {
    if (isThere) this.#socket.hurry();
    else this.#socket.giveUp();
  }

  readonly #send: Send = async (operation, input) => {
    const body = bodyOf(operation, input, this.#identity.signer);
    const output = await withRetries(() => this.#attempt(operation, body), this.#ended.signal);
    const checked = operation.output.safeParse(output);
    if (!checked.success) throw new AppError('internal', undefined, checked.error);
    return checked.data;
  };

  async #attempt(operation: Bound, body: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (isForAnyone(operation)) return sendOverHttp(this.#url, { operation, body });
    if (this.#state === 'revoked') throw new AppError('device-revoked');
    const token = await this.#session.token();
    try {
      if (this.#socket.isReady) return await this.#socket.call(`${operation.service}.${operation.name}`, body);
      return await sendOverHttp(this.#url, { operation, body, token });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === 'device-revoked') this.#revoked();
      if (error.code !== 'token-expired' && error.code !== 'unauthenticated') throw error;
      this.#session.drop(token);
      const fresh = await this.#session.token();
      this.#socket.renew(fresh);
      return sendOverHttp(this.#url, { operation, body, token: fresh });
    }
  }

  #ready(resumed: boolean): void {
    this.#become('online');
    this.#renewLater();
    if (!resumed) this.events.emit('missed', {});
  }

  /** The socket's own token ends as well, so the next one is handed over in time. */
  #renewLater(): void {
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(() => {
      if (!this.#socket.isReady) return;
      this.#session
        .token()
        .then((token) => this.#socket.renew(token))
        .catch((error: unknown) => {
          if (error instanceof AppError && error.code === 'device-revoked') this.#revoked();
        }) // otherwise the socket is closed with 4002 and comes back
        .finally(() => this.#renewLater());
    }, this.#session.renewInMs + RENEW_FLOOR_MS);
  }

  async #dispatch(event: string, payload: unknown): Promise<void> {
    const checked = EVENTS.get(event)?.payload.safeParse(payload);
    if (!checked?.success) return; // a newer server's event, or a broken one: the logs tell the truth
    await this.#handlers.get(event)?.(checked.data as never);
  }

  #closed(code: number, willReconnect: boolean): void {
    clearTimeout(this.#renewal);
    if (code === 4003) return this.#revoked();
    this.#become(willReconnect || this.#ended.signal.aborted ? 'offline' : 'signed-out');
    if (!willReconnect && !this.#ended.signal.aborted) this.events.emit('refused', { code });
  }

  #revoked(): void {
    this.#become('revoked');
    this.#socket.stop();
  }

  #become(state: ConnectionState): void {
    if (state === this.#state || this.#state === 'revoked' || this.#state === 'elsewhere') return;
    this.#state = state;
    this.events.emit('changed', { state });
  }
}

/** The operations that need no account yet: looking up a handle, starting an account. */
export function anonymousApi(url: string, signal: AbortSignal): Api {
  return createApi(CONTRACTS, async (operation, input) => {
    const output = await withRetries(() => sendOverHttp(url, { operation, body: input }), signal);
    return operation.output.parse(output);
  });
}
