import { isUtf8 } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError, MAX_HTTP_BODY_BYTES } from '@rialto/contracts';
import { newRequestId, type Logger } from '@rialto/service';
import type { GatewayConfig } from './config.ts';
import { expected, HttpError, problemOf, PROBLEM_TYPE, sendProblem } from './problem.ts';
import { trustedProxies } from './trusted-proxies.ts';

const MAX_HEADER_BYTES = 16_384;
const MAX_PARAMETER_CHARS = 300;
/** A client that sends a request slower than this is not waited for. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 65_000;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,100}$/;
const UTF8_CHARSET = /charset\s*=\s*"?utf-?8"?/i;

/** Fastify as the gateway wants it: bounded, JSON in UTF-8 only, and errors as problems even before a route is found. */
export function fastifyAdapter(config: GatewayConfig, log: Logger): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: MAX_HTTP_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS },
    trustProxy: config.RIALTO_TRUSTED_PROXIES.length > 0 ? trustedProxies(config.RIALTO_TRUSTED_PROXIES) : false,
    routerOptions: { maxParamLength: MAX_PARAMETER_CHARS },
    // Both the body's parser and the spread that merges it are safe with `__proto__`, which the services then refuse by name.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    requestIdHeader: false,
    genReqId: ({ headers }: { headers: Record<string, string | string[] | undefined> }) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : newRequestId();
    },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      void reply.header('x-request-id', request.id);
      sendProblem(reply, expected(error, log, request.id), request.id);
    },
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) => answerUnreadable(error, socket),
  });
  const instance = adapter.getInstance<FastifyInstance>();
  instance.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    done();
  });
  instance.removeContentTypeParser(['application/json', 'text/plain']);
  instance.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, parseJson(body as Buffer, request.headers['content-type'] ?? ''));
    } catch (error) {
      done(error as Error);
    }
  });
  return adapter;
}

/** Bytes as JSON. Replacement characters for broken UTF-8 would change what was sent, so it is refused. */
function parseJson(body: Buffer, contentType: string): unknown {
  if (contentType.includes('charset') && !UTF8_CHARSET.test(contentType)) throw new AppError('unsupported-media-type');
  if (body.length === 0) return {};
  if (!isUtf8(body)) throw new AppError('invalid-input', [{ path: '', message: 'not UTF-8' }]);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new AppError('invalid-input', [{ path: '', message: 'not JSON' }]);
  }
}

const UNREADABLE: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
};

/** Node could not read the request, so no route and no hook has seen it: the answer is written by hand. */
function answerUnreadable({ code = '' }: NodeJS.ErrnoException, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  socket.end(rawProblem(new HttpError(UNREADABLE[code] ?? 400)));
}

/** A whole HTTP answer for a connection that is given up. */
export function rawProblem(error: AppError): string {
  const requestId = newRequestId();
  const problem = problemOf(error, requestId);
  const body = JSON.stringify(problem);
  const head = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}`;
  const headers = [
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'connection: close',
  ];
  return `${head}\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
}
