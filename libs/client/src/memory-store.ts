import { type Change, type Range, type Store, StoreConflict, type StoredRow, type Table, TABLES } from './store.ts';

/** A store that lives as long as the process: for tests and for clients that must leave no trace. */
export class MemoryStore implements Store {
  readonly #tables = new Map<Table, Map<string, Uint8Array>>(TABLES.map((table) => [table, new Map()]));

  async read(table: Table, key: string): Promise<Uint8Array | undefined> {
    return this.#rows(table).get(key)?.slice();
  }

  async list(table: Table, range: Range = {}): Promise<StoredRow[]> {
    const keys = [...this.#rows(table).keys()].filter((key) => isInRange(key, range)).toSorted();
    if (range.backwards) keys.reverse();
    return keys.slice(0, range.limit).map((key) => ({ key, value: this.#rows(table).get(key)?.slice() ?? new Uint8Array() }));
  }

  async write(changes: readonly Change[]): Promise<void> {
    const inserted = new Set<string>();
    for (const change of changes) {
      if (change.kind !== 'insert') continue;
      const place = `${change.table}/${change.key}`;
      if (this.#rows(change.table).has(change.key) || inserted.has(place)) throw new StoreConflict(change.table, change.key);
      inserted.add(place);
    }
    for (const change of changes) {
      if (change.kind === 'delete') this.#rows(change.table).delete(change.key);
      else this.#rows(change.table).set(change.key, change.value.slice());
    }
  }

  async close(): Promise<void> {
    // Nothing to give up: the rows stay, so that a test can open the same store again.
  }

  #rows(table: Table): Map<string, Uint8Array> {
    const rows = this.#tables.get(table);
    if (!rows) throw new Error(`no table ${table}`);
    return rows;
  }
}

export function isInRange(key: string, { prefix = '', after, backwards = false }: Range): boolean {
  if (!key.startsWith(prefix)) return false;
  if (after === undefined) return true;
  return backwards ? key < after : key > after;
}
