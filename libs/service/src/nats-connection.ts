import { connect, errors, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import type { Peer } from '@rialto/contracts';
import type { Logger } from './log.ts';
import { inboxOf } from './subjects.ts';

/** Older servers have holes that matter here (CVE-2023-47090 and its kin). */
const MIN_SERVER_VERSION = '2.12.7';
const RECONNECT_EVERY_MS = 250;
const RECONNECT_JITTER_MS = 100;
/** A server that stopped answering is given up after `PING_EVERY_MS × MAX_PINGS_OUT`. */
const PING_EVERY_MS = 3_000;
const MAX_PINGS_OUT = 2;
const CONNECT_TIMEOUT_MS = 5_000;
/** What one turn of the event loop publishes leaves in writes of up to this size, not of the library's 32 KiB. Its types leave the option out. */
const FEW_WRITES = { pendingLimit: 524_288 } as object;

interface PublishOptions {
  readonly reply?: string | undefined;
  readonly onError?: ((error: unknown) => void) | undefined;
}
interface Outgoing extends PublishOptions {
  readonly subject: string;
  readonly payload: string;
}

/** A connection to NATS with its state. It comes back for ever; `isConnected` says whether a message would leave now. */
export class NatsLink {
  readonly peer: Peer;
  readonly connection: NatsConnection;
  readonly #log: Logger;
  readonly #onLost = new Set<() => void>();
  readonly #onBack = new Set<() => void>();
  readonly #onDenied = new Set<(subject: string) => void>();
  #isConnected = true;
  #isClosing = false;
  #outgoing: Outgoing[] = [];

  constructor(peer: Peer, connection: NatsConnection, log: Logger) {
    this.peer = peer;
    this.connection = connection;
    this.#log = log;
    void this.#watch();
  }

  get isConnected(): boolean {
    return this.#isConnected && !this.connection.isClosed();
  }

  /**
   * Publishes at the end of this turn of the event loop, together with what else the turn brings: one system call for many messages, and no
   * later when there is only one. `onError` hears when it could not leave, for example because it is too large.
   */
  publish(subject: string, payload: string, { reply, onError }: PublishOptions = {}): void {
    this.#outgoing.push({ subject, payload, reply, onError });
    if (this.#outgoing.length === 1) setImmediate(() => this.#send());
  }

  /** Resolves when the server has everything that was published and sent us everything that it had. */
  async flush(): Promise<void> {
    this.#send();
    await this.connection.flush();
  }

  /** Lets go of the server after everything has left. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#send();
    if (this.isConnected) await this.connection.drain();
    else await this.connection.close();
  }

  #send(): void {
    for (const { subject, payload, reply, onError } of this.#outgoing.splice(0)) {
      try {
        // A Buffer's own encoder is several times quicker than the one that the client library would use on text.
        this.connection.publish(subject, Buffer.from(payload), reply === undefined ? {} : { reply });
      } catch (error) {
        onError?.(error);
      }
    }
  }

  /** Called when the connection is lost: whatever waits for a reply will not get it. */
  onLost(listener: () => void): void {
    this.#onLost.add(listener);
  }
  /** Called when the connection is back: whatever was published meanwhile was missed. */
  onBack(listener: () => void): void {
    this.#onBack.add(listener);
  }
  /** Called with the subject on which NATS did not let us publish. It tells so late and not by an exception. */
  onDenied(listener: (subject: string) => void): void {
    this.#onDenied.add(listener);
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect') this.#lose();
      else if (status.type === 'reconnect') {
        this.#isConnected = true;
        this.#log.info('NATS is back');
        await this.#leaveUnsafeServer();
        for (const listener of this.#onBack) listener();
      } else if (status.type === 'error') this.#report(status.error);
      else if (status.type === 'slowConsumer') this.#log.warn({ pending: status.pending }, 'NATS delivers faster than we read');
    }
    this.#lose();
  }

  async #leaveUnsafeServer(): Promise<void> {
    try {
      checkServer(this.connection);
    } catch (error) {
      this.#log.fatal({ err: error }, 'the server that came back is not the one that left');
      await this.connection.close();
    }
  }

  #lose(): void {
    if (this.#isConnected && !this.#isClosing) this.#log.warn('NATS is away; trying again until it is back');
    this.#isConnected = false;
    for (const listener of this.#onLost) listener();
  }

  #report(error: Error): void {
    if (!(error instanceof errors.PermissionViolationError)) return this.#log.warn({ err: error }, 'NATS reports an error');
    this.#log.error(
      { operation: error.operation, subject: error.subject },
      'NATS does not allow this; is the authorization current?',
    );
    if (error.operation === 'publish') for (const listener of this.#onDenied) listener(error.subject);
  }
}

/** Connects as a peer with its nkey seed. Throws when NATS is away, refuses us, or is too old to be safe. */
export async function connectNats(peer: Peer, { url, seed, log }: { url: string; seed: string; log: Logger }): Promise<NatsLink> {
  const connection = await connect({
    servers: url,
    name: peer,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
    inboxPrefix: inboxOf(peer),
    noAsyncTraces: true, // A quarter of a call's time goes into stack traces otherwise.
    ignoreAuthErrorAbort: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_EVERY_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    pingInterval: PING_EVERY_MS,
    maxPingOut: MAX_PINGS_OUT,
    timeout: CONNECT_TIMEOUT_MS,
    ...FEW_WRITES,
  });
  try {
    checkServer(connection);
  } catch (error) {
    await connection.close();
    throw error;
  }
  return new NatsLink(peer, connection, log);
}

function checkServer({ info }: NatsConnection): void {
  const version = info?.version ?? '0';
  if (isAtLeast(version, MIN_SERVER_VERSION)) return;
  throw new Error(`nats-server ${version} is not safe to use: update it to ${MIN_SERVER_VERSION} or newer.`);
}

/** Whether version `a` (`2.14.6`, `2.12.7-beta.1`) is `b` or newer. */
export function isAtLeast(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0));
  for (let index = 0; index < 3; index++) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
