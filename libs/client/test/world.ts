// Everything real but the network between machines: PostgreSQL, NATS with its permissions, all services and the gateway in this process,
// the Stripe simulator, and clients that talk to it over HTTP and WebSocket as anybody's would.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@rialto/engines';
import type { RunningService } from '@rialto/service';
import {
  createTestDatabase,
  startTestNats,
  startTestService,
  type TestDatabase,
  type TestNats,
  testTokenKeys,
} from '@rialto/service/testing';
import { startSimulator } from '@rialto/stripe-sim';
import { callsService } from '../../../apps/calls/src/service.ts';
import { gatewayConfig } from '../../../apps/gateway/src/config.ts';
import { startGateway } from '../../../apps/gateway/src/gateway.ts';
import { identityService } from '../../../apps/identity/src/service.ts';
import { messagingService } from '../../../apps/messaging/src/service.ts';
import { paymentsService } from '../../../apps/payments/src/service.ts';
import { type Client, MemoryStore, type Problem, Rialto, type Store } from '../src/index.ts';

const STRIPE_KEY = 'sk_test_clientTests';
const WEBHOOK_SECRET = 'whsec_clientTestsSecret';
const PATIENCE_MS = 45_000;

export interface World {
  readonly url: string;
  readonly database: TestDatabase;
  readonly nats: TestNats;
  /** A new person with a client, whose problems are collected. */
  enter(name: string, store?: Store): Promise<Someone>;
  stop(): Promise<void>;
}
export interface Someone {
  readonly handle: string;
  readonly store: Store;
  readonly client: Client;
  readonly phrase: string;
  readonly problems: Problem[];
}

async function startWorld(): Promise<World> {
  const [database, nats] = await Promise.all([
    createTestDatabase(['identity', 'messaging', 'calls', 'payments']),
    startTestNats(),
  ]);
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const dataDir = await mkdtemp(join(tmpdir(), 'rialto-client-sim-'));
  const simulator = await startSimulator({
    port: 0,
    publicUrl: `${url}/simulated/checkout`,
    key: STRIPE_KEY,
    webhook: { url: `${url}/v1/stripe/webhook`, secret: WEBHOOK_SECRET },
    dataDir,
    webhookRetryBaseMs: 50,
  });
  const simulatorUrl = `http://127.0.0.1:${simulator.port}`;
  const at = { database, nats };
  const services: RunningService[] = await Promise.all([
    startTestService(identityService, {
      ...at,
      env: { RIALTO_TOKEN_PRIVATE_KEY: testTokenKeys.privateKey, RIALTO_ORIGINS: url },
    }),
    startTestService(messagingService, at),
    startTestService(callsService, at),
    startTestService(paymentsService, {
      ...at,
      env: {
        RIALTO_STRIPE_KEY: STRIPE_KEY,
        RIALTO_STRIPE_URL: simulatorUrl,
        RIALTO_STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
        RIALTO_LEDGER_KEY: Buffer.alloc(32, 9).toString('base64url'),
        RIALTO_LEDGER_ID: 'ldg_AAAAAAAAAAAAAAAAAAAAAA',
        RIALTO_PUBLIC_URL: url,
      },
    }),
  ]);
  const gateway = await startGateway(
    gatewayConfig({
      RIALTO_NATS_URL: nats.url,
      RIALTO_NATS_SEED: nats.seedOf('gateway'),
      RIALTO_TOKEN_PUBLIC_KEY: testTokenKeys.publicKey,
      RIALTO_LOG_LEVEL: 'silent',
      RIALTO_PORT: String(port),
      RIALTO_ORIGINS: url,
      RIALTO_STRIPE_SIM_URL: simulatorUrl,
      // All people of a test come from one address, and a crashing device signs in again and again.
      RIALTO_LIMIT_ANYONE_PER_MINUTE: '100000',
      RIALTO_LIMIT_SOCKETS_PER_MINUTE: '100000',
    }),
  );
  const clients = new Set<Client>();
  return {
    url,
    database,
    nats,
    enter: async (name, store = new MemoryStore()) => {
      const handle = `${name}_${Math.random().toString(36).slice(2, 8)}`;
      const { client, recoveryPhrase } = await Rialto.register({ url, store, handle, displayName: name });
      clients.add(client);
      const problems: Problem[] = [];
      client.on('problem', (problem) => problems.push(problem));
      await client.whenOnline();
      return { handle, store, client, phrase: recoveryPhrase, problems };
    },
    stop: async () => {
      for (const client of clients) await client.close();
      await gateway.stop();
      for (const service of services) await service.stop();
      await simulator.stop();
      await rm(dataDir, { recursive: true });
      await nats.stop();
      await database.drop();
    },
  };
}

const STARTS_WITHIN_MS = 120_000;
/** The world of one file's tests: up before the first of them, gone after the last. */
export function sharedWorld(): World {
  let world: World | undefined;
  const up = (): World => {
    if (!world) throw new Error('the world is not up yet');
    return world;
  };
  beforeAll(async () => {
    world = await startWorld();
  }, STARTS_WITHIN_MS);
  afterAll(() => world?.stop());
  jest.setTimeout(STARTS_WITHIN_MS);
  return {
    get url() {
      return up().url;
    },
    get database() {
      return up().database;
    },
    get nats() {
      return up().nats;
    },
    enter: (name, store) => up().enter(name, store),
    stop: () => up().stop(),
  };
}

/** Looks until there is something. */
export async function eventually<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found as NonNullable<T>;
    if (Date.now() > end) throw new Error(`${what}: did not happen in ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Opens the conversation of two and lets the second accept it. */
export async function introduce(ana: Someone, ben: Someone) {
  const anas = await ana.client.conversations.createDm(`@${ben.handle}`);
  await ben.client.sync();
  const bens = await ben.client.conversations.accept(anas.id);
  return { anas, bens };
}

/** The texts of a conversation in reading order. */
export async function texts(conversation: { page(options: { limit: number }): Promise<readonly { body: { type: string } }[]> }) {
  const page = await conversation.page({ limit: 500 });
  return page.map(({ body }) => (body as { text?: string }).text ?? body.type);
}
