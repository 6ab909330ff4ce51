import { randomBytes } from 'node:crypto';
import { payments, type AppError } from '@rialto/contracts';
import type { NatsClient, RunningService } from '../src/index.ts';
import {
  createTestDatabase,
  startTestNats,
  startTestService,
  testDevice,
  testToken,
  type TestDatabase,
  type TestDevice,
  type TestNats,
} from '../src/testing/index.ts';
import { probeService, probeTables } from './probe-service.ts';

const { createTopUp, getWallet, getStatement, getReceipt, receiveStripeEvent, transfer } = payments.operations;
const newTopUpId = () => `top_${randomBytes(16).toString('base64url')}` as never;
const topUpIn = (currency: string) => ({ topUpId: newTopUpId(), currency, amountMinor: '100' });
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: AppError) => error.code,
  );

let database: TestDatabase;
let nats: TestNats;
let service: RunningService;
let gateway: NatsClient;
let device: TestDevice;

beforeAll(async () => {
  [database, nats] = await Promise.all([createTestDatabase([probeTables]), startTestNats()]);
  service = await startTestService(probeService, { database, nats, env: { RIALTO_LOG_LEVEL: 'silent' } });
  gateway = await nats.connectAs('gateway');
  device = await testDevice();
}, 60_000);
afterAll(async () => {
  await service.stop();
  await nats.stop();
  await database.drop();
});

test('a device is answered, and what the contract does not name does not leave', async () => {
  expect(Object.keys(await gateway.call(getWallet, {}, { token: device.token })).sort()).toEqual([
    'accounts',
    'currencies',
    'isSimulated',
    'ledger',
    'ledgerKey',
  ]);
});

test('a process is a caller of its own', async () => {
  expect(await gateway.call(receiveStripeEvent, { body: '', signature: 'x' })).toEqual({ received: true });
});

test('every way to fail has its code', async () => {
  const { token } = device;
  const send = (currency: string, timeoutMs?: number) =>
    codeOf(gateway.call(createTopUp, topUpIn(currency), { token, ...(timeoutMs ? { timeoutMs } : {}) }));
  expect(await send('EUR')).toBe('ok');
  expect(await send('euro')).toBe('invalid-input');
  expect(await send('BUG')).toBe('internal');
  expect(await send('ODD')).toBe('internal');
  expect(await send('OWN')).toBe('limit-exceeded');
  expect(await send('LAG', 100)).toBe('outcome-unknown');
  expect(await send('ZZZ')).toBe('unavailable');
  expect(await codeOf(gateway.call(getStatement, { currency: 'EUR', after: 0 }, { token }))).toBe('internal');
  expect(await codeOf(gateway.call(getReceipt, { transferId: `tra_${'0'.repeat(22)}` as never }, { token }))).toBe('unavailable');
  expect(await codeOf(gateway.call(createTopUp, { ...topUpIn('EUR'), more: 1 } as never, { token }))).toBe('invalid-input');
}, 20_000);

test('details say which field, and never what broke inside', async () => {
  const { token } = device;
  const invalid = gateway.call(createTopUp, topUpIn('euro'), { token });
  await expect(invalid).rejects.toMatchObject({ details: [{ path: 'currency' }] });
  const broken = await gateway.call(createTopUp, topUpIn('BUG'), { token }).catch((error: unknown) => JSON.stringify(error));
  expect(broken).not.toContain('hunter2');
});

test('tokens: none, garbage, expired, of another issuer, for another audience, of a revoked device', async () => {
  const about = { accountId: device.accountId, deviceId: device.deviceId, deviceKey: device.key.publicKey };
  const refusal = async (token?: string) => codeOf(gateway.call(getWallet, {}, token === undefined ? {} : { token }));
  expect(await refusal()).toBe('unauthenticated');
  expect(await refusal('a.b.c')).toBe('unauthenticated');
  expect(await refusal(await testToken({ ...about, livesMs: -2_000 }))).toBe('token-expired');
  expect(await refusal(await testToken({ ...about, issuerSeed: randomBytes(32).toString('base64url') }))).toBe('unauthenticated');
  expect(await refusal(await testToken({ ...about, audience: 'elsewhere' }))).toBe('unauthenticated');
  const short = await testToken({ ...about, livesMs: 2_000 });
  expect(await refusal(short)).toBe('ok');
  const lost = await testDevice();
  expect(await refusal(lost.token)).toBe('ok');
  const identity = await nats.linkAs('identity');
  identity.connection.publish('hint.revoked', JSON.stringify({ accountId: lost.accountId, deviceId: lost.deviceId }));
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  expect(await refusal(lost.token)).toBe('device-revoked');
  expect(await refusal(short)).toBe('token-expired'); // Remembered, and still not for longer than it lives.
});

test('a signed body is verified over its bytes, under its purpose, with the key of the token', async () => {
  const intent = {
    ledger: `ldg_${'0'.repeat(22)}`,
    intentId: `int_${'0'.repeat(22)}`,
    from: device.accountId,
    to: device.accountId,
    currency: 'EUR',
    amountMinor: '1',
    maxFeeMinor: '0',
    memoHash: null,
    expiresAt: '2030-01-01T00:00:00.000Z',
    chainSeq: 0,
  };
  const send = async (body: object, token = device.token) => {
    const reply = await gateway.send(transfer, JSON.stringify({ requestId: 'r', token, ...body }));
    return reply.startsWith('{"ok":') ? 'ok' : (JSON.parse(reply) as { error: { code: string } }).error.code;
  };
  const good = device.signedBody('transfer-intent', intent);
  expect(await send(good)).toBe('ok');
  expect(await send(device.signedBody('receipt', intent))).toBe('signature-invalid');
  expect(await send((await testDevice()).signedBody('transfer-intent', intent))).toBe('signature-invalid');
  expect(
    await send({ ...good, signed: Buffer.from(JSON.stringify({ ...intent, amountMinor: '2' })).toString('base64url') }),
  ).toBe('signature-invalid');
  expect(await send(device.signedBody('transfer-intent', { ...intent, extra: 1 }))).toBe('invalid-input');
  expect(await send({ ...good, signature: 'short' })).toBe('invalid-input');
  expect(await send({ input: intent })).toBe('invalid-input');
  expect(await send(good, '')).toBe('unauthenticated');
});

test('health tells of the migrations', async () => {
  expect(await gateway.health('payments')).toEqual({ isReady: true });
  await database.admin.query(`update payments.migration set name = name || '-old' where name like '0001-%'`);
  expect(await gateway.health('payments')).toMatchObject({ isReady: false });
  await database.admin.query(`update payments.migration set name = replace(name, '-old', '')`);
  expect(await codeOf(gateway.health('calls'))).toBe('unavailable');
});
