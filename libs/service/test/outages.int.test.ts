import { randomBytes } from 'node:crypto';
import { payments, type AppError } from '@rialto/contracts';
import { freePort } from '@rialto/engines';
import type { NatsClient, RunningService } from '../src/index.ts';
import {
  createTestDatabase,
  newSeeds,
  startTestNats,
  startTestService,
  testDevice,
  type TestDatabase,
  type TestDevice,
  type TestNats,
} from '../src/testing/index.ts';
import { probeService, probeTables } from './probe-service.ts';
import { TcpSwitch } from './tcp-switch.ts';

const { createTopUp, getWallet } = payments.operations;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const topUpIn = (currency: string) => ({
  topUpId: `top_${randomBytes(16).toString('base64url')}` as never,
  currency,
  amountMinor: '1',
});

let database: TestDatabase;
let device: TestDevice;
beforeAll(async () => {
  [database, device] = await Promise.all([createTestDatabase([probeTables]), testDevice()]);
}, 60_000);
afterAll(() => database.drop());

const codeOf = (client: NatsClient, currency: string) =>
  client.call(createTopUp, topUpIn(currency), { token: device.token }).then(
    () => 'ok',
    (error: AppError) => error.code,
  );

describe('PostgreSQL away', () => {
  let nats: TestNats;
  let way: TcpSwitch;
  let service: RunningService;
  let gateway: NatsClient;
  beforeAll(async () => {
    nats = await startTestNats();
    way = await TcpSwitch.to(Number(new URL(database.adminUrl).port));
    const url = new URL(database.url('payments'));
    url.port = String(way.port);
    service = await startTestService(probeService, {
      database: { ...database, url: () => url.href },
      nats,
      env: { RIALTO_LOG_LEVEL: 'silent' },
    });
    gateway = await nats.connectAs('gateway');
  });
  afterAll(async () => {
    await service.stop();
    await way.close();
    await nats.stop();
  });

  test.each(['refuse', 'freeze'] as const)(
    '%s: callers hear so within their limit, and it recovers by itself',
    async (how) => {
      expect(await codeOf(gateway, 'SQL')).toBe('ok');
      way[how]();
      const until = Date.now() + 6_000;
      const heard = new Set<string>();
      while (Date.now() < until) {
        const startedAt = Date.now();
        const codes = await Promise.all([codeOf(gateway, 'SQL'), codeOf(gateway, 'SQL')]);
        for (const code of codes) heard.add(code);
        expect(Date.now() - startedAt).toBeLessThan(5_200);
        await pause(100);
      }
      expect([...heard].filter((code) => code !== 'unavailable' && code !== 'outcome-unknown')).toEqual([]);
      expect(
        await gateway.health('payments').then(
          ({ isReady }) => isReady,
          () => false,
        ),
      ).toBe(false);
      expect((await gateway.call(getWallet, {}, { token: device.token })).isSimulated).toBe(true); // What needs no table goes on.
      way.heal();
      const back = Date.now() + 8_000;
      while ((await codeOf(gateway, 'SQL')) !== 'ok') expect(Date.now()).toBeLessThan(back);
      expect(await gateway.health('payments')).toEqual({ isReady: true });
    },
    40_000,
  );
});

describe('NATS away', () => {
  test('callers hear so at once, and everybody comes back by himself', async () => {
    const [port, seeds] = [await freePort(), newSeeds()];
    let nats = await startTestNats({ port, seeds });
    const service = await startTestService(probeService, { database, nats, env: { RIALTO_LOG_LEVEL: 'silent' } });
    const { NatsClient: Client, connectNats, logger } = await import('../src/index.ts');
    const link = await connectNats('gateway', {
      url: nats.url,
      seed: seeds.get('gateway') ?? '',
      log: logger('gateway', 'silent'),
    });
    const gateway = new Client(link);
    expect(await codeOf(gateway, 'EUR')).toBe('ok');
    const waiting = codeOf(gateway, 'LAG');
    await pause(50);
    await nats.stop();
    expect(await waiting).toBe('outcome-unknown');
    const startedAt = Date.now();
    expect(await codeOf(gateway, 'EUR')).toBe('unavailable');
    expect(Date.now() - startedAt).toBeLessThan(200);
    await pause(4_000);
    nats = await startTestNats({ port, seeds });
    const back = Date.now() + 5_000;
    while ((await codeOf(gateway, 'EUR')) !== 'ok') {
      expect(Date.now()).toBeLessThan(back);
      await pause(50);
    }
    await link.connection.close();
    await service.stop();
    await nats.stop();
  }, 30_000);
});

test('a service that is told to stop answers what it accepted, quickly', async () => {
  const nats = await startTestNats();
  const service = await startTestService(probeService, { database, nats, env: { RIALTO_LOG_LEVEL: 'silent' } });
  const gateway = await nats.connectAs('gateway');
  const calls = Array.from({ length: 100 }, () => codeOf(gateway, 'LAG'));
  await pause(100);
  const startedAt = Date.now();
  await service.stop();
  expect(Date.now() - startedAt).toBeLessThan(1_000);
  expect((await Promise.all(calls)).filter((code) => code === 'ok')).toHaveLength(100);
  expect(await codeOf(gateway, 'EUR')).toBe('unavailable');
  await nats.stop();
});
