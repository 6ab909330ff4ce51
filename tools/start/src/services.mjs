import path from 'node:path';
import { cacheDir } from '@rialto/engines';
import { ROOT } from './install.mjs';

/** The processes of a system, in the order in which they are started: what others need first, the door last. */
export const SERVICES = [
  { name: 'stripe-sim', main: 'tools/stripe-sim/src/main.ts', environment: stripeSimEnvironment },
  { name: 'identity', main: 'apps/identity/src/main.ts', environment: identityEnvironment },
  { name: 'messaging', main: 'apps/messaging/src/main.ts', environment: serviceEnvironment, isBusy: true },
  { name: 'calls', main: 'apps/calls/src/main.ts', environment: callsEnvironment },
  { name: 'payments', main: 'apps/payments/src/main.ts', environment: paymentsEnvironment },
  { name: 'gateway', main: 'apps/gateway/src/main.ts', environment: gatewayEnvironment, isBusy: true },
];

export const SERVICES_WITH_DATABASE = ['identity', 'messaging', 'calls', 'payments'];
export const isStripeSimulated = (env) => !env.RIALTO_STRIPE_KEY;

/** What a process may inherit: where programs are, the time zone and the language, and nothing that holds a secret of somebody else. */
const INHERITED = ['PATH', 'HOME', 'TZ', 'LANG', 'TMPDIR', 'NODE_ENV', 'RIALTO_LOG_LEVEL'];
/** Half of V8's default: together the idle processes take about 100 MB less, most of it garbage of their start. */
const SMALL_YOUNG_GENERATION = '--max-semi-space-size=8';
/** Where every message passes, most garbage must die young: with 8 MB a sixth of the processor's time goes into collecting it. */
const LARGE_YOUNG_GENERATION = '--max-semi-space-size=32';

/**
 * The whole environment of one process.
 * @param {{ secrets, natsUrl: string, databaseUrl: (service: string) => string, turn, ports, urls, webDir?: string, env }} world
 */
export function environmentOf(service, replica, world) {
  const inherited = INHERITED.filter((name) => world.env[name] !== undefined).map((name) => [name, world.env[name]]);
  return {
    ...Object.fromEntries(inherited),
    NODE_ENV: world.env.NODE_ENV ?? 'production',
    NODE_COMPILE_CACHE: path.join(cacheDir(), 'compiled'),
    NODE_OPTIONS: world.env.NODE_OPTIONS ?? (service.isBusy ? LARGE_YOUNG_GENERATION : SMALL_YOUNG_GENERATION),
    ...service.environment(service, world, replica),
    ...world.extraEnv,
  };
}

/** The service's own role on the same server and database. */
export function databaseUrlOf(superuserUrl, service, secrets) {
  const url = new URL(superuserUrl);
  url.username = `${service}_app`;
  url.password = secrets[`database_${service}_app`];
  return url.href;
}

export const mainOf = (service) => path.join(ROOT, service.main);

function processEnvironment({ name }, { secrets, natsUrl }) {
  return {
    RIALTO_NATS_URL: natsUrl,
    RIALTO_NATS_SEED: secrets[`nats_${name}`].seed,
    RIALTO_TOKEN_PUBLIC_KEY: secrets.tokenKey.publicKey,
  };
}

function serviceEnvironment(service, world) {
  return { ...processEnvironment(service, world), RIALTO_DATABASE_URL: world.databaseUrl(service.name) };
}

function identityEnvironment(service, world) {
  return {
    ...serviceEnvironment(service, world),
    RIALTO_TOKEN_PRIVATE_KEY: world.secrets.tokenKey.seed,
    RIALTO_ORIGINS: world.origins.join(','),
  };
}

function callsEnvironment(service, world) {
  return {
    ...serviceEnvironment(service, world),
    RIALTO_TURN_URLS: world.turn.urls.join(','),
    RIALTO_TURN_SECRET: world.turn.secret,
  };
}

function paymentsEnvironment(service, world) {
  const { secrets, env, urls } = world;
  const stripe = isStripeSimulated(env)
    ? {
        RIALTO_STRIPE_URL: urls.stripeSim,
        RIALTO_STRIPE_KEY: secrets.stripeKey,
        RIALTO_STRIPE_WEBHOOK_SECRET: secrets.stripeWebhook,
      }
    : {
        RIALTO_STRIPE_KEY: env.RIALTO_STRIPE_KEY,
        RIALTO_STRIPE_WEBHOOK_SECRET: env.RIALTO_STRIPE_WEBHOOK_SECRET ?? '',
        ...(env.RIALTO_LICENSED_PARTNER && { RIALTO_LICENSED_PARTNER: env.RIALTO_LICENSED_PARTNER }),
      };
  return {
    ...serviceEnvironment(service, world),
    ...stripe,
    RIALTO_LEDGER_KEY: secrets.ledgerKey.seed,
    RIALTO_LEDGER_ID: secrets.ledgerId,
    RIALTO_PUBLIC_URL: urls.public,
  };
}

/** An operator's own limits for people's requests; the gateway knows their names, and has a usual value for each. */
const LIMIT = /^RIALTO_LIMIT_/;

function gatewayEnvironment(service, world, replica) {
  const limits = Object.entries(world.env).filter(([name, value]) => LIMIT.test(name) && value);
  return {
    ...processEnvironment(service, world),
    ...Object.fromEntries(limits),
    RIALTO_PORT: String(world.ports.gateways[replica]),
    RIALTO_HOST: world.host,
    RIALTO_ORIGINS: world.origins.join(','),
    ...(world.webDir && { RIALTO_WEB_DIR: world.webDir }),
    ...(world.trustedProxies && { RIALTO_TRUSTED_PROXIES: world.trustedProxies }),
    ...(isStripeSimulated(world.env) && { RIALTO_STRIPE_SIM_URL: world.urls.stripeSim }),
  };
}

function stripeSimEnvironment(_service, { ports, urls, secrets, paths }) {
  return {
    RIALTO_STRIPE_SIM_PORT: String(ports.stripeSim),
    RIALTO_STRIPE_SIM_PUBLIC_URL: `${urls.public}/simulated/checkout`,
    RIALTO_STRIPE_SIM_KEY: secrets.stripeKey,
    RIALTO_STRIPE_SIM_WEBHOOK_URL: `${urls.inner}/v1/stripe/webhook`,
    RIALTO_STRIPE_SIM_WEBHOOK_SECRET: secrets.stripeWebhook,
    RIALTO_STRIPE_SIM_DATA: path.join(paths.dataDir, 'stripe-sim'),
  };
}
