import fs from 'node:fs';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { turnConfiguration } from '@rialto/engines';
import { migrationEnvironment, MIGRATOR } from './migrations.mjs';
import { writeNatsConfig } from './nats-config.mjs';
import { keptSecrets } from './secrets.mjs';
import { databaseUrlOf, environmentOf, mainOf, SERVICES } from './services.mjs';
import { webDir } from './web-build.mjs';

/** Where docker-compose.yml puts things: names are those of its services. */
const SECRETS = process.env.RIALTO_SECRETS_DIR ?? '/secrets';
const GATEWAY_PORT = Number(process.env.RIALTO_PORT || 7420);
const STRIPE_SIM_PORT = Number(process.env.RIALTO_STRIPE_SIM_PORT || 7430);
const METRICS_PORT = Number(process.env.RIALTO_METRICS_PORT || 7490);
const TURN_PORT = 3478;
/** Networks of containers, which only the proxy of docker-compose.yml can come from: the gateway publishes no port. */
const CONTAINER_NETWORKS = '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7';
const HEALTH_TIMEOUT_MS = 4_000;

/**
 * Makes what is missing and writes each container's folder: its environment, or its configuration. Safe to run at every start; what exists is
 * kept, and a changed domain or Stripe key takes effect.
 */
export async function containerSetup() {
  const env = process.env;
  fs.mkdirSync(SECRETS, { recursive: true });
  const secrets = keptSecrets(path.join(SECRETS, 'secrets.json'));
  const passwordFile = path.join(SECRETS, 'postgres', 'password');
  if (!fs.existsSync(passwordFile)) write('postgres/password', randomBytes(24).toString('base64url'), 0o444);
  const postgresUrl = `postgres://rialto:${fs.readFileSync(passwordFile, 'utf8')}@${env.RIALTO_POSTGRES_HOST || 'postgres:5432'}/rialto`;
  fs.mkdirSync(path.join(SECRETS, 'nats'), { recursive: true });
  const natsConfig = path.join(SECRETS, 'nats', 'nats.conf');
  fs.rmSync(natsConfig, { force: true }); // Made anew: the dates of files in an image say nothing about which is newer.
  await writeNatsConfig(natsConfig, path.join(SECRETS, 'secrets.json'), secrets);
  fs.chmodSync(natsConfig, 0o444);
  const address = env.RIALTO_TURN_ADDRESS || undefined;
  write('turn/turnserver.conf', turnConfiguration({ address, port: TURN_PORT, secret: secrets.turn, dir: '/tmp' }), 0o444);
  write('migrate/environment.json', JSON.stringify(migrationEnvironment(postgresUrl, secrets)), 0o400);
  const world = containerWorld({ env, secrets, postgresUrl });
  for (const service of SERVICES) {
    const { PATH: _path, HOME: _home, NODE_COMPILE_CACHE: _cache, ...environment } = environmentOf(service, 0, world);
    const metrics = service.name === 'stripe-sim' ? {} : { RIALTO_METRICS_PORT: String(METRICS_PORT) };
    write(`${service.name}/environment.json`, JSON.stringify({ ...environment, ...metrics }), 0o400);
  }
  console.log(`The secrets and configurations are in ${SECRETS}.`);
}

function containerWorld({ env, secrets, postgresUrl }) {
  const url = `https://${env.RIALTO_DOMAIN}`;
  return {
    ...{
      env,
      secrets,
      extraEnv: {},
      host: '0.0.0.0',
      webDir,
      origins: [url],
      trustedProxies: env.RIALTO_TRUSTED_PROXIES || CONTAINER_NETWORKS,
    },
    ports: { gateways: [GATEWAY_PORT], stripeSim: STRIPE_SIM_PORT },
    paths: { dataDir: env.RIALTO_DATA_DIR || '/data' },
    turn: {
      urls: ['udp', 'tcp'].map((transport) => `turn:${env.RIALTO_DOMAIN}:${TURN_PORT}?transport=${transport}`),
      secret: secrets.turn,
    },
    natsUrl: `nats://${env.RIALTO_NATS_HOST || 'nats:4222'}`,
    databaseUrl: (service) => databaseUrlOf(postgresUrl, service, secrets),
    urls: { public: url, inner: `http://gateway:${GATEWAY_PORT}`, stripeSim: `http://stripe-sim:${STRIPE_SIM_PORT}` },
  };
}

function write(name, text, mode) {
  const file = path.join(SECRETS, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.rmSync(file, { force: true }); // A file of mode 0400 can be replaced, but not written.
  fs.writeFileSync(file, text, { mode });
}

const readEnvironment = () => JSON.parse(fs.readFileSync(path.join(SECRETS, 'environment.json'), 'utf8'));

/** Becomes the service: its environment is set before its first module is loaded. */
export async function containerRun(name) {
  const service = SERVICES.find((one) => one.name === name);
  if (!service) throw new Error(`There is no service ${name}; there are: ${SERVICES.map((one) => one.name).join(', ')}`);
  Object.assign(process.env, readEnvironment());
  await import(pathToFileURL(mainOf(service)).href);
}

export async function containerMigrate() {
  Object.assign(process.env, readEnvironment());
  // The migrator runs when it is the program, which it tells by the name it was started with.
  process.argv[1] = MIGRATOR;
  await import(pathToFileURL(MIGRATOR).href);
}

/** @throws when the service does not answer: services on their metrics port, the gateway on its own. */
export async function containerHealth(url = `http://127.0.0.1:${METRICS_PORT}/metrics`) {
  const { status, ok } = await fetch(url, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
  if (!ok) throw new Error(`${url} answers ${status}`);
}
