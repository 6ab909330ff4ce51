import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ClientError } from '../client-error.ts';

const LOCK_FILE = 'lock.sqlite';
const SQLITE_BUSY = 5;

/**
 * Makes this the one writer of a profile. The lock is the operating system's, on a file of SQLite that stays empty: it ends with whoever
 * holds it, however that ends, so that there is never a stale one to be judged and removed, which two can do at once. The file itself stays,
 * because a lock on a name that is taken away is no lock. This process must not open it in any other way: on POSIX systems, closing any of
 * its descriptors gives the lock up. Throws `ClientError('store-locked')`. Returns how to give it up.
 */
export async function takeLock(directory: string): Promise<() => Promise<void>> {
  const lock = new DatabaseSync(join(directory, LOCK_FILE), { timeout: 0 });
  try {
    lock.exec('begin immediate'); // SQLite's RESERVED lock: one at a time, and taken in one step
  } catch (error) {
    lock.close();
    if ((error as { errcode?: unknown }).errcode !== SQLITE_BUSY) throw error;
    throw new ClientError('store-locked', error);
  }
  return async () => {
    if (lock.isOpen) lock.close();
  };
}
