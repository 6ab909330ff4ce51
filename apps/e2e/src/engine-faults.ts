import fs from 'node:fs';
import net from 'node:net';
import { type System, until } from './system.ts';

const GONE_WITHIN_MS = 5_000;
/** The supervisor waits up to this long before it tries again after so many failures. */
const BACK_WITHIN_MS = 30_000;

/**
 * Stops PostgreSQL where it stands: the server that takes connections, and every process that serves one. Connections stay open and say
 * nothing, which is what a machine that hangs looks like. The function that comes back lets it go on.
 */
export async function stopPostgres(system: System): Promise<() => void> {
  const server = system.pidOf('postgres');
  const { rows } = await system.admin.query<{ pid: number }>('select pid from pg_stat_activity');
  const processes = [server, ...rows.map(({ pid }) => pid)];
  // The server first, so that it makes no process that we do not know.
  for (const pid of processes) signal(pid, 'SIGSTOP');
  return () => {
    for (const pid of processes.toReversed()) signal(pid, 'SIGCONT');
  };
}

/**
 * Ends an engine and keeps it from coming back: whoever connects is refused. Without its configuration it ends as often as the supervisor
 * starts it. The function that comes back lets it start again, and resolves when it takes connections.
 */
export async function refuseConnections(system: System, engine: 'postgres' | 'nats'): Promise<() => Promise<void>> {
  const config = engine === 'nats' ? system.natsConfigFile : await postgresConfigFile(system);
  const { natsUrl, postgresUrl } = system.state;
  const port = Number(new URL(engine === 'nats' ? natsUrl : postgresUrl).port);
  const isGone = async () => ((await codeOfConnecting(port)) === 'ECONNREFUSED' ? true : undefined);
  const isBack = async () => ((await codeOfConnecting(port)) === 'ok' ? true : undefined);
  fs.renameSync(config, `${config}.away`);
  const goOn = async () => {
    fs.renameSync(`${config}.away`, config);
    await until(`${engine} is back`, isBack, BACK_WITHIN_MS, 100);
  };
  try {
    system.signal(engine, 'SIGKILL');
    await until(`${engine} refuses connections`, isGone, GONE_WITHIN_MS);
  } catch (error) {
    await goOn();
    throw error;
  }
  return goOn;
}

async function postgresConfigFile(system: System): Promise<string> {
  const { rows } = await system.admin.query<{ config_file: string }>('show config_file');
  if (rows[0] === undefined) throw new Error('PostgreSQL names no configuration');
  return rows[0].config_file;
}

/** `ok`, or the code with which the connection fails. */
function codeOfConnecting(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const end = (code: string) => {
      socket.destroy();
      resolve(code);
    };
    socket.once('connect', () => end('ok'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'unknown'));
  });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // A connection that ended in the meantime is gone with its process.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
