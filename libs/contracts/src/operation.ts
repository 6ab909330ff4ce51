import type * as z from 'zod';
import type { ErrorCode } from './errors.ts';
import type { AccountId, DeviceId } from './ids.ts';
import type { SignaturePurpose } from './signed.ts';

export type ServiceName = 'identity' | 'messaging' | 'calls' | 'payments';
/** A process on NATS. Its name is a token of every subject on which it publishes, so NATS itself proves who asks. */
export type Peer = ServiceName | 'gateway';

/**
 * Who may call. `anyone`, `device` and `device-signed` come from people through the gateway; a peer name means that process itself.
 * `device-signed` is for what must not happen without the device's own signature: the body is `{ signed, signature }`.
 */
export type PersonKind = 'anyone' | 'device' | 'device-signed';
export type CallerKind = PersonKind | Peer;
export interface DeviceCaller {
  readonly kind: 'device';
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
}
/** `signed` are the very bytes that `signature` covers and from which the input was parsed; keep them where proof is needed. */
export interface SigningCaller {
  readonly kind: 'device-signed';
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  /** The Ed25519 key under which the signature was verified: the token's. Where identity is not to be believed, compare it with the device chain. */
  readonly deviceKey: Uint8Array;
}
export type Caller<K extends CallerKind = CallerKind> = K extends 'device'
  ? DeviceCaller
  : K extends 'device-signed'
    ? SigningCaller
    : { readonly kind: K };

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
type Route = `${Method} /v1/${string}`;
type PathParameter<P extends string> = P extends `${string}:${infer Name}/${infer Rest}`
  ? Name | PathParameter<`/${Rest}`>
  : P extends `${string}:${infer Name}`
    ? Name
    : never;

export interface Operation<
  K extends CallerKind = CallerKind,
  I extends z.ZodObject = z.ZodObject,
  O extends z.ZodObject = z.ZodObject,
> {
  /** One line for the reference page. */
  readonly summary: string;
  readonly http?: Route;
  readonly callers: readonly K[];
  /** The purpose under which the body of a `device-signed` operation is signed: one purpose, one operation. */
  readonly signedAs?: SignaturePurpose;
  /** The key of the input that makes a write repeatable; the `Idempotency-Key` header fills it. Required for POST by people. */
  readonly idempotentBy?: string;
  readonly input: I;
  readonly output: O;
  readonly errors: readonly ErrorCode[];
}

/** Defines one operation. Every `:name` in the route must be a key of the input, or this does not compile. Unknown input keys are refused. */
export function operation<const R extends Route, const K extends CallerKind, I extends z.ZodObject, O extends z.ZodObject>(
  definition: Operation<K, I, O> & { readonly http?: R; readonly idempotentBy?: keyof z.input<I> & string } & ([
      PathParameter<R>,
    ] extends [keyof z.input<I>]
      ? unknown
      : { readonly http: `not in the input: ${PathParameter<R>}` }),
): Operation<K, I, O> {
  return { ...definition, input: definition.input.strict() as unknown as I };
}

/** What a service pushes to people. `account` reaches every connected device of an account, `device` the one that the payload names. */
export interface Event<P extends z.ZodObject = z.ZodObject> {
  readonly summary: string;
  readonly audience: 'account' | 'device';
  readonly payload: P;
}
export function event<P extends z.ZodObject>(definition: Event<P>): Event<P> {
  return definition;
}

export type Bound<O extends Operation = Operation> = O & { readonly service: ServiceName; readonly name: string };
export type BoundEvent<E extends Event = Event> = E & { readonly service: ServiceName; readonly name: string };
export interface Service<
  T extends Record<string, Operation> = Record<string, Operation>,
  E extends Record<string, Event> = Record<string, Event>,
> {
  readonly name: ServiceName;
  readonly operations: { readonly [N in keyof T]: Bound<T[N]> };
  readonly events: { readonly [N in keyof E]: BoundEvent<E[N]> };
}

const PEOPLE: readonly CallerKind[] = ['anyone', 'device', 'device-signed'];
export const isForPeople = ({ callers }: Pick<Operation, 'callers'>): boolean =>
  callers.some((caller) => PEOPLE.includes(caller));

/** Names the operations and events of a service: `messaging.sendMessage` is the SDK method, the NATS subject and the OpenAPI id. */
export function service<const T extends Record<string, Operation>, const E extends Record<string, Event>>(
  name: ServiceName,
  operations: T,
  events: E,
): Service<T, E> {
  for (const [key, value] of Object.entries(operations)) checkOperation(`${name}.${key}`, value);
  const bind = (values: object) =>
    Object.fromEntries(
      Object.entries(values).map(([key, value]: [string, object]) => [key, { ...value, service: name, name: key }]),
    );
  return { name, operations: bind(operations), events: bind(events) } as unknown as Service<T, E>;
}

function checkOperation(id: string, { callers, http, signedAs, idempotentBy }: Operation): void {
  if (callers.length === 0) throw new Error(`${id}: say who may call it in \`callers\`.`);
  if (isForPeople({ callers }) !== (http !== undefined)) {
    throw new Error(`${id}: an operation has \`http\` exactly when people may call it. Add a route or change \`callers\`.`);
  }
  if (callers.includes('device-signed') !== (signedAs !== undefined))
    throw new Error(`${id}: \`signedAs\` goes with 'device-signed'.`);
  if (signedAs !== undefined && (callers.length > 1 || http?.includes(':'))) {
    throw new Error(`${id}: a signed body is the whole input, so it has one caller and no path parameters.`);
  }
  if (http?.startsWith('POST ') && idempotentBy === undefined)
    throw new Error(`${id}: a POST names the input key that makes it repeatable.`);
}

export type Input<O> = O extends Operation<CallerKind, infer I> ? z.input<I> : never;
export type Output<O> = O extends Operation<CallerKind, z.ZodObject, infer R> ? z.output<R> : never;
export type Payload<E> = E extends Event<infer P> ? z.output<P> : never;

/** What a service must provide: one function per operation. A missing or mistyped one does not compile. */
export type Handler<O> =
  O extends Operation<infer K, infer I, infer R> ? (input: z.output<I>, caller: Caller<K>) => Promise<z.input<R>> : never;
export type Handlers<S> = S extends Service<infer T, Record<string, Event>> ? { readonly [N in keyof T]: Handler<T[N]> } : never;
