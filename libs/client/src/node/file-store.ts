import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { openSecret, ready, sealSecret, SecretBoxError, utf8 } from '@rialto/crypto';
import { ClientError } from '../client-error.ts';
import { type Change, type Range, type Store, StoreConflict, type StoredRow, type Table, TABLES } from '../store.ts';
import { storeKey } from './key-file.ts';
import { takeLock } from './lock-file.ts';

const MAX_KEY_CHARS = 500;
const LAST_CHARACTER = '\u{10FFFF}';
const CHECK_PLACE = 'rialto store check';

export interface FileStoreOptions {
  /** The profile's own directory; made when it is missing, readable by its owner only. */
  readonly directory: string;
  /** With a passphrase the key is derived by Argon2id; without, it lies beside the store in a file of mode 0600. */
  readonly passphrase?: string;
}

/**
 * Opens a device's store in SQLite. Every value is sealed with XChaCha20-Poly1305 for its place, so that rows cannot be read, changed or
 * exchanged on the disk; keys of rows are ids and numbers. Every write is one transaction that is on the disk when it resolves.
 * Throws `ClientError`: `store-locked`, `wrong-key`.
 */
export async function openFileStore({ directory, passphrase }: FileStoreOptions): Promise<Store> {
  await ready();
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const unlock = await takeLock(directory);
  try {
    const key = await storeKey(directory, passphrase);
    return new FileStore(join(directory, 'store.sqlite'), key, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

class FileStore implements Store {
  readonly #database: DatabaseSync;
  readonly #key: Uint8Array;
  readonly #unlock: () => Promise<void>;
  readonly #statements = new Map<string, StatementSync>();
  #isClosed = false;

  constructor(path: string, key: Uint8Array, unlock: () => Promise<void>) {
    this.#key = key;
    this.#unlock = unlock;
    this.#database = new DatabaseSync(path);
    this.#database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma secure_delete = on;');
    for (const table of [...TABLES, 'store_check'])
      this.#database.exec(
        `create table if not exists "${table}" (key text primary key, value blob not null) without rowid, strict`,
      );
    try {
      this.#checkKey();
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  async read(table: Table, key: string): Promise<Uint8Array | undefined> {
    const row = this.#statement(`select value from "${table}" where key = ?`).get(key);
    return row && this.#open(table, key, row.value as Uint8Array);
  }

  async list(table: Table, range: Range = {}): Promise<StoredRow[]> {
    const { prefix = '', after, backwards = false, limit = -1 } = range;
    const [low, high] = [
      backwards ? prefix : (after ?? prefix),
      backwards ? (after ?? prefix + LAST_CHARACTER) : prefix + LAST_CHARACTER,
    ];
    const above = !backwards && after !== undefined ? '>' : '>=';
    const sql = `select key, value from "${table}" where key ${above} ? and key < ? order by key ${backwards ? 'desc' : 'asc'} limit ?`;
    const rows = this.#statement(sql).all(low, high, limit) as unknown as StoredRow[];
    return rows.map(({ key, value }) => ({ key, value: this.#open(table, key, value) }));
  }

  async write(changes: readonly Change[]): Promise<void> {
    if (this.#isClosed) throw new ClientError('closed');
    this.#database.exec('begin immediate');
    try {
      for (const change of changes) this.#apply(change);
      this.#database.exec('commit');
    } catch (error) {
      this.#database.exec('rollback');
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#database.close();
    await this.#unlock();
  }

  #apply(change: Change): void {
    const { table, key } = change;
    if (key.length > MAX_KEY_CHARS) throw new RangeError('a key of the store is too long');
    if (change.kind === 'delete') {
      this.#statement(`delete from "${table}" where key = ?`).run(key);
      return;
    }
    const sealed = sealSecret(this.#key, change.value, placeOf(table, key));
    if (change.kind === 'put') {
      this.#statement(`insert into "${table}" values (?, ?) on conflict do update set value = excluded.value`).run(key, sealed);
      return;
    }
    const { changes } = this.#statement(`insert into "${table}" values (?, ?) on conflict do nothing`).run(key, sealed);
    if (changes === 0) throw new StoreConflict(table, key);
  }

  #open(table: Table, key: string, sealed: Uint8Array): Uint8Array {
    try {
      return openSecret(this.#key, sealed, placeOf(table, key));
    } catch (cause) {
      throw cause instanceof SecretBoxError ? new ClientError('store-damaged', cause) : cause;
    }
  }

  /** A wrong key is told at once, and not by the first row that does not open. */
  #checkKey(): void {
    const row = this.#statement('select value from store_check where key = ?').get('check');
    if (!row) {
      this.#statement('insert into store_check values (?, ?)').run('check', sealSecret(this.#key, utf8('rialto'), CHECK_PLACE));
      return;
    }
    try {
      openSecret(this.#key, row.value as Uint8Array, CHECK_PLACE);
    } catch (cause) {
      throw new ClientError('wrong-key', cause);
    }
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }
}

const placeOf = (table: string, key: string) => `${table}/${key}`;
