import fs from 'node:fs';
import { createUser } from '@nats-io/nkeys';
import { connect, type Msg, type NatsConnection, nkeyAuthenticator } from '@nats-io/transport-node';
import type { Peer } from '@rialto/contracts';
import type { System } from './system.ts';

/** How long NATS's word on a forbidden subject may take to arrive. */
const VERDICT_WITHIN_MS = 300;

/** A thief with the credential of one process and none of its manners. */
export class StolenCredential {
  readonly peer: Peer;
  readonly connection: NatsConnection;
  readonly #denied: { operation: string; subject: string }[] = [];

  private constructor(peer: Peer, connection: NatsConnection) {
    this.peer = peer;
    this.connection = connection;
    void this.#watch();
  }

  static async of(system: System, peer: Peer): Promise<StolenCredential> {
    const seed = system.secrets[`nats_${peer}`]?.seed ?? '';
    const connection = await connect({
      servers: system.state.natsUrl,
      authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
      inboxPrefix: `_INBOX.${peer}`,
      name: `thief of ${peer}`,
    });
    return new StolenCredential(peer, connection);
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type !== 'error') continue;
      const { operation, subject } = status.error as Error & { operation?: string; subject?: string };
      this.#denied.push({ operation: operation ?? 'unknown', subject: subject ?? status.error.message });
    }
  }

  /** Publishes to each subject, with a reply that leads nowhere; gives back those that NATS let through. */
  async publishable(subjects: readonly string[]): Promise<string[]> {
    for (const subject of subjects) this.connection.publish(subject, '{}');
    return this.#allowed('publish', subjects);
  }
  /** Tries to listen; gives back the subjects that NATS let it listen to. */
  async listenable(subjects: readonly string[]): Promise<string[]> {
    const subscriptions = subjects.map((subject) => this.connection.subscribe(subject, { callback: () => {} }));
    const allowed = await this.#allowed('subscription', subjects);
    for (const subscription of subscriptions) if (!subscription.isClosed()) subscription.unsubscribe();
    return allowed;
  }
  async #allowed(operation: string, subjects: readonly string[]): Promise<string[]> {
    await this.connection.flush();
    await new Promise((resolve) => setTimeout(resolve, VERDICT_WITHIN_MS));
    const denied = new Set(this.#denied.filter((one) => one.operation === operation).map(({ subject }) => subject));
    return subjects.filter((subject) => !denied.has(subject));
  }

  /** Asks like a process of this name would, and waits for what comes back; undefined when nothing does. */
  async ask(subject: string, request: object, { reply = `_INBOX.${this.peer}.thief.${Math.random()}`, withinMs = 2_000 } = {}) {
    return new Promise<{ ok?: unknown; error?: { code: string } } | undefined>((resolve) => {
      const timer = setTimeout(() => finish(undefined), withinMs);
      const subscription = this.connection.subscribe(reply, { callback: (_error, message) => finish(message) });
      const finish = (message: Msg | undefined) => {
        clearTimeout(timer);
        subscription.unsubscribe();
        resolve(message === undefined || message.data.length === 0 ? undefined : message.json());
      };
      this.connection.publish(subject, JSON.stringify({ requestId: 'thief', ...request }), { reply });
    });
  }
  close(): Promise<void> {
    return this.connection.close();
  }
}

/** Everything that NATS carries, as an operator with the run of the server would see it. */
export interface Capture {
  readonly messages: readonly { readonly subject: string; readonly data: Buffer }[];
  stop(): Promise<void>;
}

/**
 * Adds a user to the running server who may listen to everything, as its operator can, and listens. Afterwards the configuration is as it
 * was. The key is made by the library that NATS itself uses.
 */
export async function captureNats(system: System): Promise<Capture> {
  const user = createUser();
  const file = system.natsConfigFile;
  const before = fs.readFileSync(file, 'utf8');
  const line = `    { nkey: ${user.getPublicKey()}, permissions: { subscribe: ">" } } # capture\n`;
  fs.writeFileSync(
    file,
    before.replace(/users = \[\n/, (found) => found + line),
  );
  system.signal('nats', 'SIGHUP');
  const connection = await connectPatiently(system.state.natsUrl, user.getSeed());
  const messages: { subject: string; data: Buffer }[] = [];
  connection.subscribe('>', {
    callback: (_error, { subject, data }) => void messages.push({ subject, data: Buffer.from(data) }),
  });
  await connection.flush();
  return {
    messages,
    stop: async () => {
      await connection.drain();
      fs.writeFileSync(file, before);
      system.signal('nats', 'SIGHUP');
    },
  };
}

/** The server reads its configuration a moment after it was told to. */
async function connectPatiently(servers: string, seed: Uint8Array): Promise<NatsConnection> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await connect({ servers, authenticator: nkeyAuthenticator(seed), name: 'capture', maxReconnectAttempts: 0 });
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
