import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { commandOf } from './machine.mjs';
import { isRoot } from './processes.mjs';

/**
 * Binaries lie outside the working tree, so that a second clone starts warm. As root they lie where the unprivileged user that runs
 * PostgreSQL can reach them.
 */
export function cacheDir() {
  if (process.env.RIALTO_CACHE_DIR) return path.resolve(process.env.RIALTO_CACHE_DIR);
  if (isRoot) return '/var/cache/rialto';
  return path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'rialto');
}

export const temporaryDir = () => fs.mkdtempSync(path.join(os.tmpdir(), 'rialto-'));

/** Calls `work` with a temporary folder that is gone afterwards, whatever happens. */
export async function inTemporaryDir(work) {
  const dir = temporaryDir();
  try {
    return await work(dir);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** Puts a fetched program into the cache in one step: two starts may race, and a killed one must not leave half a file. */
export function keepFile(from, name, mode = 0o755) {
  const to = path.join(cacheDir(), name);
  fs.mkdirSync(cacheDir(), { recursive: true });
  removeAbandoned(to);
  const part = `${to}.${process.pid}`;
  try {
    fs.copyFileSync(from, part);
    fs.chmodSync(part, mode);
    fs.renameSync(part, to);
  } finally {
    fs.rmSync(part, { force: true });
  }
  return to;
}

/** The same for a folder that `fill` makes; whoever finishes first wins, and the other's work is thrown away. */
export async function keepFolder(name, fill) {
  const to = path.join(cacheDir(), name);
  if (fs.existsSync(to)) return to;
  fs.mkdirSync(cacheDir(), { recursive: true });
  removeAbandoned(to);
  const part = `${to}.${process.pid}`;
  try {
    fs.mkdirSync(part);
    await fill(part);
    if (!fs.existsSync(to)) fs.renameSync(part, to);
  } finally {
    fs.rmSync(part, { recursive: true, force: true });
  }
  return to;
}

/** A killed start leaves its unfinished file or folder, which bears the number of its process. */
function removeAbandoned(to) {
  for (const entry of fs.readdirSync(path.dirname(to))) {
    const pid = entry.startsWith(`${path.basename(to)}.`) && Number(entry.slice(path.basename(to).length + 1));
    const isAbandoned = Number.isInteger(pid) && pid > 0 && (pid === process.pid || commandOf(pid) === undefined);
    if (isAbandoned) fs.rmSync(path.join(path.dirname(to), entry), { recursive: true, force: true });
  }
}

export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0)} MB`;
