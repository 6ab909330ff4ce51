import { AppError } from '@rialto/contracts';
import { storageFailure } from './failure.ts';

const DEFAULT_MAX_ITEMS = 256;
const MAX_QUEUED_ITEMS = 10_000;

/** Works on many items at once, all or nothing. Its results stand in the order of the items; an AppError among them is that item's own. */
export type RunBatch<In, Out> = (items: readonly In[]) => Promise<readonly (Out | AppError)[]>;
export interface BatcherOptions<In> {
  /** Names what must not be twice in one batch: the idempotency key. The twin goes into the next batch and finds the first one stored. */
  readonly keyOf?: (item: In) => string;
  readonly maxItems?: number;
}

interface Queued<In, Out> {
  readonly item: In;
  resolve(result: Out): void;
  reject(error: unknown): void;
}

/**
 * Many callers, one commit, no timer: the first item leaves at once, and what arrives while it is being committed is the next batch. So one
 * message waits for nobody, and the batch grows with the load.
 */
export class Batcher<In, Out> {
  readonly #run: RunBatch<In, Out>;
  readonly #keyOf: ((item: In) => string) | undefined;
  readonly #maxItems: number;
  #queue: Queued<In, Out>[] = [];
  #isRunning = false;

  constructor(run: RunBatch<In, Out>, { keyOf, maxItems = DEFAULT_MAX_ITEMS }: BatcherOptions<In> = {}) {
    this.#run = run;
    this.#keyOf = keyOf;
    this.#maxItems = maxItems;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Rejects with the item's own error, `unavailable` when too much is waiting, or what the storage's failure means. */
  add(item: In): Promise<Out> {
    if (this.#queue.length >= MAX_QUEUED_ITEMS) return Promise.reject(new AppError('unavailable'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, resolve, reject });
      if (this.#isRunning) return;
      this.#isRunning = true;
      setImmediate(() => void this.#drain()); // After everything that this turn of the event loop has received.
    });
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#take();
      const failure = await this.#settle(batch);
      if (failure === undefined) continue;
      const isOnlyItem = batch.length === 1;
      const stands = storageFailure(failure);
      // When the storage is away, asking item by item would only make everybody wait longer.
      if (isOnlyItem || stands !== undefined) for (const { reject } of batch) reject(stands ?? failure);
      else for (const each of batch) await this.#settleAlone(each); // One bad item must not fail its neighbours.
    }
    this.#isRunning = false;
  }

  #take(): Queued<In, Out>[] {
    const taken = this.#queue.splice(0, this.#maxItems);
    if (this.#keyOf === undefined) return taken;
    const batch = new Map<string, Queued<In, Out>>();
    const twins: Queued<In, Out>[] = [];
    for (const each of taken) {
      const key = this.#keyOf(each.item);
      if (batch.has(key)) twins.push(each);
      else batch.set(key, each);
    }
    if (twins.length > 0) this.#queue.unshift(...twins);
    return [...batch.values()];
  }

  async #settleAlone(each: Queued<In, Out>): Promise<void> {
    const failure = await this.#settle([each]);
    if (failure !== undefined) each.reject(storageFailure(failure) ?? failure);
  }

  /** Undefined when every item has its answer, else why the batch as a whole failed. */
  async #settle(batch: readonly Queued<In, Out>[]): Promise<unknown> {
    try {
      const results = await this.#run(batch.map(({ item }) => item));
      if (results.length !== batch.length) throw new Error(`a batch of ${batch.length} gave ${results.length} results`);
      batch.forEach(({ resolve, reject }, index) => {
        const result = results[index] as Out | AppError;
        if (result instanceof AppError) reject(result);
        else resolve(result);
      });
      return undefined;
    } catch (error) {
      return error ?? new Error('a batch failed without an error');
    }
  }
}
