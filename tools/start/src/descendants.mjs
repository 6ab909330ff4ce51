import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beginningOf, commandOf, waitUntil } from '@rialto/engines';

/** PostgreSQL's immediate shutdown and initdb's own tidying take well under a second; whoever insists does not wait for more. */
const GRACE_MS = 3_000;
/** After SIGKILL only the kernel is left to wait for. */
const KILLED_MS = 5_000;
const LOOK_EVERY_MS = 20;

/**
 * Ends everything below a process, by its number, in seconds and not in the order in which it would stop politely. It looks again and again, since
 * whoever keeps a child running may start it anew meanwhile; when it returns, a last look found nothing.
 * @returns {Promise<number[]>} what is still there, which only a process that the kernel holds can be
 */
export async function endDescendants(root = process.pid) {
  const seen = new Map();
  const look = (signalOf) => {
    for (const pid of descendantsOf(root)) {
      if (isTheSame(pid, seen.get(pid))) continue;
      seen.set(pid, beginningOf(pid));
      signal(pid, signalOf(pid));
    }
    // Whoever lost its parent is below us no more, and is ours all the same.
    return [...seen].filter(([pid, began]) => isTheSame(pid, began)).map(([pid]) => pid);
  };
  const isOver = (signalOf) => () => look(signalOf).length === 0;
  if (await waitUntil(isOver(endingSignal), { timeoutMs: GRACE_MS, everyMs: LOOK_EVERY_MS })) return [];
  for (const pid of look(endingSignal)) signal(pid, 'SIGKILL');
  await waitUntil(
    isOver(() => 'SIGKILL'),
    { timeoutMs: KILLED_MS, everyMs: LOOK_EVERY_MS },
  );
  return look(() => 'SIGKILL');
}

const isTheSame = (pid, began) => began !== undefined && commandOf(pid) !== undefined && beginningOf(pid) === began;

/**
 * PostgreSQL's main process gets its immediate shutdown, which ends its own children: killed, it would leave its shared memory behind. An initdb
 * that is killed leaves half a database that looks like a whole one.
 */
function endingSignal(pid) {
  const command = commandOf(pid) ?? '';
  if (command.startsWith('postgres: ')) return undefined; // One of PostgreSQL's own, which its main process ends.
  const program = path.basename(command.split(' ')[0]);
  return { postgres: 'SIGQUIT', initdb: 'SIGTERM' }[program] ?? 'SIGKILL';
}

function signal(pid, name) {
  try {
    if (name !== undefined) process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // It ended between the look and the signal.
  }
}

/** @returns {number[]} everything that a process started, what that started, and so on */
export function descendantsOf(root) {
  const children = new Map();
  for (const [pid, parent] of parents()) children.set(parent, [...(children.get(parent) ?? []), pid]);
  const found = [];
  for (let next = [root]; next.length > 0;) {
    next = next.flatMap((pid) => children.get(pid) ?? []);
    found.push(...next);
  }
  return found;
}

/** Each process of the machine that has not ended, with its parent. Debian's smallest images have no `ps`, so Linux asks /proc (proc(5)'s stat). */
function parents() {
  if (process.platform === 'linux') {
    const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map((pid) => [Number(pid), parentOf(pid)]).filter(([, parent]) => parent !== undefined);
  }
  const { stdout, pid: own } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,state='], { encoding: 'utf8' });
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/));
  const alive = rows.filter(([pid, parent, state]) => parent && Number(pid) !== own && !state?.startsWith('Z'));
  return alive.map(([pid, parent]) => [Number(pid), Number(parent)]);
}

function parentOf(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : Number(parent);
  } catch {
    return undefined; // It ended since the list was made.
  }
}
