import fs from 'node:fs';
import { findNats, freePort } from '@rialto/engines';
import { dataPaths, stopLeftOvers, takeDataDirectory } from './data-directory.mjs';
import { bringUpNats, bringUpPostgres, bringUpTurn } from './engines.mjs';
import { migrate } from './migrations.mjs';
import { writeNatsConfig } from './nats-config.mjs';
import { notesOn } from './notes.mjs';
import { portProblem } from './ports.mjs';
import { runningState } from './running-state.mjs';
import { keptSecrets } from './secrets.mjs';
import { startServices } from './service-processes.mjs';
import { databaseUrlOf } from './services.mjs';
import { StartProblem } from './start-problem.mjs';
import { buildWeb } from './web-build.mjs';

const DEFAULT_HOST = '127.0.0.1';

/** An operator's database, NATS or Stripe key is for their own system, not for a demo or a test that is started in the same shell. */
const withoutSettings = (env) => Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('RIALTO_')));

/** Brings up the whole system; see index.d.mts. Whatever fails, what was started before is stopped again. */
export async function startSystem({
  port,
  host = DEFAULT_HOST,
  dataDir,
  replicas = {},
  say = () => {},
  env: extraEnv = {},
  operatorEnv = withoutSettings(process.env),
  web = true,
  signal,
}) {
  const paths = dataPaths(dataDir);
  const url = `http://${host === DEFAULT_HOST ? 'localhost' : host}:${port}`;
  const lock = takeDataDirectory(paths, url);
  if (lock.holder) {
    throw new StartProblem(`Rialto already runs on these data (${dataDir}, process ${lock.holder.pid}) at ${lock.holder.url}.`);
  }
  const undo = [lock.release];
  const stop = stopOnce(undo);
  try {
    await stopLeftOvers(paths, say);
    const problem = await portProblem(port, host);
    if (problem) throw new StartProblem(problem);
    fs.mkdirSync(paths.logs, { recursive: true });
    const env = { ...operatorEnv, ...extraEnv };
    return await bringUp({ paths, host, port, url, replicas, say, env, extraEnv, web, undo, stop, signal });
  } catch (error) {
    await stop();
    throw error;
  }
}

async function bringUp({ paths, host, port, url, replicas, say, env, extraEnv, web, undo, stop, signal }) {
  const giveUpIfTold = () => {
    if (signal?.aborted) throw new StartProblem('The start was stopped.');
  };
  const secrets = keptSecrets(paths.secrets);
  const state = runningState(paths, say);
  const common = { paths, env, say, onStarted: state.started, signal };
  const keep = (engine) => {
    undo.push(engine.stop);
    return engine;
  };
  const natsReady = Promise.all([findNats(say), writeNatsConfig(paths.natsConfig, paths.secrets, secrets)]);
  const [postgres, nats, turn, webDir] = await allOrNone([
    bringUpPostgres(common).then(keep),
    natsReady.then(([program]) => bringUpNats({ ...common, program })).then(keep),
    bringUpTurn({ ...common, secret: secrets.turn }).then(keep),
    web ? buildWeb(say) : undefined,
  ]);
  giveUpIfTold();
  const bringDatabaseUpToDate = () => migrate({ postgresUrl: postgres.url, secrets, env, say });
  const renewPermissions = async () => {
    if (await writeNatsConfig(paths.natsConfig, paths.secrets, secrets)) nats.reload();
  };
  await bringDatabaseUpToDate();

  giveUpIfTold();
  const ports = { gateways: [port], stripeSim: await freePort() };
  for (let more = (replicas.gateway ?? 1) - 1; more > 0; more--) ports.gateways.push(await freePort());
  const gatewayUrls = [url, ...ports.gateways.slice(1).map((one) => `http://${host}:${one}`)];
  const world = {
    ...{ secrets, host, ports, turn, webDir, paths, env, extraEnv },
    natsUrl: nats.url,
    databaseUrl: (service) => databaseUrlOf(postgres.url, service, secrets),
    ...addressesOf({ env, host, ports, url }),
  };
  const { started: onStarted } = state;
  const services = await startServices({ world, replicas, say, onStarted, gatewayUrls, undo, giveUpIfTold, signal });
  const engines = [postgres, nats, turn].flatMap(({ keeper }) => keeper ?? []);
  state.describe({ url, gatewayUrls, postgresUrl: postgres.url, natsUrl: nats.url, dataDir: paths.dataDir });
  const notes = notesOn({ env, turn, webDir });
  const facts = { url, gatewayUrls, postgresUrl: postgres.url, natsUrl: nats.url, stateFile: paths.state, logsDir: paths.logs };
  return { ...facts, services, engines, notes, bringDatabaseUpToDate, renewPermissions, stop };
}

/** Waits for all even when one fails, so that everything that did start is known and can be stopped. */
async function allOrNone(promises) {
  const settled = await Promise.allSettled(promises);
  const failed = settled.find(({ status }) => status === 'rejected');
  if (failed) throw failed.reason;
  return settled.map(({ value }) => value);
}

/** Stops in the opposite order of starting, once, however often it is asked. What fails is told when the rest has stopped. */
function stopOnce(undo) {
  let stopping;
  return () => {
    stopping ??= (async () => {
      const failures = [];
      while (undo.length > 0) {
        try {
          await undo.pop()();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    })();
    return stopping;
  };
}

/** Where people and processes reach the system, and from whom it takes a call. */
const addressesOf = ({ env, host, ports, url }) => ({
  origins: originsOf(env, ports.gateways, host),
  trustedProxies: env.RIALTO_TRUSTED_PROXIES,
  urls: {
    public: env.RIALTO_PUBLIC_URL ?? url,
    inner: `http://${host}:${ports.gateways[0]}`,
    stripeSim: `http://127.0.0.1:${ports.stripeSim}`,
  },
});

/** A browser on this machine may call it by either name; behind a proxy the operator lists the public ones. */
function originsOf(env, ports, host) {
  if (env.RIALTO_ORIGINS) return env.RIALTO_ORIGINS.split(',');
  const names = host === DEFAULT_HOST ? ['localhost', '127.0.0.1'] : [host];
  return ports.flatMap((port) => names.map((name) => `http://${name}:${port}`));
}
