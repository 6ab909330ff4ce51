import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname, join, resolve, sep } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError, type Service } from '@rialto/contracts';
import { page } from './documents/page.ts';
import { HttpError } from './problem.ts';
import { methodAndPath } from './routes.ts';

const ASSET_MAX_AGE_MS = 31_536_000_000;
/** Vite writes what bears a hash of its content into this folder. */
const HASHED_PREFIX = '/assets/';
/** Paths of the API, which the client's own router never has. */
const OURS = /^\/(?:v1|docs|health|simulated)(?:\/|$)/;
const NOT_BUILT = `<h1>Rialto is running</h1>
<p>The web client is not built here. <code>npm start</code> builds it; the API works without it.</p>
<p><a href="/docs">API reference</a> · <a href="/health/ready">Health</a></p>`;

/** Everything that no route claims: the web client's files, its page for every path that it handles itself, and honest 404s and 405s. */
export async function serveWebClient(
  instance: FastifyInstance,
  webDir: string | undefined,
  services: readonly Service[],
): Promise<void> {
  const root = webDir === undefined ? undefined : resolve(webDir);
  if (root !== undefined && existsSync(root)) await instance.register(fastifyStatic, { root, serve: false, preCompressed: true });
  const refuse = otherMethods(services);
  instance.get('/*', async (request, reply) => {
    refuse('GET', request);
    const path = pathOf(request.url);
    if (OURS.test(path) || path.includes('\0')) throw new AppError('not-found');
    return root === undefined || !existsSync(join(root, 'index.html')) ? sendNotBuilt(path, reply) : sendFile(root, path, reply);
  });
  instance.route({ method: ['POST', 'PUT', 'DELETE', 'PATCH'], url: '/*', handler: (request) => unclaimed(request) });

  function unclaimed(request: FastifyRequest): never {
    refuse(request.method, request);
    throw new AppError('not-found');
  }
}

function sendNotBuilt(path: string, reply: FastifyReply): FastifyReply {
  if (extname(path) !== '') throw new AppError('not-found');
  return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(page('Rialto', NOT_BUILT));
}

async function sendFile(root: string, path: string, reply: FastifyReply): Promise<FastifyReply> {
  const isPage = extname(path) === '' || path === '/index.html';
  if (isPage) return reply.header('cache-control', 'no-store').sendFile('index.html', { cacheControl: false });
  if (!(await isFileIn(root, path))) throw new AppError('not-found');
  if (path.startsWith(HASHED_PREFIX)) return reply.sendFile(path, { maxAge: ASSET_MAX_AGE_MS, immutable: true });
  return reply.header('cache-control', 'no-cache').sendFile(path, { cacheControl: false });
}

/** A path that leads out of the folder is not there, whatever lies behind it. */
async function isFileIn(root: string, path: string): Promise<boolean> {
  const file = resolve(root, `.${path}`);
  const found = file.startsWith(root + sep) ? await stat(file).catch(() => undefined) : undefined;
  return found?.isFile() === true;
}

function pathOf(url: string): string {
  try {
    return decodeURIComponent(new URL(url, 'http://gateway').pathname);
  } catch (error) {
    throw new AppError('invalid-input', undefined, error);
  }
}

/** Throws 405 with `Allow` when the path has a route, only not for this method (RFC 9110, section 15.5.6). */
function otherMethods(services: readonly Service[]): (method: string, request: FastifyRequest) => void {
  const known = services
    .flatMap(({ operations }) => Object.values(operations))
    .filter(({ http }) => http !== undefined)
    .map((operation) => methodAndPath(operation))
    .concat([
      ['POST', '/v1/stripe/webhook'],
      ['GET', '/health/live'],
      ['GET', '/health/ready'],
      ['GET', '/openapi.json'],
      ['GET', '/docs'],
    ])
    .map(([method, path]) => ({ method, pattern: new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`) }));
  return (method, request) => {
    const path = pathOf(request.url);
    const allowed = known.filter(({ pattern }) => pattern.test(path)).map((each) => each.method);
    if (allowed.length > 0 && !allowed.includes(method as 'GET'))
      throw new HttpError(405, { allow: allowed }, { allow: allowed.join(', ') });
  };
}
