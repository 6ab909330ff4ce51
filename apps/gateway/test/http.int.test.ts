import { connect } from 'node:net';
import type { Problem } from '@rialto/contracts';
import { testDevice, type TestDevice } from '@rialto/service/testing';
import { deliveries, lastSent } from './stand-in.ts';
import { ORIGIN, startWorld, type World } from './world.ts';

const conversationId = `cnv_${'0'.repeat(22)}`;
const messages = `/v1/conversations/${conversationId}/messages`;
const clientMessageId = `msg_${'0'.repeat(22)}`;
const bytes = (order: string) => Buffer.from(order).toString('base64url');

let world: World;
let device: TestDevice;
beforeAll(async () => {
  world = await startWorld();
  device = await testDevice();
}, 60_000);
afterAll(() => world.stop());

const authorized = () => ({ authorization: `Bearer ${device.token}` });
const json = { 'content-type': 'application/json' };
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(world.url + path, { method: 'POST', body, headers: { ...authorized(), ...json, ...headers } });
const send = (order: string, more: object = {}, headers: Record<string, string> = {}) =>
  post(messages, JSON.stringify({ clientMessageId, epoch: 0, bytes: bytes(order), ...more }), headers);

async function problemOf(answer: Response): Promise<Problem> {
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const problem = (await answer.json()) as Problem;
  expect(problem.status).toBe(answer.status);
  expect(problem.requestId).toBe(answer.headers.get('x-request-id'));
  expect(problem.docUrl).toBe(`/docs/errors#${problem.code}`);
  return problem;
}

test('an operation is answered with its output and limits', async () => {
  const answer = await send('hello');
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('ratelimit')).toMatch(/^"device";r=\d+;t=\d+$/);
  expect(await answer.json()).toMatchObject({ seq: 1, duplicate: false });
});

test('a query is read by the schema', async () => {
  const read = (query: string) => fetch(`${world.url}${messages}?${query}`, { headers: authorized() });
  expect(await (await read('after=5&limit=7')).json()).toEqual({ rows: [], lastSeq: 5, firstSeq: 7 });
  for (const bad of [
    'after=',
    'after=x',
    'after=1&after=2',
    'after=1.5',
    'limit=1',
    'after=1&more=1',
    'after=-1',
    'after=%ff',
    '__proto__=1&after=1',
  ]) {
    expect((await problemOf(await read(bad))).code).toBe('invalid-input');
  }
});

test('errors of the service arrive as problems, and secrets do not', async () => {
  expect(await problemOf(await send('stale'))).toMatchObject({
    status: 409,
    code: 'stale-epoch',
    retryable: true,
    details: { epoch: 7 },
  });
  const busy = await send('busy');
  expect(busy.headers.get('retry-after')).toBe('2');
  expect(await problemOf(busy)).toMatchObject({ status: 429, code: 'rate-limited', retryAfterMs: 1_500 });
  const broken = await problemOf(await send('broken'));
  expect(broken).toMatchObject({ status: 500, code: 'internal' });
  expect(JSON.stringify(broken)).not.toContain('hunter2');
});

test('sessions are demanded', async () => {
  const read = (headers: Record<string, string>) => fetch(`${world.url}/v1/conversations`, { headers });
  const none = await read({});
  expect(none.headers.get('www-authenticate')).toMatch(/^Bearer/);
  expect((await problemOf(none)).code).toBe('unauthenticated');
  expect((await problemOf(await read({ authorization: 'Basic YTpi' }))).code).toBe('unauthenticated');
  expect((await problemOf(await read({ authorization: 'Bearer a.b.c' }))).code).toBe('unauthenticated');
  expect((await problemOf(await read({ authorization: `Bearer ${'a'.repeat(3_000)}` }))).code).toBe('unauthenticated');
});

test('Idempotency-Key fills the key of the input, and may not contradict it', async () => {
  const body = JSON.stringify({ epoch: 0, bytes: bytes('x') });
  const key = `msg_${'1'.repeat(22)}`;
  expect((await post(messages, body, { 'idempotency-key': key })).status).toBe(200);
  expect(lastSent).toMatchObject({ clientMessageId: key, conversationId });
  expect((await send('x', {}, { 'idempotency-key': clientMessageId })).status).toBe(200);
  expect((await problemOf(await send('x', {}, { 'idempotency-key': key }))).code).toBe('invalid-input');
});

test('a signed body takes the signature or the signed field as its key', async () => {
  const zeros = '0'.repeat(22);
  const intent = {
    ledger: `ldg_${zeros}`,
    intentId: `int_${zeros}`,
    from: device.accountId,
    to: device.accountId,
    currency: 'EUR',
    amountMinor: '1',
    maxFeeMinor: '0',
    memoHash: null,
    expiresAt: '2030-01-01T00:00:00.000Z',
    chainSeq: 0,
  };
  const body = device.signedBody('transfer-intent', intent);
  const pay = (headers: Record<string, string>, more = {}) =>
    post('/v1/transfers', JSON.stringify({ ...body, ...more }), headers);
  expect((await pay({})).status).toBe(200);
  expect((await pay({ 'idempotency-key': intent.intentId })).status).toBe(200);
  expect((await pay({ 'idempotency-key': body.signature })).status).toBe(200);
  expect((await problemOf(await pay({ 'idempotency-key': 'other' }))).code).toBe('invalid-input');
  expect((await problemOf(await pay({}, { amountMinor: '5' }))).code).toBe('invalid-input');
});

const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
test.each<[string, string, RequestInit, number, string]>([
  ['broken JSON', messages, { body: '{"a":' }, 400, 'invalid-input'],
  ['an array', messages, { body: '[]' }, 400, 'invalid-input'],
  ['null', messages, { body: 'null' }, 400, 'invalid-input'],
  ['text', messages, { body: '"x"' }, 400, 'invalid-input'],
  ['nothing', messages, { body: '' }, 400, 'invalid-input'],
  ['bad UTF-8', messages, { body: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) }, 400, 'invalid-input'],
  ['deeply nested', messages, { body: `{"bytes":${deep}}` }, 400, 'invalid-input'],
  ['__proto__', messages, { body: '{"__proto__":{"epoch":1},"epoch":0}' }, 400, 'invalid-input'],
  ['too large', messages, { body: 'x'.repeat(1_500_001) }, 413, 'payload-too-large'],
  [
    'another type',
    messages,
    { body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    415,
    'unsupported-media-type',
  ],
  ['plain text', messages, { body: '{}', headers: { 'content-type': 'text/plain' } }, 415, 'unsupported-media-type'],
  [
    'another charset',
    messages,
    { body: '{}', headers: { 'content-type': 'application/json; charset=utf-16' } },
    415,
    'unsupported-media-type',
  ],
  ['no such route', '/v1/nothing', { body: '{}' }, 404, 'not-found'],
  ['another method', messages, { method: 'DELETE' }, 405, 'not-found'],
  ['a method of no route', messages, { method: 'PATCH', body: '{}' }, 405, 'not-found'],
  ['a path parameter that is no id', '/v1/conversations/x/messages', { body: '{}' }, 400, 'invalid-input'],
  ['an encoded slash', '/v1/conversations/..%2f..%2fx/messages', { body: '{}' }, 400, 'invalid-input'],
  ['a long path parameter', `/v1/conversations/${'x'.repeat(400)}/messages`, { body: '{}' }, 404, 'not-found'],
  ['a body that contradicts the path', messages, { body: JSON.stringify({ conversationId: 'other' }) }, 400, 'invalid-input'],
])('%s is refused as a problem', async (_name, path, init, status, code) => {
  const answer = await fetch(world.url + path, {
    method: 'POST',
    ...init,
    headers: { ...authorized(), ...json, ...(init.headers as Record<string, string> | undefined) },
  });
  const problem = await problemOf(answer);
  expect([problem.status, problem.code]).toEqual([status, code]);
});

const raw = (text: string) =>
  new Promise<string>((resolve, reject) => {
    let received = '';
    const socket = connect(world.gateway.port, '127.0.0.1', () => socket.write(text));
    socket
      .on('data', (data) => (received += data.toString()))
      .on('close', () => resolve(received))
      .on('error', reject);
  });
test.each([
  ['a malformed address', 'GET /v1/accounts/%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 400],
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['an unknown method', 'BREW / HTTP/1.1\r\nhost: x\r\n\r\n', 400],
  ['headers that are too large', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
  ['two lengths', 'POST /v1/accounts HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}', 400],
  [
    'length and chunks',
    'POST /v1/accounts HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
])('%s is answered with a problem', async (_name, text, status) => {
  const answer = await raw(text);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer.toLowerCase()).toContain('content-type: application/problem+json');
  expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))).toMatchObject({ status });
});

test('405 names the methods that there are', async () => {
  expect((await fetch(world.url + messages, { method: 'DELETE' })).headers.get('allow')).toBe('POST, GET');
});

test('request ids are taken over when they are harmless', async () => {
  const idOf = async (given: string) =>
    (await fetch(`${world.url}/health/live`, { headers: { 'x-request-id': given } })).headers.get('x-request-id');
  expect(await idOf('abc-123')).toBe('abc-123');
  expect(await idOf('<script>')).toMatch(/^[0-9a-f-]{36}$/);
});

test('headers keep browsers strict', async () => {
  const { headers } = await fetch(`${world.url}/docs`);
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).toContain("connect-src 'self' ws://rialto.test:7420");
  expect(policy).not.toMatch(/unsafe-inline|unsafe-eval'(?<!wasm-unsafe-eval')|https?:|\*/);
  expect(headers.get('permissions-policy')).toContain('camera=(self), microphone=(self)');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('strict-transport-security')).toBeNull();
  expect(headers.get('set-cookie')).toBeNull();
});

test('CORS answers for our origins only', async () => {
  const preflight = (origin: string) =>
    fetch(world.url + messages, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
  expect((await preflight(ORIGIN)).headers.get('access-control-allow-origin')).toBe(ORIGIN);
  for (const origin of ['http://evil.test', 'null', `${ORIGIN}.evil.test`, 'http://rialto.test']) {
    expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBeNull();
  }
  expect((await preflight(ORIGIN)).headers.get('access-control-allow-credentials')).toBeNull();
});

test('a webhook reaches payments byte for byte', async () => {
  const body = Buffer.from('{ "id": "evt_1",\n "odd": "\u00e9" } ');
  const deliver = (headers: Record<string, string>) =>
    fetch(`${world.url}/v1/stripe/webhook`, { method: 'POST', body, headers: { ...json, ...headers } });
  expect(await (await deliver({ 'stripe-signature': 't=1,v1=ab' })).json()).toEqual({ received: true });
  expect(deliveries).toEqual([{ body: body.toString('base64url'), signature: 't=1,v1=ab' }]);
  expect((await problemOf(await deliver({}))).code).toBe('webhook-refused');
});

test('health says which service is not there', async () => {
  expect(await (await fetch(`${world.url}/health/live`)).json()).toEqual({ status: 'live' });
  const ready = await problemOf(await fetch(`${world.url}/health/ready`));
  expect(ready).toMatchObject({
    status: 503,
    details: { services: { messaging: 'ready', payments: 'ready', identity: 'is not running', calls: 'is not running' } },
  });
});

test('without a web client there is a page that says so', async () => {
  const home = await fetch(`${world.url}/anything`);
  expect([home.status, home.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(await home.text()).toContain('Rialto is running');
  expect((await fetch(`${world.url}/missing.js`)).status).toBe(404);
  expect((await problemOf(await fetch(`${world.url}/simulated/control`))).code).toBe('not-found');
});
