/**
 * Where a device keeps everything: tables of byte strings under text keys. One writer at a time owns a store, so reading and then
 * writing needs no lock beyond the client's own queues; what must hold together goes into one `write`.
 */
export interface Store {
  /** The value, or undefined. */
  read(table: Table, key: string): Promise<Uint8Array | undefined>;
  /** Rows whose key begins with `prefix`, in the order of their keys (UTF-16 code units; keys are ASCII), or backwards. */
  list(table: Table, range?: Range): Promise<StoredRow[]>;
  /**
   * All of it or nothing, and on the disk when it resolves. Throws `StoreConflict` when an `insert` meets its key; then nothing
   * has changed.
   */
  write(changes: readonly Change[]): Promise<void>;
  /** Ends when another tab or process becomes the writer: nothing can be written here any more. Missing where that cannot happen. */
  readonly lost?: AbortSignal;
  /** Gives up the store and its lock. */
  close(): Promise<void>;
}

export interface StoredRow {
  readonly key: string;
  readonly value: Uint8Array;
}
export interface Range {
  readonly prefix?: string;
  /** Only keys that sort after this one (or, backwards, before it). */
  readonly after?: string;
  readonly limit?: number;
  readonly backwards?: boolean;
}
export type Change =
  | { readonly kind: 'put'; readonly table: Table; readonly key: string; readonly value: Uint8Array }
  /** A `put` of a key that must be new. */
  | { readonly kind: 'insert'; readonly table: Table; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly table: Table; readonly key: string };

/** The closed list of tables, so that every engine can create them all at once. */
export const TABLES = [
  'setting',
  'keyPackage',
  'person',
  'conversation',
  'group',
  'message',
  'messageKey',
  'logHash',
  'outgoing',
  'walletAccount',
  'entry',
  'payment',
  'topUp',
  'call',
] as const;
export type Table = (typeof TABLES)[number];

export class StoreConflict extends Error {
  readonly table: Table;
  readonly key: string;
  constructor(table: Table, key: string) {
    super(`a row of ${table} exists already`);
    this.name = 'StoreConflict';
    this.table = table;
    this.key = key;
  }
}
