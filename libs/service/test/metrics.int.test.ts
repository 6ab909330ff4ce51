import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { ERRORS, payments, type AppError } from '@rialto/contracts';
import { freePort } from '@rialto/engines';
import type { NatsClient, RunningService } from '../src/index.ts';
import { idOf } from '../src/subjects.ts';
import {
  createTestDatabase,
  startTestNats,
  startTestService,
  testDevice,
  type TestDatabase,
  type TestDevice,
  type TestNats,
} from '../src/testing/index.ts';
import { probeService, probeTables } from './probe-service.ts';

const { createTopUp, getWallet, getTopUp } = payments.operations;

let database: TestDatabase;
let nats: TestNats;
let service: RunningService;
let gateway: NatsClient;
let device: TestDevice;
let port: number;
let url: string;
beforeAll(async () => {
  [database, nats, device, port] = await Promise.all([
    createTestDatabase([probeTables]),
    startTestNats(),
    testDevice(),
    freePort(),
  ]);
  const env = { RIALTO_LOG_LEVEL: 'silent', RIALTO_METRICS_PORT: String(port) };
  service = await startTestService(probeService, { database, nats, env });
  gateway = await nats.connectAs('gateway');
  url = `http://127.0.0.1:${port}`;
}, 60_000);
afterAll(async () => {
  await service.stop();
  await nats.stop();
  await database.drop();
});

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
/** Reads the Prometheus text format 0.0.4, and throws at a line that is not of it. */
function samplesIn(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const found = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/i.exec(line);
      if (found === null) throw new Error(`not a sample: ${line}`);
      const [, name = '', labels = '', value] = found;
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [key, text] as const);
      return { name, labels: Object.fromEntries(pairs), value: Number(value) };
    });
}
const read = async () => (await fetch(`${url}/metrics`)).text();
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: AppError) => error.code,
  );
const topUp = (currency: string) => {
  const topUpId = `top_${randomBytes(16).toString('base64url')}` as never;
  return { topUpId, call: gateway.call(createTopUp, { topUpId, currency, amountMinor: '77123' }, { token: device.token }) };
};

test('the figures say which operation ended how, how long it took, and how busy the service is', async () => {
  expect(await codeOf(gateway.call(getWallet, {}, { token: device.token }))).toBe('ok');
  expect(await codeOf(topUp('EUR').call)).toBe('ok');
  expect(await codeOf(topUp('EUR').call)).toBe('ok');
  expect(await codeOf(topUp('OWN').call)).toBe('limit-exceeded');
  const slow = topUp('LAG').call;
  await new Promise((resolve) => setTimeout(resolve, 50));
  const samples = samplesIn(await read());
  const count = (operation: string, outcome: string) =>
    samples.find(
      ({ name, labels }) =>
        name === 'rialto_operation_seconds_count' && labels['operation'] === operation && labels['outcome'] === outcome,
    )?.value;
  expect([count('payments.getWallet', 'ok'), count('payments.createTopUp', 'ok')]).toEqual([1, 2]);
  expect(count('payments.createTopUp', 'limit-exceeded')).toBe(1);
  const gauge = (name: string) => samples.find((sample) => sample.name === name)?.value;
  expect(gauge('rialto_requests_in_flight')).toBe(1);
  expect(gauge('rialto_pool_waiting')).toBe(0);
  expect(gauge('rialto_pool_connections')).toBeGreaterThan(0);
  expect(gauge('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  await slow;
  const later = samplesIn(await read());
  expect(later.find(({ name }) => name === 'rialto_requests_in_flight')?.value).toBe(0);
  const ok = ({ labels }: Sample) => labels['operation'] === 'payments.createTopUp' && labels['outcome'] === 'ok';
  const sum = later.find((sample) => sample.name === 'rialto_operation_seconds_sum' && ok(sample))?.value ?? 0;
  expect(sum).toBeGreaterThan(0.25); // The slow one alone takes 0.3 seconds: these are seconds, not milliseconds.
  expect(sum).toBeLessThan(5);
});

test('no label holds anything but names of ours, whatever was sent', async () => {
  const sent = topUp('BUG');
  await codeOf(sent.call);
  const hidden = ['canary-5f3a9c17', '"} 1\nforged{a="', 'é\u0000'];
  for (const text of hidden) {
    await codeOf(gateway.call(createTopUp, { topUpId: text, currency: text, amountMinor: text, [text]: text } as never, device));
    await codeOf(gateway.call(getTopUp, { topUpId: text } as never, { token: text }));
    await codeOf(gateway.call(getWallet, {}, { token: device.token, requestId: text }));
  }
  const text = await read();
  const operations = new Set(Object.values(payments.operations).map(idOf));
  const outcomes = new Set(['ok', ...Object.keys(ERRORS)]);
  const ours = samplesIn(text).filter(({ name }) => name.startsWith('rialto_'));
  const labelled = ours.filter(({ labels }) => Object.keys(labels).length > 0);
  expect(labelled.length).toBeGreaterThan(0);
  for (const { labels } of labelled) {
    const { operation = '', outcome = '', le, ...others } = labels;
    expect({
      known: operations.has(operation) && outcomes.has(outcome),
      le: le === undefined || /^(\+Inf|[\d.]+)$/.test(le),
    }).toEqual({ known: true, le: true });
    expect(others).toEqual({});
  }
  expect([...new Set(ours.map(({ name }) => name.replace(/_(bucket|sum|count)$/, '')))].toSorted()).toEqual([
    'rialto_operation_seconds',
    'rialto_pool_connections',
    'rialto_pool_waiting',
    'rialto_requests_in_flight',
  ]);
  const canaries = [
    'canary',
    'forged',
    'hunter2',
    '77123',
    device.accountId,
    device.deviceId,
    device.token,
    String(sent.topUpId),
  ];
  expect(canaries.filter((canary) => text.includes(canary))).toEqual([]);
});

test('they are served on loopback, at one path, and to no other address of the machine', async () => {
  expect((await fetch(`${url}/metrics`)).headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect((await fetch(`${url}/`)).status).toBe(404);
  const addresses = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address);
  // All of 127.0.0.0/8 leads to a Linux machine itself, so there is always one to try.
  if (process.platform === 'linux') addresses.push('127.0.0.2');
  const reached = await Promise.all(addresses.map(isReachable));
  expect(addresses.filter((_address, index) => reached[index])).toEqual([]);
});

function isReachable(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const end = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}
