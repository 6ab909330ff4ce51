import type { Bound, CONTRACTS, Input, Operation, Output, PersonKind, Service } from '@rialto/contracts';

type ForPeople<O> = O extends Operation<infer K> ? ([Extract<K, PersonKind>] extends [never] ? never : O) : never;

/** The operations that people may call, as methods: `api.messaging.sendMessage(input)`. */
export type ApiOf<S extends Readonly<Record<string, Service>>> = {
  readonly [N in keyof S]: {
    readonly [M in keyof S[N]['operations'] as ForPeople<S[N]['operations'][M]> extends never ? never : M]: (
      input: Input<S[N]['operations'][M]>,
    ) => Promise<Output<S[N]['operations'][M]>>;
  };
};
export type Api = ApiOf<typeof CONTRACTS>;
/** Performs one operation and returns its checked output. Throws `AppError`. */
export type Send = (operation: Bound, input: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** Makes the SDK's methods from the contracts: an operation's name is the method's, so that there is nothing to keep in step. */
export function createApi<const S extends Readonly<Record<string, Service>>>(services: S, send: Send): ApiOf<S> {
  const methods = ({ operations }: Service) =>
    Object.fromEntries(
      Object.values(operations)
        .filter(({ http }) => http !== undefined)
        .map((each) => [each.name, (input: Record<string, unknown>) => send(each, input)]),
    );
  return Object.fromEntries(Object.entries(services).map(([name, each]) => [name, methods(each)])) as unknown as ApiOf<S>;
}
