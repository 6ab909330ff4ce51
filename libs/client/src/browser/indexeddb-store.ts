import { openSecret, randomId, ready, sealSecret, SecretBoxError, utf8 } from '@rialto/crypto';
import { type IDBPDatabase, openDB } from 'idb';
import { ClientError } from '../client-error.ts';
import { type Change, type Range, type Store, StoreConflict, type StoredRow, type Table, TABLES } from '../store.ts';
import { type KeptKey, makeKey, openKey } from './store-key.ts';
import { takeWriterLock, type WriterLock } from './writer-lock.ts';
import { BROWSER_STORE } from '../place-of-account.ts';

const VERSION = 1;
const META = 'meta';
const LAST_CHARACTER = '\u{10FFFF}';
const CHECK_PLACE = 'rialto store check';

export interface BrowserStoreOptions {
  /** Several accounts in one browser have several stores. */
  readonly name?: string;
  /** With a passphrase the key is derived by Argon2id; without, it is wrapped by a key that no script can read. */
  readonly passphrase?: string;
}

/**
 * Opens this browser's store in IndexedDB, values sealed, for the one tab that may write. Throws `ClientError`: `elsewhere` (another tab
 * has it: see `requestTakeOver`), `wrong-key`.
 */
export async function openBrowserStore({ name = BROWSER_STORE, passphrase }: BrowserStoreOptions = {}): Promise<Store> {
  await ready();
  const lock = await takeWriterLock(name);
  try {
    const database = await openDB(name, VERSION, {
      upgrade: (upgraded) => {
        for (const table of [...TABLES, META]) upgraded.createObjectStore(table);
      },
    });
    const key = await keyOf(database, passphrase);
    const owner = randomId('tab');
    await database.put(META, owner, 'owner');
    return new IndexedDbStore({ database, key, lock, owner });
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function keyOf(database: IDBPDatabase, passphrase: string | undefined): Promise<Uint8Array> {
  const kept = (await database.get(META, 'key')) as KeptKey | undefined;
  if (!kept) {
    const made = await makeKey(passphrase);
    const tx = database.transaction(META, 'readwrite', { durability: 'strict' });
    await Promise.all([
      tx.store.put(made.kept, 'key'),
      tx.store.put(sealSecret(made.key, utf8('rialto'), CHECK_PLACE), 'check'),
      tx.done,
    ]);
    return made.key;
  }
  const key = await openKey(kept, passphrase);
  try {
    openSecret(key, (await database.get(META, 'check')) as Uint8Array, CHECK_PLACE);
  } catch (cause) {
    throw new ClientError('wrong-key', cause);
  }
  return key;
}

class IndexedDbStore implements Store {
  readonly #database: IDBPDatabase;
  readonly #key: Uint8Array;
  readonly #lock: WriterLock;
  readonly #owner: string;
  #isClosed = false;

  constructor(parts: { database: IDBPDatabase; key: Uint8Array; lock: WriterLock; owner: string }) {
    this.#database = parts.database;
    this.#key = parts.key;
    this.#lock = parts.lock;
    this.#owner = parts.owner;
  }

  get lost(): AbortSignal {
    return this.#lock.lost;
  }

  async read(table: Table, key: string): Promise<Uint8Array | undefined> {
    const sealed = (await this.#database.get(table, key)) as Uint8Array | undefined;
    return sealed && this.#open(table, key, sealed);
  }

  async list(table: Table, range: Range = {}): Promise<StoredRow[]> {
    const { backwards = false, limit = Number.MAX_SAFE_INTEGER } = range;
    const rows: StoredRow[] = [];
    const tx = this.#database.transaction(table, 'readonly');
    let cursor = await tx.store.openCursor(keyRange(range), backwards ? 'prev' : 'next');
    while (cursor && rows.length < limit) {
      rows.push({ key: cursor.key as string, value: cursor.value as Uint8Array });
      cursor = await cursor.continue();
    }
    return rows.map(({ key, value }) => ({ key, value: this.#open(table, key, value) }));
  }

  /** Sealing comes first: a transaction of IndexedDB ends when it is made to wait for anything else. */
  async write(changes: readonly Change[]): Promise<void> {
    if (this.#isClosed) throw new ClientError('closed');
    const sealed = changes.map((change) =>
      change.kind === 'delete'
        ? { change, value: undefined }
        : { change, value: sealSecret(this.#key, change.value, placeOf(change.table, change.key)) },
    );
    const tables = [...new Set(changes.map(({ table }) => table)), META];
    const tx = this.#database.transaction(tables, 'readwrite', { durability: 'strict' });
    const done = tx.done.catch(() => undefined); // what failed is thrown below, by the request that failed
    try {
      if ((await tx.objectStore(META).get('owner')) !== this.#owner) throw new ClientError('elsewhere');
      for (const { change, value } of sealed) {
        const store = tx.objectStore(change.table);
        if (change.kind === 'delete') await store.delete(change.key);
        else if (change.kind === 'insert' && (await store.getKey(change.key)) !== undefined) {
          throw new StoreConflict(change.table, change.key);
        } else await store.put(value, change.key);
      }
    } catch (error) {
      tx.abort();
      await done;
      throw error;
    }
    await tx.done;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#database.close();
    this.#lock.release();
  }

  #open(table: Table, key: string, sealed: Uint8Array): Uint8Array {
    try {
      return openSecret(this.#key, sealed, placeOf(table, key));
    } catch (cause) {
      throw cause instanceof SecretBoxError ? new ClientError('store-damaged', cause) : cause;
    }
  }
}

function keyRange({ prefix = '', after, backwards = false }: Range): IDBKeyRange {
  const end = prefix + LAST_CHARACTER;
  if (backwards) return IDBKeyRange.bound(prefix, after ?? end, false, true);
  return IDBKeyRange.bound(after ?? prefix, end, after !== undefined, true);
}

const placeOf = (table: string, key: string) => `${table}/${key}`;
