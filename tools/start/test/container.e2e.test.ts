import { spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheDir, freePort, startNats, startPostgres, type Nats, type Postgres } from '@rialto/engines';

/** What the containers of docker-compose.yml do, as processes against a real PostgreSQL and NATS. No container engine is involved. */

const COMMAND = resolve(__dirname, '../container.mjs');
const SERVICES = ['identity', 'messaging', 'calls', 'payments'];
const READY_MS = 90_000;

let dir: string;
let postgres: Postgres;
let nats: Nats;
const ports = { postgres: 0, nats: 0, gateway: 0, stripeSim: 0 };
const metricsPorts = new Map<string, number>();
const children: { child: ReturnType<typeof spawn>; ended: Promise<unknown> }[] = [];

const secretsOf = (name: string) => join(dir, 'secrets', name);

function command(args: string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: join(cacheDir(), 'compiled'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
  const ended = new Promise<number | null>((done) => child.once('close', done));
  children.push({ child, ended });
  return { child, ended, output: () => output };
}

const setUp = () =>
  command(['setup'], {
    RIALTO_SECRETS_DIR: join(dir, 'secrets'),
    RIALTO_DOMAIN: 'rialto.example',
    RIALTO_POSTGRES_HOST: `127.0.0.1:${ports.postgres}`,
    RIALTO_NATS_HOST: `127.0.0.1:${ports.nats}`,
    RIALTO_PORT: String(ports.gateway),
    RIALTO_STRIPE_SIM_PORT: String(ports.stripeSim),
    RIALTO_DATA_DIR: join(dir, 'data'),
  });

/** Containers have a network each; these processes share one, so each gets a metrics port of its own. */
function start(name: string) {
  const file = join(secretsOf(name), 'environment.json');
  const environment = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  const port = metricsPorts.get(name);
  if (port !== undefined) environment['RIALTO_METRICS_PORT'] = String(port);
  if (environment['RIALTO_STRIPE_URL']) environment['RIALTO_STRIPE_URL'] = `http://127.0.0.1:${ports.stripeSim}`;
  rmSync(file);
  writeFileSync(file, JSON.stringify(environment));
  return command(['run', name], { RIALTO_SECRETS_DIR: secretsOf(name) });
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rialto-container-'));
  chmodSync(dir, 0o711);
  for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort();
  for (const name of [...SERVICES, 'gateway']) metricsPorts.set(name, await freePort());
  mkdirSync(join(dir, 'data'));
});
afterAll(async () => {
  for (const { child } of children) child.kill('SIGTERM');
  await Promise.all(children.map(({ ended }) => ended));
  await nats?.stop();
  await postgres?.stop();
  rmSync(dir, { recursive: true, force: true });
});

test('setup gives each container its own secrets, and no one else’s', async () => {
  const first = setUp();
  expect(`${await first.ended} ${first.output()}`).toMatch(/^0 /);
  const environments = SERVICES.map((name) => readFileSync(join(secretsOf(name), 'environment.json'), 'utf8'));
  const seeds = environments.map((text) => (JSON.parse(text) as Record<string, string>)['RIALTO_NATS_SEED'] ?? '');
  expect(new Set(seeds).size).toBe(SERVICES.length);
  for (const [index, seed] of seeds.entries()) {
    expect(environments.filter((text) => text.includes(seed))).toEqual([environments[index]]);
  }
  expect(environments.filter((text) => text.includes('RIALTO_LEDGER_KEY')).length).toBe(1);
  expect(statSync(join(secretsOf('calls'), 'environment.json')).mode & 0o077).toBe(0);
  // Only Caddy comes to the gateway there: without it all people would share one address, and its limits.
  const gateway = JSON.parse(readFileSync(join(secretsOf('gateway'), 'environment.json'), 'utf8')) as Record<string, string>;
  expect(gateway['RIALTO_TRUSTED_PROXIES']).toContain('172.16.0.0/12');
  expect(statSync(join(dir, 'secrets', 'secrets.json')).mode & 0o077).toBe(0);
});

test('a second setup changes no secret', async () => {
  const before = readFileSync(join(secretsOf('payments'), 'environment.json'), 'utf8');
  expect(await setUp().ended).toBe(0);
  expect(readFileSync(join(secretsOf('payments'), 'environment.json'), 'utf8')).toBe(before);
});

test('migrate brings an empty database up to date and ends', async () => {
  // Our PostgreSQL takes its superuser's password from the file beside its data, as the container takes it from the secrets.
  copyFileSync(join(secretsOf('postgres'), 'password'), join(dir, 'postgres.password'));
  postgres = await startPostgres({ dataDir: join(dir, 'postgres'), port: ports.postgres });
  const migrate = command(['migrate'], { RIALTO_SECRETS_DIR: secretsOf('migrate') });
  expect(`${await migrate.ended} ${migrate.output()}`).toMatch(/^0 /);
  for (const name of SERVICES) expect(migrate.output()).toContain(`${name}/`);
});

test('every service runs by its command, and the gateway says that all are ready', async () => {
  nats = await startNats({ configFile: join(secretsOf('nats'), 'nats.conf'), port: ports.nats });
  const running = ['stripe-sim', ...SERVICES, 'gateway'].map((name) => ({ name, ...start(name) }));
  const url = `http://127.0.0.1:${ports.gateway}/health/ready`;
  const isReady = async () => (await fetch(url).catch(() => undefined))?.status === 200;
  for (const end = Date.now() + READY_MS; Date.now() < end && !(await isReady());) await sleep(200);
  const ended = running.filter(({ child }) => child.exitCode !== null);
  expect(ended.map(({ name, output }) => `${name}: ${output()}`)).toEqual([]);
  expect(await isReady()).toBe(true);
});

test('health says whether a service answers', async () => {
  for (const name of SERVICES) {
    expect(await command(['health', `http://127.0.0.1:${metricsPorts.get(name)}/metrics`], {}).ended).toBe(0);
  }
  expect(await command(['health', `http://127.0.0.1:${await freePort()}/metrics`], {}).ended).toBe(1);
});

test('the relay’s configuration keeps the inner networks closed', () => {
  const text = readFileSync(join(secretsOf('turn'), 'turnserver.conf'), 'utf8');
  expect(text).not.toContain('allow-loopback-peers');
  for (const range of ['10.0.0.0-', '127.0.0.0-', '172.16.0.0-', '192.168.0.0-', 'fc00::-'])
    expect(text).toContain(`denied-peer-ip=${range}`);
  expect(existsSync(join(secretsOf('turn'), 'environment.json'))).toBe(false);
});
