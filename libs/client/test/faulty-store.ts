import type { Change, Range, Store, StoredRow, Table } from '../src/store.ts';

/** What a crash does to a write: it never happened, or it happened and nobody heard of it. */
export type Crash = 'before' | 'after';
export class Crashed extends Error {}

/** A store over another one that crashes at one of its writes; everything after that fails too, as for a process that is gone. */
export class FaultyStore implements Store {
  readonly #store: Store;
  #writes = 0;
  #crash: { at: number; how: Crash } | undefined;
  isDead = false;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Crashes at the `nth` write from now on, counted from one. */
  crashAt(nth: number, how: Crash): void {
    this.#crash = { at: this.#writes + nth, how };
  }

  async read(table: Table, key: string): Promise<Uint8Array | undefined> {
    this.#demandAlive();
    return this.#store.read(table, key);
  }
  async list(table: Table, range?: Range): Promise<StoredRow[]> {
    this.#demandAlive();
    return this.#store.list(table, range);
  }
  async write(changes: readonly Change[]): Promise<void> {
    this.#demandAlive();
    this.#writes += 1;
    const isNow = this.#crash?.at === this.#writes;
    if (isNow && this.#crash?.how === 'before') this.#die();
    await this.#store.write(changes);
    if (isNow) this.#die();
  }
  async close(): Promise<void> {
    this.isDead = true;
  }

  #die(): never {
    this.isDead = true;
    throw new Crashed();
  }
  #demandAlive(): void {
    if (this.isDead) throw new Crashed();
  }
}
