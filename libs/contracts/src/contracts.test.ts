import * as z from 'zod';
import { COMMON_ERRORS, ERRORS, type ErrorCode } from './errors.ts';
import { type Bound, type BoundEvent, CONTRACTS, isForPeople, SIGNATURE_PURPOSES } from './index.ts';

/** Rules that every operation and event keeps, and that no type holds. */
const services = Object.values(CONTRACTS);
const operations = services.flatMap((each) => Object.values(each.operations) as Bound[]);
const events = services.flatMap((each) => Object.values(each.events) as BoundEvent[]);
const idOf = ({ service, name }: Bound | BoundEvent) => `${service}.${name}`;
const keysOf = (schema: z.ZodObject) => Object.keys(schema.shape);
const parametersOf = ({ http }: Pick<Bound, 'http'>) => [...(http ?? '').matchAll(/:(\w+)/g)].map(([, name]) => name ?? '');
/** The one who breaks a rule is in the message, not only that somebody does. */
const breaking = <T extends Bound | BoundEvent>(all: readonly T[], isFine: (each: T) => boolean) =>
  all.filter((each) => !isFine(each)).map(idOf);

const CALLERS = ['anyone', 'device', 'device-signed', 'gateway', 'identity', 'messaging', 'calls', 'payments'];
/** One token of a NATS subject, a method of the SDK and an id in OpenAPI at once. */
const NAME = /^[a-z][a-zA-Z]{2,39}$/;
const SENTENCE = /^[A-Z][^\n]*\.$/;

test('every operation says who may call it, and nobody twice; a service does not call itself', () => {
  expect(
    breaking(operations, ({ callers, service }) => {
      const isKnown = callers.every((caller) => CALLERS.includes(caller));
      return callers.length > 0 && isKnown && new Set(callers).size === callers.length && !callers.includes(service);
    }),
  ).toEqual([]);
});

test('what anybody may call without an account is a short list, so that a new one is looked at', () => {
  const open = operations.filter(({ callers }) => callers.includes('anyone')).map(idOf);
  expect(open.toSorted()).toEqual([
    'identity.checkHandle',
    'identity.createAccount',
    'identity.createChallenge',
    'identity.createSession',
  ]);
});

test('what needs no account is for nobody in particular, and people and processes do not share an operation', () => {
  expect(breaking(operations, ({ callers }) => !callers.includes('anyone') || callers.length === 1)).toEqual([]);
  expect(
    breaking(operations, ({ callers }) =>
      callers.every((caller) => isForPeople({ callers: [caller] }) === isForPeople({ callers })),
    ),
  ).toEqual([]);
});

test('names are words of the SDK and tokens of a subject, and summaries are sentences', () => {
  const all = [...operations, ...events];
  expect(breaking(all, ({ name }) => NAME.test(name))).toEqual([]);
  expect(breaking(all, ({ summary }) => SENTENCE.test(summary))).toEqual([]);
  const ids = all.map(idOf);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  for (const [key, { name }] of Object.entries(CONTRACTS)) expect(name).toBe(key);
});

test('no two operations have one route, whatever their parameters are called', () => {
  const routes = operations.flatMap(({ http }) => (http === undefined ? [] : [http.replaceAll(/:\w+/g, ':')]));
  expect(routes.filter((route, index) => routes.indexOf(route) !== index)).toEqual([]);
  for (const route of routes) expect(route).toMatch(/^(GET|POST|PUT|DELETE) \/v1(\/[a-z-]+|\/:)+$/);
});

test('the parameters of a route and the key that makes a write repeatable are in the input', () => {
  expect(breaking(operations, (each) => parametersOf(each).every((name) => keysOf(each.input).includes(name)))).toEqual([]);
  // The body of a signed operation is `{ signed, signature }` on the wire; its key is inside what is signed.
  expect(
    breaking(operations, ({ idempotentBy, input }) => idempotentBy === undefined || keysOf(input).includes(idempotentBy)),
  ).toEqual([]);
});

test('a write that a path names is repeatable by itself: only POST needs a key, and GET has none', () => {
  expect(
    breaking(operations, ({ http, idempotentBy }) => (http?.startsWith('POST ') ?? false) === (idempotentBy !== undefined)),
  ).toEqual([]);
});

test('each purpose of a signature signs one operation at most', () => {
  const signed = operations.flatMap(({ signedAs }) => (signedAs === undefined ? [] : [signedAs]));
  expect(new Set(signed).size).toBe(signed.length);
  expect(signed.filter((purpose) => !SIGNATURE_PURPOSES.includes(purpose))).toEqual([]);
});

test('an operation lists its own error codes, each once, and none that every operation may answer', () => {
  expect(
    breaking(
      operations,
      ({ errors }) =>
        new Set(errors).size === errors.length && errors.every((code) => code in ERRORS && !COMMON_ERRORS.includes(code)),
    ),
  ).toEqual([]);
  expect(new Set(COMMON_ERRORS).size).toBe(COMMON_ERRORS.length);
});

test('every error code is answered by something, has a fitting status and says what to do', () => {
  const answered = new Set<ErrorCode>([...COMMON_ERRORS, ...operations.flatMap(({ errors }) => errors)]);
  expect(Object.keys(ERRORS).filter((code) => !answered.has(code as ErrorCode))).toEqual([]);
  for (const [code, { status, retryable, meaning }] of Object.entries(ERRORS)) {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(meaning).toMatch(SENTENCE);
    expect(status).toBeGreaterThanOrEqual(400);
    if (status >= 500) expect([code, retryable]).toEqual([code, true]);
    if (retryable) expect([401, 409, 429, 500, 503, 504]).toContain(status);
  }
});

test('what a caller sends has a bound everywhere, and nothing is read that the contract does not name', () => {
  const unbounded = operations.flatMap((each) => {
    const schema = z.toJSONSchema(each.input, { io: 'input' }) as Json;
    return unboundedIn(schema, idOf(each));
  });
  expect(unbounded).toEqual([]);
  expect(breaking(operations, ({ input }) => isStrict(input))).toEqual([]);
});

test('what is in a path or a query is text, a number or absent, because nothing else fits there', () => {
  const inUrl = operations.filter(({ http }) => http?.startsWith('GET ') || http?.startsWith('DELETE '));
  const misfits = inUrl.flatMap((each) => {
    const { properties = {} } = z.toJSONSchema(each.input, { io: 'input' }) as Json;
    return Object.entries(properties)
      .filter(([, { type }]) => type !== 'string' && type !== 'integer')
      .map(([key]) => `${idOf(each)}: ${key}`);
  });
  expect(misfits).toEqual([]);
});

test('an event for one device names the device, and the subject on which it goes says its service and account only', () => {
  expect(breaking(events, ({ audience }) => audience === 'account' || audience === 'device')).toEqual([]);
  expect(breaking(events, ({ audience, payload }) => audience === 'account' || keysOf(payload).includes('deviceId'))).toEqual([]);
  expect(breaking(events, ({ service }) => service in CONTRACTS)).toEqual([]);
});

test('operations are questions or orders and events are facts, so none has the name of the other', () => {
  const names = new Set(operations.map(idOf));
  expect(events.map(idOf).filter((id) => names.has(id))).toEqual([]);
});

interface Json {
  readonly [key: string]: unknown;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Json>>;
  readonly items?: Json;
  readonly anyOf?: readonly Json[];
}

/** Text without a length, lists without a count, numbers without an end, and anything that may be anything. */
function unboundedIn(schema: Json, at: string): string[] {
  const { type, properties, items, anyOf } = schema;
  if (anyOf) return anyOf.flatMap((each) => unboundedIn(each, at));
  if (schema.enum !== undefined || schema.const !== undefined || type === 'null' || type === 'boolean') return [];
  if (type === 'object') return Object.entries(properties ?? {}).flatMap(([key, each]) => unboundedIn(each, `${at}.${key}`));
  if (type === 'array') return [...(schema.maxItems === undefined ? [at] : []), ...unboundedIn(items ?? {}, `${at}[]`)];
  if (type === 'string') return hasLength(schema) ? [] : [at];
  if (type === 'integer') return schema.maximum === undefined && schema.exclusiveMaximum === undefined ? [at] : [];
  return [at];
}

/** By a number, by a format of a known length, or by an expression in which nothing repeats for ever. */
function hasLength({ maxLength, format, pattern }: Json): boolean {
  if (maxLength !== undefined || format === 'date-time') return true;
  return typeof pattern === 'string' && /^\^.*\$$/.test(pattern) && !/[*+]|\{\d+,\}/.test(pattern.replaceAll(/\[[^\]]*\]/g, ''));
}

function isStrict(input: z.ZodObject): boolean {
  const issues = input.safeParse({ 'not in the contract': 1 }).error?.issues ?? [];
  return issues.some(({ code }) => code === 'unrecognized_keys');
}
