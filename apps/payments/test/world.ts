/**
 * The payments service with what it stands on. Real: PostgreSQL with roles and migrations, NATS with its permissions, the service itself, the
 * Stripe SDK against the simulator, device chains and signatures. A stand-in: identity, which only hands out chains here.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AccountId,
  AppError,
  CONTRACTS,
  type DeviceId,
  type IntentId,
  type Output,
  payments,
  type SignedBody,
  type TopUpId,
  type TransferIntent,
} from '@rialto/contracts';
import {
  addDevice,
  type Chain,
  newDeviceId,
  newSigningKey,
  ready,
  revokeDevice,
  sign,
  type SigningKey,
  startChain,
} from '@rialto/crypto';
import { errorOf, type NatsClient, type RunningService } from '@rialto/service';
import {
  createTestDatabase,
  startTestNats,
  startTestService,
  type TestDatabase,
  type TestNats,
  testToken,
} from '@rialto/service/testing';
import { type Simulator, startSimulator } from '@rialto/stripe-sim';
import { paymentsService } from '../src/service.ts';

export const LEDGER = 'ldg_AAAAAAAAAAAAAAAAAAAAAA';
export const STRIPE_KEY = 'sk_test_paymentsTests';
export const WEBHOOK_SECRET = 'whsec_paymentsTestsSecret';
const LEDGER_SEED = Buffer.alloc(32, 9).toString('base64url');
const INTENT_LIVES_MS = 60_000;

export class Person {
  readonly deviceId: DeviceId = newDeviceId() as DeviceId;
  readonly key: SigningKey = newSigningKey();
  readonly root: SigningKey = newSigningKey();
  chain: Chain = startChain(
    { device: this.deviceId, deviceKey: this.key.publicKey, mlsKey: newSigningKey().publicKey },
    this.root,
  );
  token = '';

  get accountId(): AccountId {
    return this.chain.account as AccountId;
  }
  get chainSeq(): number {
    return this.chain.heads.length - 1;
  }

  addDevice(): { deviceId: DeviceId; key: SigningKey } {
    const deviceId = newDeviceId() as DeviceId;
    const key = newSigningKey();
    const subject = { device: deviceId, deviceKey: key.publicKey, mlsKey: newSigningKey().publicKey };
    this.chain = addDevice(this.chain, subject, { device: this.deviceId, privateKey: this.key.privateKey });
    return { deviceId, key };
  }
  revoke(deviceId: DeviceId): void {
    this.chain = revokeDevice(this.chain, deviceId, { device: this.deviceId, privateKey: this.key.privateKey });
  }
}

export interface World {
  readonly database: TestDatabase;
  readonly nats: TestNats;
  readonly gateway: NatsClient;
  readonly simulator: Simulator;
  readonly service: RunningService | undefined;
  readonly env: Record<string, string>;
  /** What the webhook's receiver answered, in order. */
  readonly webhookAnswers: number[];
  newPerson(): Promise<Person>;
  /** Gives money by an operator's entry. */
  fund(person: Person, amountMinor: bigint, currency?: string): Promise<void>;
  intent(from: Person, to: Person, change?: Partial<TransferIntent>): TransferIntent;
  pay(from: Person, intent: TransferIntent, body?: SignedBody): Promise<Output<typeof payments.operations.transfer>>;
  deliver(body: Uint8Array, signature: string): Promise<unknown>;
  control(path: string, body?: object): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

export const signedBody = (input: object, key: SigningKey): SignedBody => {
  const bytes = Buffer.from(JSON.stringify(input), 'utf8');
  return {
    signed: bytes.toString('base64url'),
    signature: Buffer.from(sign('transfer-intent', bytes, key.privateKey)).toString('base64url'),
  };
};
export const newIntentId = () => `int_${randomBytes(16).toString('base64url')}` as IntentId;
export const newTopUpId = () => `top_${randomBytes(16).toString('base64url')}` as TopUpId;
export const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'ok',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );

/** `withService: false` leaves the service to the test, which starts it as a process of its own. */
export async function startWorld({ withService = true } = {}): Promise<World> {
  await ready();
  const people = new Map<string, Person>();
  const [database, nats] = await Promise.all([createTestDatabase(['payments']), startTestNats()]);
  await standInForIdentity(nats, people);
  const gateway = await nats.connectAs('gateway');
  const webhookAnswers: number[] = [];
  const deliver = (body: Uint8Array, signature: string) =>
    gateway.call(payments.operations.receiveStripeEvent, { body: Buffer.from(body).toString('base64url'), signature });
  const receiver = await startReceiver(async (body, signature) => {
    const status = await deliver(body, signature).then(
      () => 200,
      (error: AppError) => (error.code === 'webhook-refused' ? 400 : 503),
    );
    webhookAnswers.push(status);
    return status;
  });
  const dataDir = mkdtempSync(join(tmpdir(), 'rialto-payments-sim-'));
  const simulator = await startSimulator({
    port: 0,
    publicUrl: '',
    key: STRIPE_KEY,
    webhook: { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`, secret: WEBHOOK_SECRET },
    dataDir,
    webhookRetryBaseMs: 50,
  });
  const env = {
    RIALTO_STRIPE_KEY: STRIPE_KEY,
    RIALTO_STRIPE_URL: `http://127.0.0.1:${simulator.port}`,
    RIALTO_STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    RIALTO_LEDGER_KEY: LEDGER_SEED,
    RIALTO_LEDGER_ID: LEDGER,
    RIALTO_PUBLIC_URL: 'http://localhost:7420',
  };
  const service = withService ? await startTestService(paymentsService, { database, nats, env }) : undefined;

  return {
    database,
    nats,
    gateway,
    simulator,
    service,
    env,
    webhookAnswers,
    deliver,
    newPerson: async () => {
      const person = new Person();
      const { accountId, deviceId } = person;
      person.token = await testToken({ accountId, deviceId, deviceKey: person.key.publicKey });
      people.set(accountId, person);
      return person;
    },
    fund: (person, amountMinor, currency = 'EUR') => fund(database, person.accountId, amountMinor, currency),
    intent: (from, to, change = {}) => ({
      ledger: LEDGER as TransferIntent['ledger'],
      intentId: newIntentId(),
      from: from.accountId,
      to: to.accountId,
      currency: 'EUR',
      amountMinor: '100',
      maxFeeMinor: '0',
      memoHash: null,
      expiresAt: new Date(Date.now() + INTENT_LIVES_MS).toISOString(),
      chainSeq: from.chainSeq,
      ...change,
    }),
    pay: (from, intent, body) => sendSigned(gateway, from.token, body ?? signedBody(intent, from.key)),
    control: async (path, body = {}) => {
      const request = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
      const response = await fetch(`${simulator.controlUrl}${path}`, request);
      const answer = (await response.json()) as Record<string, unknown>;
      if (!response.ok) throw new Error(`control ${path}: ${JSON.stringify(answer)}`);
      return answer;
    },
    stop: async () => {
      await simulator.stop();
      receiver.closeAllConnections();
      receiver.close();
      await service?.stop();
      await nats.stop();
      await database.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export async function sendSigned(gateway: NatsClient, token: string, body: SignedBody) {
  const reply = await gateway.send(payments.operations.transfer, JSON.stringify({ requestId: newIntentId(), token, ...body }));
  const parsed = JSON.parse(reply) as
    { ok: Output<typeof payments.operations.transfer> } | { error: Parameters<typeof errorOf>[0] };
  if ('error' in parsed) throw errorOf(parsed.error);
  return parsed.ok;
}

/** What PostgreSQL says of a statement that this role puts: `done`, or its SQLSTATE. */
export async function sqlCodeOf(
  { admin }: TestDatabase,
  role: 'payments_owner' | 'payments_app',
  sql: string,
  values: unknown[] = [],
): Promise<string | undefined> {
  const client = await admin.connect();
  try {
    await client.query(`set role ${role}`);
    await client.query(sql, values);
    return 'done';
  } catch (error) {
    return (error as { code?: string }).code;
  } finally {
    await client.query('reset role');
    client.release();
  }
}

/** An operator's entry, made as the owner of the schema would. */
export async function fund(database: TestDatabase, owner: string, amountMinor: bigint, currency: string): Promise<void> {
  const key = newIntentId();
  const { rows } = await database.admin.query<{ answer: string }>(
    `with a as materialized (
       select (select id from payments.account where owner = 'operator' and currency = $2) as operator,
              (select id from payments.open_accounts(array[$1], array[$2])) as person)
     select payments.post_many(array[a.person, a.operator], array[$1, 'operator'], array['operator'], array[$3], array[2], array[1], array[$2],
       array[$4::bigint], array[4::smallint], array[null::bytea], array[null::bytea], array[null::bytea], array[null::timestamptz],
       array[uuid_send(gen_random_uuid())], array[uuid_send(gen_random_uuid())]) as answer
     from a`,
    [owner, currency, key, amountMinor.toString()],
  );
  if (!rows[0]?.answer.startsWith('posted ')) throw new Error(`funding failed: ${rows[0]?.answer}`);
}

async function standInForIdentity(nats: TestNats, people: ReadonlyMap<string, Person>): Promise<void> {
  const link = await nats.linkAs('identity');
  const answer = (name: string, reply: (input: { accountId: string }) => object) =>
    link.connection.subscribe(`rpc.payments.${CONTRACTS.identity.name}.${name}`, {
      queue: 'identity',
      callback: (error, message) => {
        if (error) throw error;
        message.respond(JSON.stringify(reply((JSON.parse(message.string()) as { input: { accountId: string } }).input)));
      },
    });
  answer('getChain', ({ accountId }) => {
    const person = people.get(accountId);
    if (!person) return { error: { code: 'not-found' } };
    return { ok: { chain: Buffer.from(person.chain.bytes).toString('base64url'), chainSeq: person.chainSeq } };
  });
  answer('listRevocations', () => ({ ok: { devices: [] } }));
}

async function startReceiver(take: (body: Buffer, signature: string) => Promise<number>): Promise<Server> {
  const server = createServer((request, response) => {
    void bytesOf(request).then(async (body) => {
      response.writeHead(await take(body, String(request.headers['stripe-signature']))).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function until(isTrue: () => Promise<boolean> | boolean, withinMs = 10_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`it did not become true within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
