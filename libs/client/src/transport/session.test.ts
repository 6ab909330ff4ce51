import { AppError, CHALLENGE_LIFETIME_MS, type SignedBody, TOKEN_LIFETIME_MS } from '@rialto/contracts';
import { fromBase64url, ready } from '@rialto/crypto';
import { Connection } from './connection.ts';
import { HTTP_TIMEOUT_MS } from './http.ts';

const URL_OF_SERVER = 'http://localhost:4711';
const realFetch = globalThis.fetch;

/** Signing in as the identity service does it: a nonce opens one session, and a token lives five minutes. */
class FakeServer {
  readonly nonces = new Set<string>();
  readonly #used = new Set<string>();
  readonly #tokens = new Map<string, number>();
  sessions = 0;
  /** Answers of `POST /v1/sessions` that get lost on their way, the session being opened all the same. */
  lost = 0;
  /** What a session request is refused with instead of being looked at. */
  refusal: { status: number; body: object } | undefined;
  calls: string[] = [];

  readonly fetch = async (input: string, init: RequestInit = {}): Promise<Response> => {
    const path = new URL(input).pathname;
    const method = init.method ?? 'GET';
    if (path === '/v1/sessions/challenge') return json(this.#challenge());
    if (path === '/v1/sessions') return this.#open(JSON.parse(init.body as string) as SignedBody);
    const token = new Headers(init.headers).get('authorization')?.slice('Bearer '.length) ?? '';
    this.calls.push(`${method} ${path} ${token}`);
    const endsAt = this.#tokens.get(token);
    if (endsAt === undefined) return problem(401, { code: 'unauthenticated' });
    if (Date.now() >= endsAt) return problem(401, { code: 'token-expired' });
    return json({ accounts: [] });
  };
  revokeTokens(): void {
    this.#tokens.clear();
  }

  #challenge() {
    const nonce = `nonce-${this.nonces.size}`;
    this.nonces.add(nonce);
    return { nonce, expiresAt: new Date(Date.now() + CHALLENGE_LIFETIME_MS).toISOString() };
  }
  async #open({ signed }: SignedBody): Promise<Response> {
    if (this.refusal) return problem(this.refusal.status, this.refusal.body);
    const { nonce } = JSON.parse(new TextDecoder().decode(fromBase64url(signed))) as { nonce: string };
    if (!this.nonces.has(nonce) || this.#used.has(nonce))
      return problem(401, { code: 'unauthenticated', details: { reason: 'nonce' } });
    this.#used.add(nonce);
    this.sessions += 1;
    const token = `token-${this.sessions}`;
    const endsAt = Date.now() + TOKEN_LIFETIME_MS;
    this.#tokens.set(token, endsAt);
    if (this.lost > 0) {
      this.lost -= 1;
      await new Promise((resolve) => setTimeout(resolve, HTTP_TIMEOUT_MS));
      throw new TypeError('the connection was reset');
    }
    return json({ token, expiresAt: new Date(endsAt).toISOString() });
  }
}
const json = (body: object) => new Response(JSON.stringify(body), { status: 200 });
const problem = (status: number, body: object) => new Response(JSON.stringify(body), { status });

let server: FakeServer;
let connection: Connection;
const call = () => connection.api.messaging.listBlocks({});
/** The token that each call carried. */
const offered = () => server.calls.map((each) => each.split(' ')[2]);

beforeAll(ready);
beforeEach(() => {
  jest.useFakeTimers();
  server = new FakeServer();
  globalThis.fetch = server.fetch as typeof fetch;
  const identity = { accountId: 'A'.repeat(43), deviceId: 'd'.repeat(22), signer: () => new Uint8Array(64) };
  connection = new Connection({ url: URL_OF_SERVER, identity: identity as never });
});
afterEach(() => {
  connection.stop();
  jest.useRealTimers();
  globalThis.fetch = realFetch;
});
/** Lets everything happen that needs no more than `ms` of waiting. */
async function settled<T>(work: Promise<T>, ms: number): Promise<T> {
  const watched = work.catch((error: unknown) => error);
  await jest.advanceTimersByTimeAsync(ms);
  const outcome = await watched;
  if (outcome instanceof Error) throw outcome;
  return outcome as T;
}

test.each([1, 2])(
  'an answer to signing in that is lost %d times in a row is made good by a fresh nonce within the call',
  async (times) => {
    server.lost = times;
    await expect(settled(call(), (times + 1) * (HTTP_TIMEOUT_MS + 1_000))).resolves.toEqual({ accounts: [] });
    expect(server.nonces.size).toBe(times + 1);
    expect(offered()).toEqual([`token-${times + 1}`]);
  },
);

test('when every answer is lost the call ends, after a bounded number of nonces', async () => {
  server.lost = Number.POSITIVE_INFINITY;
  await expect(settled(call(), 20 * HTTP_TIMEOUT_MS)).rejects.toMatchObject({ code: 'unauthenticated' });
  expect(server.nonces.size).toBeLessThanOrEqual(3);
  expect(server.calls).toEqual([]);
});

test.each([
  ['an unknown device', 401, { code: 'unauthenticated', details: { reason: 'unknown-device' } }],
  ['a removed device', 401, { code: 'device-revoked' }],
  ['another origin', 403, { code: 'origin-refused' }],
])('a refusal because of %s is final: no second nonce is signed', async (_name, status, body) => {
  server.refusal = { status, body };
  await expect(settled(call(), HTTP_TIMEOUT_MS)).rejects.toMatchObject({ code: body.code });
  expect(server.nonces.size).toBe(1);
});

test('a token is used until a minute before its end, and then replaced before a call can meet its end', async () => {
  await settled(call(), 0);
  await settled(call(), TOKEN_LIFETIME_MS - 60_000 - 1_000);
  await settled(call(), 1_000);
  expect(offered()).toEqual(['token-1', 'token-1', 'token-1']);
  await settled(call(), 0);
  expect(offered().at(-1)).toBe('token-2');
  expect(server.sessions).toBe(2);
});

test('a token that the server does not take any more is replaced once, and the call repeated with the new one', async () => {
  await settled(call(), 0);
  server.revokeTokens();
  await expect(settled(call(), 1_000)).resolves.toEqual({ accounts: [] });
  expect(offered()).toEqual(['token-1', 'token-1', 'token-2']);
});

test('calls that meet the same end of a token share one sign-in, and so do calls that start without one', async () => {
  await settled(Promise.all([call(), call(), call()]), 0);
  expect(server.sessions).toBe(1);
  server.revokeTokens();
  await settled(Promise.all([call(), call(), call()]), 1_000);
  expect(server.sessions).toBe(2);
  expect(offered().slice(-3)).toEqual(['token-2', 'token-2', 'token-2']);
});

test('a sign-in that failed is not remembered: the next call tries again', async () => {
  server.refusal = { status: 403, body: { code: 'origin-refused' } };
  await expect(settled(call(), 0)).rejects.toBeInstanceOf(AppError);
  server.refusal = undefined;
  await expect(settled(call(), 0)).resolves.toEqual({ accounts: [] });
});
