import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { ClientError } from '../client-error.ts';

const MAX_TRIES = 5;
/**
 * The locks of this thread. A container gives the same process id at every start, so the id alone does not tell a lock of the last run from
 * one that is held now.
 */
const ours = new Set<string>();

/**
 * Takes `<directory>/lock`, which holds the process id of the one writer. A lock whose process is gone is taken over. Throws
 * `ClientError('store-locked')`. Returns how to give it up.
 */
export async function takeLock(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, 'lock');
  const mine = join(directory, `lock.${randomUUID()}`);
  const owner = `${process.pid} ${randomUUID()} ${threadId}`;
  ours.add(owner); // before it can be read: another call of this thread must not take it for one of the last run
  await writeFile(mine, owner, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      if (await linked(mine, path)) return () => release(path, owner);
      const holder = await readFile(path, 'utf8').catch(gone);
      if (holder !== undefined && isHeld(holder)) throw new ClientError('store-locked');
      if (holder !== undefined) await unlink(path).catch(gone);
    }
    throw new ClientError('store-locked');
  } catch (error) {
    ours.delete(owner);
    throw error;
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
  ours.delete(owner);
  if ((await readFile(path, 'utf8').catch(gone)) === owner) await unlink(path);
}

function isHeld(owner: string): boolean {
  const [pid = 0, , thread = 0] = owner.split(' ').map(Number);
  if (!Number.isInteger(pid) || pid <= 0) return false;
  if (pid === process.pid) return thread !== threadId || ours.has(owner);
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
