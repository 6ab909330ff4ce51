/**
 * A map that forgets what was not asked for during the last `maxEntries / 2` other entries. Two generations instead of one order of use: moving
 * an entry to the end of a large Map at each look-up costs more than what is looked up.
 */
export class BoundedMap<K, V> {
  readonly #maxYoung: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  constructor(maxEntries: number) {
    this.#maxYoung = Math.ceil(maxEntries / 2);
  }

  get(key: K): V | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const kept = this.#old.get(key);
    if (kept !== undefined) this.set(key, kept);
    return kept;
  }

  set(key: K, value: V): void {
    this.#young.set(key, value);
    if (this.#young.size < this.#maxYoung) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
