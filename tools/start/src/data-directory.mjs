import fs from 'node:fs';
import path from 'node:path';
import { beginningOf, removePostgresData, waitUntil } from '@rialto/engines';
import { takeFileLock } from './file-lock.mjs';

const STOP_LEFT_OVER_MS = 6_000;

/** Everything that a start keeps lies in one directory: the database, the secrets, the logs, and who is using it. */
export function dataPaths(dataDir) {
  const at = (name) => path.join(dataDir, name);
  return {
    dataDir,
    postgres: at('postgres'),
    secrets: at('secrets.json'),
    natsConfig: at('nats.conf'),
    logs: at('logs'),
    lock: at('in-use.json'),
    processes: at('processes.jsonl'),
    stripeSim: at('stripe-sim'),
    state: at('system.json'),
  };
}

/**
 * Takes the directory for this process alone. A lock whose owner is gone, which is what a killed start leaves, is taken over.
 * @returns {{ holder?: { pid: number, url: string }, release: () => void }} `holder` when somebody else has it
 */
export function takeDataDirectory(paths, url) {
  fs.mkdirSync(paths.dataDir, { recursive: true });
  return takeFileLock(paths.lock, { pid: process.pid, began: beginningOf(process.pid), url }, isAlive);
}

/** Notes a child at once, so that the next start finds it if this one is killed. */
export function recordProcess(paths, name, pid) {
  // On a line of its own also behind one that a full disk cut off.
  fs.appendFileSync(paths.processes, `\n${JSON.stringify({ name, pid, began: beginningOf(pid) })}\n`);
}

/**
 * How something that was left behind is ended, politely and then not. PostgreSQL takes SIGTERM as a wish to wait for its sessions, and killed it would
 * leave processes and shared memory that the next one refuses to begin with: it gets its fast shutdown, then its immediate one.
 */
const endingOf = ({ name }) => (name === 'postgres' ? ['SIGINT', 'SIGQUIT'] : ['SIGTERM', 'SIGKILL']);

/** Stops what a killed start left running. */
export async function stopLeftOvers(paths, say) {
  const lines = fs.existsSync(paths.processes) ? fs.readFileSync(paths.processes, 'utf8').split('\n').filter(Boolean) : [];
  const alive = lines.flatMap((line) => recordedIn(line) ?? []).filter(isAlive);
  if (alive.length > 0) {
    say(`An earlier start was killed; stopping what it left behind: ${alive.map(({ name }) => name).join(', ')}.`);
    for (const one of alive) process.kill(one.pid, endingOf(one)[0]);
    await waitUntil(() => !alive.some(isAlive), { timeoutMs: STOP_LEFT_OVER_MS, everyMs: 50 });
    for (const one of alive.filter(isAlive)) process.kill(one.pid, endingOf(one)[1]);
    await waitUntil(() => !alive.some(isAlive), { timeoutMs: STOP_LEFT_OVER_MS, everyMs: 50 });
  }
  fs.writeFileSync(paths.processes, '');
}

function recordedIn(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // A full disk cut it off, and it names nobody.
  }
}
const isAlive = ({ pid, began }) => began !== undefined && beginningOf(pid) === began;

/** Deletes what a start made, by name, and nothing else that may lie in the same directory. */
export async function removeData(paths) {
  await removePostgresData(paths.postgres);
  for (const place of [paths.secrets, paths.natsConfig, paths.logs, paths.processes, paths.stripeSim, paths.state]) {
    fs.rmSync(place, { recursive: true, force: true });
  }
}
