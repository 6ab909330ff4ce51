import { utf8 } from '@rialto/crypto';
import type { Change, Range, Store, Table } from './store.ts';

/** One table with its rows as JSON-able values. Reading trusts the shape: only this client writes here, and the store authenticates. */
export class Rows<T> {
  readonly #store: Store;
  readonly #table: Table;

  constructor(store: Store, table: Table) {
    this.#store = store;
    this.#table = table;
  }

  async get(key: string): Promise<T | undefined> {
    const value = await this.#store.read(this.#table, key);
    return value && decode<T>(value);
  }
  async list(range?: Range): Promise<{ key: string; value: T }[]> {
    const rows = await this.#store.list(this.#table, range);
    return rows.map(({ key, value }) => ({ key, value: decode<T>(value) }));
  }
  put(key: string, value: T): Change {
    return { kind: 'put', table: this.#table, key, value: encode(value) };
  }
  insert(key: string, value: T): Change {
    return { kind: 'insert', table: this.#table, key, value: encode(value) };
  }
  delete(key: string): Change {
    return { kind: 'delete', table: this.#table, key };
  }
}

const encode = (value: unknown): Uint8Array => utf8(JSON.stringify(value));
const decode = <T>(bytes: Uint8Array): T => JSON.parse(new TextDecoder().decode(bytes)) as T;

const NUMBER_DIGITS = 12;
/** A key part that sorts as the number does. */
export const sortable = (value: number): string => String(value).padStart(NUMBER_DIGITS, '0');
