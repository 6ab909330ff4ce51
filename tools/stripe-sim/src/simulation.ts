import type * as z from 'zod';
import { noSuch, parameterProblem } from './errors.ts';
import type { FormTree } from './form-encoding.ts';
import type { Store } from './store.ts';
import type { Kind, Kinds } from './wire.ts';

/** Which call caused an event: null parts when nobody called (a click on the page, a time that came). */
interface Cause {
  requestId: string | null;
  idempotencyKey: string | null;
}

/** What the simulated account's nouns work with. */
export interface Simulation {
  store: Store;
  /** Milliseconds since 1970; given from outside so that tests can let time pass. */
  nowMs: () => number;
  /** Base of the checkout page, without a trailing slash. */
  checkoutBase: () => string;
  cause: Cause;
}

export function nowSeconds(simulation: Simulation): number {
  return Math.floor(simulation.nowMs() / 1_000);
}

/** Stores an object as it is now. */
export function save<K extends Kind>(simulation: Simulation, kind: K, object: Kinds[K]): Kinds[K] {
  simulation.store.put(kind, object, nowSeconds(simulation));
  return object;
}

/** Reads an object or answers as Stripe does. `param` names the parameter that held the id, when it was not the path. */
export function load<K extends Kind>(simulation: Simulation, kind: K, id: string, param?: string): Kinds[K] {
  const object = simulation.store.get(kind, id);
  if (!object) throw noSuch(kind, id, param);
  return object;
}

/** One API call as its operation sees it. */
export interface Call<P> {
  simulation: Simulation;
  /** The id in the path; empty when the path has none. */
  id: string;
  params: P;
}

/** One operation of the API. `accept` checks the parameters and hands back the work, which then runs inside one transaction. */
export interface Operation {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  accept: (raw: FormTree) => (simulation: Simulation, id: string) => object;
}

/** Ties a route to the schema of its parameters and to what it does with them. */
export function operation<S extends z.ZodType>(
  method: Operation['method'],
  path: string,
  params: S,
  run: (call: Call<z.output<S>>) => object,
): Operation {
  return {
    method,
    path,
    accept: (raw) => {
      const parsed = params.safeParse(raw, { reportInput: true });
      if (!parsed.success) throw parameterProblem(parsed.error);
      return (simulation, id) => run({ simulation, id, params: parsed.data });
    },
  };
}

/** A list as Stripe answers it. */
export function listAnswer<T>(
  url: string,
  page: { data: T[]; hasMore: boolean },
): { object: 'list'; data: T[]; has_more: boolean; url: string } {
  return { object: 'list', data: page.data, has_more: page.hasMore, url };
}
