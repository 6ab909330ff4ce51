import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { inTemporaryDir } from './cache.mjs';
import { EngineProblem } from './engine-problem.mjs';
import { findPostgres } from './postgres-program.mjs';
import { commandOf, isEnterableBy } from './machine.mjs';
import { freePort, isRoot, launch, mustRun, stopProcess, unprivileged, UNPRIVILEGED, waitUntil } from './processes.mjs';

const READY_TIMEOUT_MS = 30_000;
const LEFT_OVER_TIMEOUT_MS = 15_000;
const PORT_ATTEMPTS = 4;
const SUPERUSER = 'rialto';
const UNFINISHED = '.unfinished-';

/** Durability is not for tuning: services refuse to start on a database without these. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'on',
  full_page_writes: 'on',
  max_connections: 200,
};

/**
 * Starts PostgreSQL on loopback with the data directory given, made when it is not there yet. As root it runs as `nobody`, and when that user
 * cannot enter the parents of the data directory, the data lies in /var/lib/rialto instead (see `postgresDataDir`).
 * @param {object} options
 * @param {string} options.dataDir an absolute path; its password is kept beside it in `<dataDir>.password`, mode 0600
 * @param {Record<string, string | number>} [options.settings] server settings in addition to ours, such as `log_statement`
 * @param {number} [options.port] 0, the default, takes a free one
 * @returns {Promise<{ url: string, port: number, user: string, password: string, pid: number, version: string, dataDir: string,
 *   exited: Promise<number|string>, log: () => string, stop: () => Promise<void> }>} `url` is the superuser's, database `postgres`
 */
export async function startPostgres({ dataDir, settings = {}, port = 0, logFile } = {}) {
  if (!path.isAbsolute(dataDir ?? '')) throw new Error('dataDir must be an absolute path');
  const bin = await findPostgres();
  const data = postgresDataDir(dataDir);
  removeUnfinished(data);
  const isThere = fs.existsSync(path.join(data, 'PG_VERSION'));
  if (isThere && !fs.existsSync(passwordFileOf(dataDir))) throw new EngineProblem(withoutPassword(dataDir, data));
  const password = keptPassword(dataDir);
  if (!isThere) await initialise(bin.initdb, data, password);
  await stopLeftOver(data);
  for (let attempt = 1; ; attempt++) {
    const chosen = port === 0 ? await freePort() : port;
    const options = { ...SETTINGS, ...settings, port: chosen };
    const args = ['-D', data, ...Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
    const server = launch(bin.postgres, args, { ...unprivileged, cwd: '/', env: cleanEnvironment(), logFile });
    if (await isReady(data, server)) {
      const url = `postgres://${SUPERUSER}:${password}@127.0.0.1:${chosen}/postgres`;
      const { pid, exited, output: log } = server;
      // SIGINT is a fast shutdown: sessions are ended, and everything is flushed.
      const stop = async () => void (await stopProcess(server, { signal: 'SIGINT', graceMs: LEFT_OVER_TIMEOUT_MS }));
      return { url, port: chosen, user: SUPERUSER, password, pid, version: bin.version, dataDir: data, exited, log, stop };
    }
    await stopProcess(server, { signal: 'SIGQUIT' });
    const wasTaken = /could not (bind|create any TCP)/.test(server.output());
    if (port !== 0 || !wasTaken || attempt === PORT_ATTEMPTS) {
      throw new EngineProblem(`PostgreSQL did not start: ${server.output().trim().split('\n').slice(-3).join(' ')}`);
    }
  }
}

/**
 * Where the data really lie. A clone below root's home cannot be entered by the user that PostgreSQL runs as, and loosening the home would
 * be worse; so root's data then lie in /var/lib/rialto, in a folder that is named after the directory that was asked for.
 */
export function postgresDataDir(dataDir) {
  if (!isRoot || isEnterableBy(path.dirname(dataDir), UNPRIVILEGED)) return dataDir;
  return path.join('/var/lib/rialto', dataDir.replaceAll(/[^A-Za-z0-9._-]+/g, '_').replace(/^_/, ''), 'postgres');
}

/** Deletes the data of a stopped server, for a start from nothing. */
export async function removePostgresData(dataDir) {
  await stopLeftOver(postgresDataDir(dataDir));
  removeUnfinished(postgresDataDir(dataDir));
  for (const place of [postgresDataDir(dataDir), passwordFileOf(dataDir)]) fs.rmSync(place, { recursive: true, force: true });
}

const passwordFileOf = (dataDir) => `${dataDir}.password`;

/** Root's data may outlive the clone that they were made by, and its password and keys with it. */
const withoutPassword = (dataDir, data) =>
  `There is a database in ${data}, but its password (${passwordFileOf(dataDir)}) is gone, probably with an earlier clone. ` +
  `Put that folder's files back, or delete the database: npm start -- --reset`;

function keptPassword(dataDir) {
  const file = passwordFileOf(dataDir);
  if (fs.existsSync(file)) return fs.readFileSync(file, 'utf8').trim();
  const password = randomBytes(24).toString('base64url');
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `${password}\n`, { mode: 0o600, flag: 'wx' });
  return password;
}

/**
 * Makes the data directory beside its place and moves it there once it is whole: a start that is killed meanwhile leaves no half database
 * that looks like one.
 */
async function initialise(initdb, data, password) {
  fs.mkdirSync(path.dirname(data), { recursive: true });
  const fresh = fs.mkdtempSync(`${data}${UNFINISHED}`);
  if (isRoot) fs.chownSync(fresh, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  await inTemporaryDir(async (dir) => {
    // Only a file will do: a child's standard input is a socket here, which initdb cannot open again by name.
    const secret = path.join(dir, 'password');
    fs.writeFileSync(secret, password, { mode: 0o600 });
    if (isRoot) {
      fs.chmodSync(dir, 0o711);
      fs.chownSync(secret, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
    }
    const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];
    const args = ['-D', fresh, '-U', SUPERUSER, `--pwfile=${secret}`, '--auth=scram-sha-256', ...locale];
    try {
      await mustRun(initdb, args, { ...unprivileged, cwd: '/', env: cleanEnvironment() });
      fs.rmSync(data, { recursive: true, force: true }); // Whatever lies there is no database.
      fs.renameSync(fresh, data);
    } catch (error) {
      fs.rmSync(fresh, { recursive: true, force: true });
      throw new Error(`PostgreSQL's data directory could not be made at ${data}: ${error.message}`);
    }
  });
}

/** What starts that were killed have left. */
function removeUnfinished(data) {
  const [parent, prefix] = [path.dirname(data), path.basename(data) + UNFINISHED];
  if (!fs.existsSync(parent)) return;
  for (const name of fs.readdirSync(parent).filter((entry) => entry.startsWith(prefix))) {
    try {
      fs.rmSync(path.join(parent, name), { recursive: true, force: true });
    } catch {
      // Its initdb may still be writing there; then the next start removes it.
    }
  }
}

/** A start that was killed leaves its PostgreSQL running. Two starts at once are told apart before this, by the lock on the data. */
async function stopLeftOver(data) {
  const pidFile = path.join(data, 'postmaster.pid');
  const pid = fs.existsSync(pidFile) && Number(fs.readFileSync(pidFile, 'utf8').split('\n')[0]);
  if (!pid || !commandOf(pid)?.includes(data)) return; // Gone, or the number is somebody else's by now.
  process.kill(pid, 'SIGINT');
  const isGone = await waitUntil(() => commandOf(pid) === undefined, { timeoutMs: LEFT_OVER_TIMEOUT_MS });
  if (!isGone) throw new Error(`an earlier PostgreSQL (process ${pid}) does not stop; its data are in ${data}`);
}

/** Line 8 of postmaster.pid says "ready" once sessions are accepted; `pg_ctl` reads the same line. */
async function isReady(data, server) {
  let isOver = false;
  void server.exited.then(() => (isOver = true));
  const check = () => {
    try {
      const lines = fs.readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n');
      return Number(lines[0]) === server.pid && lines[7]?.trim() === 'ready';
    } catch {
      return false; // Not written yet.
    }
  };
  return (await waitUntil(check, { timeoutMs: READY_TIMEOUT_MS, isOver: () => isOver })) === true;
}

/** Nothing of the caller's environment may reach the server: PGPORT or PGDATA would change what it does. */
const cleanEnvironment = () => ({ PATH: process.env.PATH, LC_ALL: 'C' });
