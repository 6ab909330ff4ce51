import { AppError, type Bound, type Input, isErrorCode, type Output } from '@rialto/contracts';
import { ask, type Answer, type Ask, problemOf } from './http.ts';

type Values = Readonly<Record<string, unknown>>;

/** How an operation's input travels over HTTP: path parameters in the path, the rest in the query or the body. */
export function httpRequestOf({ http }: Pick<Bound, 'http'>, input: Values): Ask {
  const [method = '', route = ''] = (http ?? '').split(' ');
  const rest = new Map(Object.entries(input));
  const path = route.replaceAll(/:(\w+)/g, (_whole, name: string) => {
    const value = rest.get(name);
    rest.delete(name);
    return encodeURIComponent(textOf(value).toWellFormed());
  });
  if (method === 'GET' || method === 'DELETE') {
    const query = new URLSearchParams(
      [...rest].filter(([, value]) => value !== undefined).map(([key, value]): [string, string] => [key, textOf(value)]),
    );
    return { method, path: query.size === 0 ? path : `${path}?${query}` };
  }
  return { method, path, body: Object.fromEntries(rest) };
}

/** As text on the way; an object that a fuzzed input has in place of a value may not even have a `toString`. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

/** The code of a refusal, or `ok`. Whatever is neither an output of the contract nor a whole problem is an error of the test's own. */
export function outcomeOf(operation: Bound, answer: Answer): string {
  if (answer.status !== 200) return problemOf(answer).code;
  operation.output.parse(JSON.parse(answer.text));
  return 'ok';
}

export interface Where {
  readonly url: string;
  readonly token?: string | undefined;
  readonly from?: string;
  readonly timeoutMs?: number;
}

/** Calls an operation over HTTP with plain means. Throws AppError with the code that came back; `outcome-unknown` when nothing did. */
export async function callHttp<O extends Bound>(operation: O, input: Input<O>, { url, ...where }: Where): Promise<Output<O>> {
  const answer = await ask(url, { ...httpRequestOf(operation, input as Values), ...where }).catch((error: unknown) => {
    throw new AppError('outcome-unknown', undefined, error);
  });
  if (answer.status === 200) return operation.output.parse(JSON.parse(answer.text)) as Output<O>;
  const problem = problemOf(answer);
  throw new AppError(isErrorCode(problem.code) ? problem.code : 'internal', problem.details);
}

/** The code with which a promise ends. */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (error: unknown) => {
      if (error instanceof AppError) return error.code;
      throw error;
    },
  );
