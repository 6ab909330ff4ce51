import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type Stripe from 'stripe';
import { sdk } from '../test/running-simulator.ts';
import { ConfigRefused, liveKeyVariables, readConfig } from './config.ts';

/** Put together here, so that no file holds what looks like a live key. */
const liveKey = ['sk', 'live', 'abcdefgh12345678'].join('_');
const restricted = ['rk', 'live', 'abcdefgh12345678'].join('_');

const dataDir = mkdtempSync(join(tmpdir(), 'rialto-stripe-sim-main-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const good = { RIALTO_STRIPE_SIM_KEY: 'sk_test_mainProcess', RIALTO_STRIPE_SIM_DATA: dataDir };

function problems(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigRefused) return error.problems;
    throw error;
  }
  return [];
}

test('the least that is needed, and all of it', () => {
  expect(readConfig(good)).toEqual({ port: 0, publicUrl: '', key: 'sk_test_mainProcess', webhook: null, dataDir });
  const all = readConfig({
    ...good,
    RIALTO_STRIPE_SIM_PORT: '7431',
    RIALTO_STRIPE_SIM_PUBLIC_URL: 'http://localhost:7420/simulated/checkout/',
    RIALTO_STRIPE_SIM_WEBHOOK_URL: 'http://127.0.0.1:7420/v1/stripe/webhook',
    RIALTO_STRIPE_SIM_WEBHOOK_SECRET: 'whsec_0123456789abcdef',
  });
  expect(all).toMatchObject({
    port: 7431,
    publicUrl: 'http://localhost:7420/simulated/checkout',
    webhook: { secret: 'whsec_0123456789abcdef' },
  });
});

test('every problem is named, and no secret is repeated', () => {
  const found = problems({ RIALTO_STRIPE_SIM_PORT: 'many', RIALTO_STRIPE_SIM_KEY: 'not-a-key' });
  expect(found).toHaveLength(3);
  expect(found.join('\n')).toMatch(/PORT[^]*KEY[^]*DATA/);
  expect(found.join('\n')).not.toContain('not-a-key');
  expect(problems({ ...good, RIALTO_STRIPE_SIM_WEBHOOK_URL: 'http://127.0.0.1/' })[0]).toContain('belong together');
});

test.each([
  ['the key of the payments service', { STRIPE_SECRET_KEY: liveKey }],
  ['a restricted key inside other text', { SOMETHING: `{"key":"${restricted}"}` }],
  ['its own key', { RIALTO_STRIPE_SIM_KEY: liveKey }],
])('a live key anywhere in the environment stops it: %s', (_, env) => {
  const found = problems({ ...good, ...env });
  expect(found).toEqual(liveKeyVariables(env).map((name) => expect.stringContaining(name)));
  expect(found.join('')).not.toContain('abcdefgh12345678');
});

function main(env: NodeJS.ProcessEnv) {
  return spawn(process.execPath, [join(__dirname, 'main.ts')], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

test('the process says its port in one line of JSON, answers on loopback, and ends cleanly at SIGTERM', async () => {
  const child = main(good);
  const exited = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const ready = JSON.parse(line.toString('utf8')) as { port: number };
  expect(ready).toMatchObject({ ready: true, service: 'stripe-sim', host: '127.0.0.1', simulated: true });
  const health = await fetch(`http://127.0.0.1:${ready.port}/health`);
  expect(await health.json()).toEqual({ status: 'ok', simulated: true });
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});

test('what the process acknowledged is still there after it was killed', async () => {
  const key = good.RIALTO_STRIPE_SIM_KEY;
  const started = async (): Promise<{ child: ReturnType<typeof main>; stripe: Stripe }> => {
    const child = main(good);
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { port } = JSON.parse(line.toString('utf8')) as { port: number };
    return { child, stripe: sdk({ host: '127.0.0.1', port, protocol: 'http' }, key) };
  };
  const first = await started();
  const made = await first.stripe.customers.create({ name: 'Ana' }, { idempotencyKey: 'before-the-kill' });
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  const second = await started();
  expect(await second.stripe.customers.retrieve(made.id)).toEqual(made);
  expect((await second.stripe.customers.create({ name: 'Ana' }, { idempotencyKey: 'before-the-kill' })).id).toBe(made.id);
  second.child.kill('SIGTERM');
  await once(second.child, 'exit');
});

test('the process does not start beside a live key', async () => {
  const child = main({ ...good, PAYMENTS_KEY: liveKey });
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect(code).toBe(2);
  expect(errors).toContain('PAYMENTS_KEY holds a live Stripe key');
  expect(errors).not.toContain('abcdefgh12345678');
});
