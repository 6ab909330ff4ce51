import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '@rialto/contracts';

const MAX_FORM_BYTES = 16_384;
const MAX_PAGE_BYTES = 262_144;
const TIMEOUT_MS = 5_000;
const PREFIX = '/simulated/checkout/';
/** The page's own policy is stricter than ours, so it is passed on. */
const PASSED_ON = ['content-type', 'content-security-policy', 'location', 'cache-control', 'x-simulated-money'] as const;

/** The checkout page of the Stripe simulator, where there is one. Only the page: the simulator's controls are out of reach from here. */
export function serveSimulatedCheckout(instance: FastifyInstance, simulatorUrl: string | undefined): void {
  if (simulatorUrl === undefined) return;
  const pass = async (request: FastifyRequest, reply: FastifyReply) => {
    const { pathname, search } = new URL(request.url, simulatorUrl);
    // Dots in the path are resolved by now, so this is where the request would really go.
    if (!pathname.startsWith(PREFIX) || /%2e|%2f|%5c/i.test(pathname)) throw new AppError('not-found');
    // Only path and query are the caller's: a request line may name a host as well, and the router looks past it.
    const target = Object.assign(new URL(simulatorUrl), { pathname, search });
    const answer = await ask(target, request);
    for (const name of PASSED_ON) {
      const value = answer.headers.get(name);
      if (value !== null) void reply.header(name, value);
    }
    const page = Buffer.from(await answer.arrayBuffer());
    if (page.length > MAX_PAGE_BYTES) throw new AppError('internal', undefined, new Error('the simulated page is too large'));
    return reply.status(answer.status).send(page);
  };
  void instance.register(async (scope) => {
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    );
    scope.get(`${PREFIX}*`, pass);
    scope.post(`${PREFIX}*`, { bodyLimit: MAX_FORM_BYTES }, pass);
  });
}

async function ask(target: URL, { method, headers, body }: FastifyRequest): Promise<Response> {
  const language = headers['accept-language'] ?? '';
  const form =
    method === 'POST' && typeof body === 'string'
      ? { body, type: { 'content-type': 'application/x-www-form-urlencoded' } }
      : undefined;
  try {
    return await fetch(target, {
      method: method === 'POST' ? 'POST' : 'GET',
      headers: { 'accept-language': language, ...form?.type },
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(form === undefined ? {} : { body: form.body }),
    });
  } catch (error) {
    throw new AppError('unavailable', undefined, error);
  }
}
