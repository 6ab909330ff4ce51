import { findTurn, startNats, startPostgres, startTurn } from '@rialto/engines';
import { backOff } from './back-off.mjs';
import { StartProblem } from './start-problem.mjs';

/** The migrator makes it when it is not there. */
const DATABASE = 'rialto';

/**
 * Keeps an engine running on one port: when it ends by itself it is started again there, since the services know it by that port.
 * @param {object} options
 * @param {(port: number) => Promise<object>} options.start given 0 the first time, the same port afterwards
 * @param {(name: string, pid: number) => void} options.onStarted must not throw
 * @param {AbortSignal} [options.signal] aborted, nothing is started again
 */
export async function keepEngine({ name, start, say, onStarted, signal }) {
  const pause = backOff();
  let current = await start(0);
  let began = Date.now();
  let isWanted = true;
  let restarting = Promise.resolve();
  const isGivenUp = () => !isWanted || signal?.aborted === true;
  onStarted(name, current.pid);

  const watch = () =>
    void current.exited.then((end) => {
      if (!isGivenUp()) restarting = startAgain(end);
    });
  const startAgain = async (end) => {
    say(`${name} stopped unexpectedly (${end}); it is started again.`);
    for (let livedMs = Date.now() - began; ; livedMs = 0) {
      await new Promise((resolve) => setTimeout(resolve, pause.next(livedMs)));
      if (isGivenUp()) return;
      try {
        current = await start(current.port);
      } catch (error) {
        say(`${name} does not start: ${error.message}`);
        continue;
      }
      began = Date.now();
      watch();
      onStarted(name, current.pid);
      return say(`${name} is running again.`);
    }
  };
  watch();

  return {
    name,
    get pid() {
      return current.pid;
    },
    details: current,
    kill: (signal = 'SIGKILL') => process.kill(current.pid, signal),
    stop: async () => {
      isWanted = false;
      await restarting;
      await current.stop();
    },
  };
}

/** PostgreSQL at the address in the environment, or our own. */
export async function bringUpPostgres({ paths, env, say, onStarted, signal }) {
  if (env.RIALTO_POSTGRES_URL) {
    say('PostgreSQL: the one named in RIALTO_POSTGRES_URL');
    return { url: env.RIALTO_POSTGRES_URL, stop: async () => {} };
  }
  const logFile = `${paths.logs}/postgres.log`;
  const keeper = await keepEngine({
    name: 'postgres',
    start: (port) => startPostgres({ dataDir: paths.postgres, port, logFile }),
    say,
    onStarted,
    signal,
  });
  say(`PostgreSQL ${keeper.details.version} is ready; the data are in ${keeper.details.dataDir}`);
  const url = new URL(keeper.details.url);
  url.pathname = `/${DATABASE}`;
  return { url: url.href, keeper, stop: keeper.stop };
}

/** NATS at the address in the environment, which must then use the configuration that we wrote, or our own. */
export async function bringUpNats({ paths, env, say, onStarted, signal, program }) {
  if (env.RIALTO_NATS_URL) {
    say(`NATS: the one named in RIALTO_NATS_URL; its configuration must include ${paths.natsConfig}`);
    const reload = () => say(`NATS's permissions have changed: let the NATS of RIALTO_NATS_URL read ${paths.natsConfig} again.`);
    return { url: env.RIALTO_NATS_URL, reload, stop: async () => {} };
  }
  if (program.missing)
    throw new StartProblem(`nats-server cannot be had (${program.why.join('; ')}). This helps: ${program.help}`);
  const start = (port) =>
    startNats({ configFile: paths.natsConfig, binary: program.path, port, logFile: `${paths.logs}/nats.log` });
  const keeper = await keepEngine({ name: 'nats', start, say, onStarted, signal });
  say(`nats-server ${program.version} is ready`);
  const reload = () => {
    keeper.kill('SIGHUP'); // Its signal to read its configuration again.
    say('nats-server reads its permissions again: the contracts changed.');
  };
  return { url: keeper.details.url, keeper, reload, stop: keeper.stop };
}

/**
 * TURN is the one engine that people can do without on one machine or in one network, so its absence is told and is no error.
 * @returns {Promise<{ urls: string[], secret: string, off?: string, stop: () => Promise<void> }>}
 */
export async function bringUpTurn({ paths, env, secret, say, onStarted, signal }) {
  if (env.RIALTO_TURN_URLS)
    return { urls: env.RIALTO_TURN_URLS.split(','), secret: env.RIALTO_TURN_SECRET ?? '', stop: async () => {} };
  const nothing = (off) => ({ urls: [], secret, off, stop: async () => {} });
  const program = await findTurn(say);
  if (program.missing)
    return nothing(`calls between different networks (no coturn: ${program.why.join('; ')}). This helps: ${program.help}`);
  try {
    const address = env.RIALTO_TURN_ADDRESS ?? '127.0.0.1';
    const start = (port) => startTurn({ program, address, port, secret, logFile: `${paths.logs}/turn.log` });
    const keeper = await keepEngine({ name: 'turn', start, say, onStarted, signal });
    say(`coturn ${program.version} is ready`);
    return { urls: keeper.details.urls, secret, keeper, stop: keeper.stop };
  } catch (error) {
    return nothing(`calls between different networks (${error.message})`);
  }
}
