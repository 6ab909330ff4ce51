import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { freePort } from '@rialto/engines';
import { newSeeds, startTestNats, testDevice } from '@rialto/service/testing';
import { gatewayConfig } from '../src/config.ts';
import { startGateway } from '../src/gateway.ts';
import { TestSocket, upgradeStatus } from './socket-client.ts';
import { gatewayVariables, startWorld, type World } from './world.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const wait = Buffer.from('wait').toString('base64url');
const slowInput = { conversationId: `cnv_${'0'.repeat(22)}`, clientMessageId: `msg_${'0'.repeat(22)}`, epoch: 0, bytes: wait };

describe('the web client', () => {
  let world: World;
  let simulator: Server;
  const asked: string[] = [];
  beforeAll(async () => {
    const webDir = join(mkdtempSync(join(tmpdir(), 'rialto-web-')), 'dist');
    mkdirSync(join(webDir, 'assets'), { recursive: true });
    writeFileSync(join(webDir, 'index.html'), '<!doctype html><title>client</title>');
    writeFileSync(join(webDir, 'assets', 'app-4f3a.js'), 'export {};');
    writeFileSync(join(webDir, 'assets', 'app-4f3a.js.br'), brotliCompressSync('export {};'));
    writeFileSync(join(webDir, 'assets', 'app-4f3a.js.gz'), gzipSync('export {};'));
    writeFileSync(join(webDir, 'manifest.webmanifest'), '{}');
    writeFileSync(join(webDir, '..', 'secret.txt'), 'outside');
    simulator = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      if (request.method === 'POST') return void response.writeHead(303, { location: '../cs_1' }).end();
      response
        .writeHead(200, { 'content-type': 'text/html', 'content-security-policy': "default-src 'none'", 'set-cookie': 'a=b' })
        .end('checkout');
    });
    await new Promise<void>((resolve) => simulator.listen(0, '127.0.0.1', resolve));
    const { port } = simulator.address() as { port: number };
    world = await startWorld({
      RIALTO_WEB_DIR: webDir,
      RIALTO_STRIPE_SIM_URL: `http://127.0.0.1:${port}`,
      RIALTO_LIMIT_ANYONE_PER_MINUTE: '5',
    });
  }, 60_000);
  afterAll(async () => {
    await world.stop();
    simulator.close();
  });

  test('its page answers for every path that it handles itself, fresh each time', async () => {
    for (const path of ['/', '/index.html', '/c/cnv_1', '/settings/devices']) {
      const answer = await fetch(world.url + path);
      expect([answer.status, answer.headers.get('cache-control'), await answer.text()]).toEqual([
        200,
        'no-store',
        '<!doctype html><title>client</title>',
      ]);
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'self'");
    }
  });

  test('what bears a hash is kept for ever, the rest is asked for again', async () => {
    const asset = await fetch(`${world.url}/assets/app-4f3a.js`);
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(asset.headers.get('content-type')).toMatch(/javascript/);
    expect((await fetch(`${world.url}/manifest.webmanifest`)).headers.get('cache-control')).toBe('no-cache');
  });

  test.each([
    ['br', 'br, gzip'],
    ['gzip', 'gzip'],
    [null, 'identity'],
  ])('what was compressed at build is sent as %s to who takes %s', async (encoding, accepted) => {
    const asset = await fetch(`${world.url}/assets/app-4f3a.js`, { headers: { 'accept-encoding': accepted } });
    expect(asset.headers.get('content-encoding')).toBe(encoding);
    expect(asset.headers.get('content-type')).toMatch(/javascript/);
    expect(asset.headers.get('vary')).toMatch(/accept-encoding/i);
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(await asset.text()).toBe('export {};');
  });

  test.each([
    '/assets/missing.js',
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/secret.txt%00.html',
    '/v1/nothing',
    '/docs/nothing',
  ])('%s is not there', async (path) => {
    const answer = await fetch(world.url + path);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([404, 'application/problem+json; charset=utf-8']);
  });

  test("the simulator's checkout page is passed on, and nothing else of it", async () => {
    const page = await fetch(`${world.url}/simulated/checkout/cs_1?declined=x`);
    expect([page.status, await page.text(), page.headers.get('content-security-policy'), page.headers.get('set-cookie')]).toEqual(
      [200, 'checkout', "default-src 'none'", null],
    );
    const form = {
      method: 'POST',
      body: 'card=good',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      redirect: 'manual',
    } as const;
    const paid = await fetch(`${world.url}/simulated/checkout/cs_1/pay`, form);
    expect([paid.status, paid.headers.get('location')]).toEqual([303, '../cs_1']);
    for (const path of [
      '/simulated/control/reset',
      '/simulated/checkout/../control',
      '/simulated/checkout/..%2fcontrol',
      '/simulated/checkout/%2e%2e/control',
      '/v1/charges',
    ]) {
      expect((await fetch(world.url + path, form)).status).toBeGreaterThanOrEqual(404);
      expect((await fetch(world.url + path)).status).toBeGreaterThanOrEqual(404);
    }
    expect(asked).toEqual(['GET /simulated/checkout/cs_1?declined=x', 'POST /simulated/checkout/cs_1/pay']);
  });

  test('a request that names another host (RFC 9112, section 3.2.2) is answered by our simulator, and by nobody else', async () => {
    const elsewhere: string[] = [];
    const inner = createServer((request, response) => {
      elsewhere.push(request.url ?? '');
      response.end('an inner secret');
    });
    await new Promise<void>((resolve) => inner.listen(0, '127.0.0.1', resolve));
    const { port } = inner.address() as { port: number };
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(world.gateway.port, '127.0.0.1', () => {
        const target = `http://127.0.0.1:${port}/simulated/checkout/cs_1`;
        socket.write(`GET ${target} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n\r\n`);
      });
      socket.on('data', (data: Buffer) => resolve(data.toString()));
    });
    inner.close();
    expect(elsewhere).toEqual([]);
    expect(answer).toMatch(/^HTTP\/1.1 200/);
    expect(asked.at(-1)).toBe('GET /simulated/checkout/cs_1');
  });

  test('who has no session may ask only so often', async () => {
    const check = () => fetch(`${world.url}/v1/handles/ana/availability`);
    const statuses = [];
    for (let index = 0; index < 7; index++) statuses.push((await check()).status);
    expect(statuses).toEqual([503, 503, 503, 503, 503, 429, 429]); // No identity behind this gateway: what is admitted is `unavailable`.
    const refused = await check();
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: 'rate-limited', retryable: true, retryAfterMs: expect.any(Number) });
    // Guessing tokens counts against the address as well.
    expect((await fetch(`${world.url}/v1/conversations`, { headers: { authorization: 'Bearer a.b.c' } })).status).toBe(429);
  });
});

test('behind a proxy of ours everybody counts alone, over HTTP and on the socket', async () => {
  const limits = { RIALTO_LIMIT_ANYONE_PER_MINUTE: '1', RIALTO_LIMIT_SOCKETS_PER_MINUTE: '1' };
  const world = await startWorld({ ...limits, RIALTO_TRUSTED_PROXIES: '127.0.0.0/8' });
  const from = (address: string) => ({ 'x-forwarded-for': `203.0.113.9, ${address}` });
  const ask = async (address: string) =>
    (await fetch(`${world.url}/v1/handles/ana/availability`, { headers: from(address) })).status;
  expect([await ask('198.51.100.1'), await ask('198.51.100.2'), await ask('198.51.100.1')]).toEqual([503, 503, 429]);
  const knock = (address: string) => upgradeStatus(world.socketUrl, from(address));
  expect([await knock('198.51.100.1'), await knock('198.51.100.2'), await knock('198.51.100.1')]).toEqual([101, 101, 429]);
  await world.stop();
});

test('webhooks have a limit of their own, and take nothing from the sockets', async () => {
  const world = await startWorld({ RIALTO_LIMIT_SOCKETS_PER_MINUTE: '1', RIALTO_LIMIT_WEBHOOKS_PER_MINUTE: '3' });
  const deliver = async () => (await fetch(`${world.url}/v1/stripe/webhook`, { method: 'POST', body: '{}' })).status;
  const unsigned = 400;
  expect([await deliver(), await deliver(), await deliver(), await deliver()]).toEqual([unsigned, unsigned, unsigned, 429]);
  expect([await upgradeStatus(world.socketUrl, {}), await upgradeStatus(world.socketUrl, {})]).toEqual([101, 429]);
  await world.stop();
});

test('its figures count sockets, sessions and answers, by names of ours and nothing of the people', async () => {
  const port = await freePort();
  const world = await startWorld({ RIALTO_METRICS_PORT: String(port) });
  const device = await testDevice();
  const socket = new TestSocket(world.socketUrl);
  const silent = new TestSocket(world.socketUrl);
  await Promise.all([socket.identify(device.token), silent.take('hello')]);
  socket.say({ op: 'call', id: 1, operation: 'messaging.listConversations', input: {} });
  await socket.take('reply');
  const status = (path: string) => fetch(world.url + path, { headers: { authorization: `Bearer ${device.token}` } });
  await status('/v1/handles/canary_handle/availability'); // Nobody answers for identity here.
  await status('/v1/canary');
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const ours = text
    .split('\n')
    .filter((line) => line.startsWith('rialto_') && !line.includes('_bucket{') && !line.includes('_sum{'));
  expect(ours.toSorted()).toEqual([
    'rialto_operation_seconds_count{operation="identity.checkHandle",outcome="unavailable"} 1',
    'rialto_operation_seconds_count{operation="messaging.listConversations",outcome="ok"} 1',
    'rialto_socket_sessions 1',
    'rialto_sockets 2',
  ]);
  const canaries = ['canary', device.accountId, device.deviceId, device.token];
  expect(canaries.filter((canary) => text.includes(canary))).toEqual([]);
  for (const one of [socket, silent]) one.vanish();
  await world.stop();
});

test('told to stop, the gateway answers what it accepted and sends everybody home', async () => {
  const world = await startWorld();
  const device = await testDevice();
  const socket = new TestSocket(world.socketUrl);
  await socket.identify(device.token);
  for (let id = 0; id < 50; id++) socket.say({ op: 'call', id, operation: 'messaging.sendMessage', input: slowInput });
  const post = { method: 'POST', headers: { authorization: `Bearer ${device.token}`, 'content-type': 'application/json' } };
  const http = fetch(`${world.url}/v1/conversations/${slowInput.conversationId}/messages`, {
    ...post,
    body: JSON.stringify({ ...slowInput, conversationId: undefined }),
  });
  await pause(100);
  const startedAt = Date.now();
  const stopping = world.gateway.stop();
  expect(await socket.closed()).toBe(4007);
  expect(socket.frames.filter(({ op }) => op === 'reply')).toHaveLength(50);
  expect((await http).status).toBe(200);
  await stopping;
  expect(Date.now() - startedAt).toBeLessThan(1_500);
  for (const service of world.services) await service.stop();
  await world.nats.stop();
  await world.database.drop();
}, 30_000);

test('when NATS was away, calls say so and every socket comes back to read its logs', async () => {
  const [port, seeds] = [await freePort(), newSeeds()];
  let nats = await startTestNats({ port, seeds });
  const gateway = await startGateway(gatewayConfig(gatewayVariables(nats)));
  const device = await testDevice();
  const socket = new TestSocket(`ws://127.0.0.1:${gateway.port}/v1/socket`);
  await socket.identify(device.token);
  await nats.stop();
  await pause(200);
  socket.say({ op: 'call', id: 1, operation: 'messaging.listConversations', input: {} });
  expect(await socket.take('error')).toMatchObject({ id: 1, code: 'unavailable', retryable: true });
  const ready = await fetch(`http://127.0.0.1:${gateway.port}/health/ready`);
  expect(ready.status).toBe(503);
  nats = await startTestNats({ port, seeds });
  expect(await socket.closed()).toBe(4007);
  const again = new TestSocket(`ws://127.0.0.1:${gateway.port}/v1/socket`);
  expect((await again.identify(device.token)).resumed).toBe(false);
  again.vanish();
  await gateway.stop();
  expect(await upgradeStatus(`ws://127.0.0.1:${gateway.port}/v1/socket`).catch(() => 'gone')).toBe('gone');
  await nats.stop();
}, 30_000);
