import { AppError } from '@rialto/contracts';
import { storageFailure } from './failure.ts';

const DEFAULT_MAX_ITEMS = 256;
const MAX_QUEUED_ITEMS = 10_000;

/**
 * Works on many items at once, all or nothing. Its results stand in the order of the items; an AppError among them is that item's own.
 * `lane` counts from 0: batches of one lane never overlap.
 */
export type RunBatch<In, Out> = (items: readonly In[], lane: number) => Promise<readonly (Out | AppError)[]>;
export interface BatcherOptions<In> {
  /** Names what must not be twice in one batch: the idempotency key. The twin goes into the next batch and finds the first one stored. */
  readonly keyOf?: (item: In) => string;
  readonly maxItems?: number;
  /** How many batches may run at a time; one unless told otherwise. Only with one do items stay in their order. */
  readonly lanes?: number;
}

interface Queued<In, Out> {
  readonly item: In;
  resolve(result: Out): void;
  reject(error: unknown): void;
}

/**
 * Many callers, one commit, no timer: the first item leaves at once, and what arrives while it is being committed is the next batch. So one
 * message waits for nobody, and the batch grows with the load. With several lanes a free one waits until its even share of all that is
 * waiting or under way has come, or until nothing is under way: small batches would cost each lane its commit for little.
 */
export class Batcher<In, Out> {
  readonly #run: RunBatch<In, Out>;
  readonly #keyOf: ((item: In) => string) | undefined;
  readonly #maxItems: number;
  #queue: Queued<In, Out>[] = [];
  readonly #lanes: number;
  readonly #free: number[];
  #inFlight = 0;
  #isAwake = false;

  constructor(run: RunBatch<In, Out>, { keyOf, maxItems = DEFAULT_MAX_ITEMS, lanes = 1 }: BatcherOptions<In> = {}) {
    this.#lanes = lanes;
    this.#free = Array.from({ length: lanes }, (_, lane) => lane);
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
      this.#wake();
    });
  }

  /** Looks for work after everything that this turn of the event loop brings. */
  #wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    setImmediate(() => {
      this.#isAwake = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const share = Math.ceil((this.#queue.length + this.#inFlight) / this.#lanes);
      const lane = this.#queue.length >= share ? this.#free.pop() : undefined;
      if (lane === undefined) return;
      const batch = this.#take(Math.min(share, this.#maxItems));
      this.#inFlight += batch.length;
      void this.#work(batch, lane).finally(() => {
        this.#inFlight -= batch.length;
        this.#free.push(lane);
        this.#wake();
      });
    }
  }

  async #work(batch: readonly Queued<In, Out>[], lane: number): Promise<void> {
    const failure = await this.#settle(batch, lane);
    if (failure === undefined) return;
    const isOnlyItem = batch.length === 1;
    const stands = storageFailure(failure);
    // When the storage is away, asking item by item would only make everybody wait longer.
    if (isOnlyItem || stands !== undefined) for (const { reject } of batch) reject(stands ?? failure);
    else for (const each of batch) await this.#settleAlone(each, lane); // One bad item must not fail its neighbours.
  }

  #take(size: number): Queued<In, Out>[] {
    const taken = this.#queue.splice(0, size);
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

  async #settleAlone(each: Queued<In, Out>, lane: number): Promise<void> {
    const failure = await this.#settle([each], lane);
    if (failure !== undefined) each.reject(storageFailure(failure) ?? failure);
  }

  /** Undefined when every item has its answer, else why the batch as a whole failed. */
  async #settle(batch: readonly Queued<In, Out>[], lane: number): Promise<unknown> {
    try {
      const results = await this.#run(
        batch.map(({ item }) => item),
        lane,
      );
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
