import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { openLog } from './log-file.mjs';

/** Enough of a process's output to explain its end, and not so much that a chatty one fills the memory. */
const KEPT_OUTPUT_CHARACTERS = 20_000;
const STOP_GRACE_MS = 8_000;

const LOWEST_FREE_PORT = 20_000;
const HIGHEST_FREE_PORT = 32_000;
const PORT_ATTEMPTS = 100;

export const isRoot = process.getuid?.() === 0;

/** The user `nobody`: PostgreSQL refuses to run as root, and coturn has no need of it. */
export const UNPRIVILEGED = { uid: 65534, gid: 65534 };
export const unprivileged = isRoot ? UNPRIVILEGED : {};

/**
 * Runs a command to its end and collects its output; never throws. (Never `spawnSync` either: it would hold up the other engines.)
 * @returns {Promise<{status: number | null, stdout: string, stderr: string}>} status is -1 when the command could not be run at all.
 */
export function run(command, args, { onOutput, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const result = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) {
      child[stream].on('data', (data) => {
        result[stream] += data;
        onOutput?.(String(data));
      });
    }
    child.once('error', (error) => resolve({ ...result, stderr: error.message, status: -1 }));
    child.once('close', (status) => resolve({ ...result, status }));
  });
}

/** Like `run`, but a failure is an error with the last line that the command said. */
export async function mustRun(command, args, options) {
  const result = await run(command, args, options);
  if (result.status !== 0) {
    const last = (result.stderr || result.stdout).trim().split('\n').pop();
    throw new Error(`${path.basename(command)} ${args[0] ?? ''} failed: ${last || `status ${result.status}`}`);
  }
  return result;
}

/**
 * Starts a long-lived child in a process group of its own, so that Ctrl-C in a terminal reaches the start alone and the start decides the
 * order in which things stop.
 * @returns {{child, pid: number, exited: Promise<number|string>, output: () => string}}
 */
export function launch(command, args, { logFile, ...options } = {}) {
  const log = logFile ? openLog(logFile) : undefined;
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...options });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (data) => {
      output = (output + data).slice(-KEPT_OUTPUT_CHARACTERS);
      log?.write(data);
    });
  }
  const exited = new Promise((resolve) => {
    child.once('error', (error) => {
      output += error.message;
      resolve(-1);
    });
    child.once('close', (code, signal) => {
      log?.close();
      resolve(code ?? signal ?? -1);
    });
  });
  return { child, pid: child.pid, exited, output: () => output };
}

/** Asks politely, then kills; resolves when the process is gone. */
export async function stopProcess({ child, exited }, { signal = 'SIGTERM', graceMs = STOP_GRACE_MS } = {}) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return exited;
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  try {
    return await exited;
  } finally {
    clearTimeout(timer);
  }
}

/** The first executable of this name on PATH. */
export function which(name) {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean);
  return folders.map((folder) => path.join(folder, name)).find(isExecutable);
}

function isExecutable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false; // Not there or not ours to run: either way it is not what we look for.
  }
}

/** The version that a program says it has, as `1.2.3`; undefined when it cannot be run or says none. */
export async function versionOf(file, args = ['--version'], options = {}) {
  if (!file || !fs.existsSync(file)) return undefined;
  const { status, stdout, stderr } = await run(file, args, options);
  if (status === -1) return undefined; // What it says then is the system's error, which repeats the file's name and the version in it.
  const found = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(stdout || stderr);
  return found ? `${found[1]}.${found[2]}.${found[3] ?? 0}` : undefined;
}

/** Whether version `a` is `b` or newer. Both are `1.2.3`. */
export function isAtLeast(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < 3; i++) if (left[i] !== right[i]) return (left[i] ?? 0) > (right[i] ?? 0);
  return true;
}

/**
 * A TCP port on loopback that is free now. It lies below the range from which systems give ports to outgoing connections
 * (Linux from 32768, others from 49152), so that only another asker can take it before its user does.
 */
export async function freePort(host = '127.0.0.1') {
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
    const port = randomInt(LOWEST_FREE_PORT, HIGHEST_FREE_PORT + 1);
    if (await isPortFree(port, host)) return port;
  }
  throw new Error(`No free port between ${LOWEST_FREE_PORT} and ${HIGHEST_FREE_PORT} on ${host} in ${PORT_ATTEMPTS} attempts.`);
}

/** @returns {Promise<boolean>} whether something could listen on this port. */
export function isPortFree(port, host) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Polls until `check` gives a value, or gives up when `over` says so or the time is out. */
export async function waitUntil(check, { timeoutMs, everyMs = 10, isOver = () => false }) {
  for (const end = Date.now() + timeoutMs; Date.now() < end && !isOver();) {
    const value = await check();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return undefined;
}
