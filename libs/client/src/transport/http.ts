import { AppError, type Bound } from '@rialto/contracts';
import { randomBytes, toBase64url } from '@rialto/crypto';
import { errorFrom } from './problem.ts';

export const HTTP_TIMEOUT_MS = 20_000;

/** One attempt of one operation over HTTP. `body` is what travels: the input, or its signed form. */
export interface HttpCall {
  readonly operation: Bound;
  readonly body: Readonly<Record<string, unknown>>;
  readonly token?: string | undefined;
}

/**
 * Path parameters go into the path, the rest of a GET or DELETE into the query and of a write into the body. Throws `AppError`: what the
 * server said, or `outcome-unknown` when no answer came.
 */
export async function sendOverHttp(baseUrl: string, { operation, body, token }: HttpCall): Promise<unknown> {
  const { method, path, rest } = routeOf(operation, body);
  const isWrite = method === 'POST' || method === 'PUT';
  const headers: Record<string, string> = { accept: 'application/json' };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  if (isWrite) {
    headers['content-type'] = 'application/json';
    headers['idempotency-key'] = idempotencyKey(operation, body);
  }
  const query = isWrite ? '' : queryOf(rest);
  const request = {
    method,
    headers,
    signal: AbortSignal.timeout(HTTP_TIMEOUT_MS),
    ...(isWrite && { body: JSON.stringify(rest) }),
  };
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(baseUrl + path + query, request);
    const text = await response.text();
    answer = text === '' ? {} : parse(text);
  } catch (cause) {
    throw new AppError('outcome-unknown', undefined, cause);
  }
  if (response.ok && answer !== undefined) return answer;
  throw errorFrom(answer, response.status);
}

function routeOf({ http }: Bound, body: Readonly<Record<string, unknown>>) {
  const [method = '', route = ''] = (http ?? '').split(' ');
  const rest = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
  const path = route.replace(/:(\w+)/g, (_match, name: string) => {
    const value = String(rest[name]);
    delete rest[name];
    return encodeURIComponent(value);
  });
  return { method, path, rest };
}

/** The key that makes a write repeatable is in the input already; where there is none (PUT), a fresh one does no harm. */
function idempotencyKey({ idempotentBy }: Bound, body: Readonly<Record<string, unknown>>): string {
  const key = idempotentBy === undefined ? undefined : body[idempotentBy];
  if (typeof key === 'string' && key.length <= 200) return key;
  return typeof body.signature === 'string' ? body.signature : toBase64url(randomBytes(16));
}

function queryOf(rest: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams(
    Object.entries(rest).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  return query === '' ? '' : `?${query}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a proxy's page: the caller judges by the status
  }
}
