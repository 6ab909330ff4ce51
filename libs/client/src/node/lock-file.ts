import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { ClientError } from '../client-error.ts';

const MAX_TRIES = 5;

/**
 * Takes `<directory>/lock`, which holds the process id of the one writer. A lock whose process is gone is taken over. Throws
 * `ClientError('store-locked')`. Returns how to give it up.
 */
export async function takeLock(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, 'lock');
  const mine = join(directory, `lock.${randomUUID()}`);
  const owner = `${process.pid} ${randomUUID()}`;
  await writeFile(mine, owner, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      if (await linked(mine, path)) return () => release(path, owner);
      const holder = await readFile(path, 'utf8').catch(gone);
      if (holder !== undefined && isAlive(Number(holder.split(' ')[0]))) throw new ClientError('store-locked');
      if (holder !== undefined) await unlink(path).catch(gone);
    }
    throw new ClientError('store-locked');
  } finally {
    await unlink(mine);
  }
}

/** A hard link is made or fails as a whole, so that two processes never both believe that they hold the lock. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function release(path: string, owner: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(gone)) === owner) await unlink(path);
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function gone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
