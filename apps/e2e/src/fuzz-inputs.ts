import { CONTRACTS, type Bound, isForPeople } from '@rialto/contracts';
import { idOf } from '@rialto/service';
import { httpRequestOf } from './call.ts';
import type { Ask } from './http.ts';
import { mutateBytes, mutateInput, strangeValue } from './mutate.ts';
import type { Device } from './person.ts';
import type { Random } from './random.ts';
import { RIGHTS } from './rights.ts';
import type { Scene } from './scene.ts';

export const FOR_PEOPLE: readonly Bound[] = Object.values(CONTRACTS)
  .flatMap(({ operations }) => Object.values(operations) as Bound[])
  .filter((operation) => isForPeople(operation));
const isRead = ({ http }: Pick<Bound, 'http'>): boolean => http?.startsWith('GET ') === true;

/** What Ana may send for each operation: what the fuzz starts from. */
export async function rightfulInputs(scene: Scene): Promise<ReadonlyMap<Bound, object>> {
  const inputs = new Map<Bound, object>();
  for (const operation of FOR_PEOPLE) inputs.set(operation, (await RIGHTS[idOf(operation)]?.input(scene)) ?? {});
  return inputs;
}

/** A body for an operation that must be refused, or that at most reads. */
export interface FuzzedCall {
  readonly operation: Bound;
  readonly body: unknown;
  /** The schema would let it through, so an answer may be right. Only of operations that read. */
  readonly mayPass: boolean;
}

export class Fuzzer {
  readonly #random: Random;
  readonly #inputs: ReadonlyMap<Bound, object>;
  readonly #devices: readonly Device[];
  constructor(random: Random, inputs: ReadonlyMap<Bound, object>, devices: readonly Device[]) {
    this.#random = random;
    this.#inputs = inputs;
    this.#devices = devices;
  }

  device(): Device {
    return this.#random.of(this.#devices);
  }

  call(device: Device): FuzzedCall {
    const random = this.#random;
    for (;;) {
      const operation = random.of(FOR_PEOPLE);
      const input = this.#inputs.get(operation) ?? {};
      const mutated = random.chance(0.1) ? strangeValue(random) : mutateInput(random, input);
      const isValid = operation.input.safeParse(mutated).success;
      if (operation.signedAs !== undefined) {
        const body = device.signedBody(operation.signedAs, JSON.stringify(mutated) ?? '');
        if (random.chance(0.4)) {
          const broken = mutateInput(random, body);
          // A change of letters that leaves the bytes as they are would be the rightful body again.
          if (!isValid || !sameBody(broken, body)) return { operation, body: broken, mayPass: false };
        }
        if (!isValid) return { operation, body, mayPass: false };
        continue;
      }
      if (!isValid || isRead(operation)) return { operation, body: mutated, mayPass: isValid };
    }
  }

  /** Over HTTP as its operation wants it, or with the request itself broken. */
  request(device: Device): { ask: Ask; mayPass: boolean } {
    const random = this.#random;
    const { operation, body, mayPass } = this.call(device);
    const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
    const plain = httpRequestOf(operation, isObject ? (body as Record<string, unknown>) : {});
    const text = plain.body === undefined && isObject ? undefined : (JSON.stringify(isObject ? plain.body : body) ?? '');
    const base: Ask = {
      ...plain,
      body: text,
      token: device.token,
      headers: text === undefined ? {} : { 'content-type': 'application/json' },
    };
    // Path and query are text on the way, and the body of a GET is not read, so what the schema refuses may be right on arrival.
    const wouldPass = mayPass || isRead(operation);
    if (random.chance(0.6) && (wouldPass || this.#isRefused(operation, base))) return { ask: base, mayPass: wouldPass };
    return { ask: this.#broken(base), mayPass: isRead(operation) };
  }

  /** What arrives when the path's text is put together with the body again. */
  #isRefused(operation: Bound, { method, path, body }: Ask): boolean {
    if (operation.signedAs !== undefined) return true;
    const [, route = ''] = (operation.http ?? '').split(' ');
    const names = [...route.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
    const values = new RegExp(`^${route.replaceAll(/:\w+/g, '([^/]*)')}$`).exec(path.split('?')[0] ?? '')?.slice(1) ?? [];
    const parameters = Object.fromEntries(names.map((name, index) => [name, safelyDecoded(values[index] ?? '')]));
    // Nobody reads the body of a DELETE.
    const parsed =
      body === undefined || method === 'DELETE'
        ? {}
        : (JSON.parse(typeof body === 'string' && body !== '' ? body : '{}') as unknown);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return true;
    return !operation.input.safeParse({ ...parsed, ...parameters }).success;
  }

  #broken(ask: Ask): Ask {
    const random = this.#random;
    switch (random.below(6)) {
      case 0:
        return {
          ...ask,
          token: random.chance(0.5)
            ? undefined
            : mutateBytes(random, Buffer.from(ask.token ?? 'a'))
                .toString('base64url')
                .slice(0, 3_000),
        };
      case 1:
        return {
          ...ask,
          headers: {
            'content-type': random.of([
              'text/plain',
              'application/xml',
              'application/json; charset=latin1',
              'a/b',
              'application/json;',
            ]),
          },
          token: undefined,
        };
      case 2:
        return {
          ...ask,
          body: mutateBytes(random, Buffer.from(typeof ask.body === 'string' && ask.body !== '' ? ask.body : '{"a":1}')),
          token: undefined,
          headers: { 'content-type': 'application/json' },
        };
      case 3:
        return { ...ask, path: mutatedPath(random, ask.path), token: undefined };
      case 4:
        return { ...ask, method: random.of(['PATCH', 'TRACE', 'SEARCH', 'MKCOL', 'PURGE']) };
      default:
        return {
          ...ask,
          token: undefined,
          headers: {
            ...ask.headers,
            [random.of(['x-request-id', 'traceparent', 'accept', 'if-none-match', 'range', 'expect-nothing'])]: random.text(
              1 + random.below(400),
              'abc019-_;=,*"/%',
            ),
          },
        };
    }
  }
}

const sameBody = (one: unknown, other: { signed: string; signature: string }): boolean => {
  const { signed, signature } = (one ?? {}) as { signed?: unknown; signature?: unknown };
  const same = (text: unknown, as: string) =>
    typeof text === 'string' && Buffer.from(text, 'base64url').equals(Buffer.from(as, 'base64url'));
  return same(signed, other.signed) && same(signature, other.signature);
};

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // The router then refuses the path.
  }
}

function mutatedPath(random: Random, path: string): string {
  const at = 1 + random.below(path.length);
  const strange = random.of([
    '%00',
    '%ff',
    '%',
    '..',
    '%2e%2e%2f',
    '//',
    '%0d%0a',
    ';',
    '\\',
    '%5c',
    'a'.repeat(500),
    '%u0041',
    '?a=1&a=2',
    '#',
    '&',
    '*',
  ]);
  return `${path.slice(0, at)}${strange}${path.slice(at + random.below(3))}`;
}
