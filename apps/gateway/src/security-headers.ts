import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import helmet, { type HelmetOptions } from 'helmet';
import type { GatewayConfig } from './config.ts';
import { HttpError, sendProblem } from './problem.ts';

const PREFLIGHT_S = 600;
const HSTS_S = 31_536_000;
const PERMISSIONS =
  'camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=(), interest-cohort=()';

/** Nothing from elsewhere, nothing inline; WebAssembly because libsodium is some. */
export function contentSecurityPolicy(origins: readonly string[]): Record<string, string[]> {
  // Older browsers do not take 'self' for the socket of the same host.
  const sockets = origins.map((origin) => origin.replace(/^http/, 'ws'));
  return {
    defaultSrc: ["'self'"],
    scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
    workerSrc: ["'self'"],
    connectSrc: ["'self'", ...sockets],
    imgSrc: ["'self'", 'data:', 'blob:'],
    mediaSrc: ["'self'", 'blob:'],
    styleSrc: ["'self'"],
    fontSrc: ["'self'"],
    manifestSrc: ["'self'"],
    objectSrc: ["'none'"],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
  };
}

/**
 * The headers that Helmet sets, by their names in lower case. They are the same on every answer, so it is asked once: its plugin for Fastify
 * would work them out anew for each request, an eighth of the gateway's time.
 */
function helmetHeaders(options: HelmetOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  const response: Pick<ServerResponse, 'setHeader' | 'removeHeader'> = {
    setHeader(name, value) {
      headers[name.toLowerCase()] = String(value);
      return response as ServerResponse;
    },
    removeHeader() {},
  };
  helmet(options)({} as IncomingMessage, response as ServerResponse, (error) => {
    if (error) throw error as Error;
  });
  return headers;
}

/** Headers of every answer, and CORS by the exact list of origins. There are no cookies, so there are no credentials to allow. */
export async function secureHeaders(instance: FastifyInstance, config: GatewayConfig): Promise<void> {
  const origins = config.RIALTO_ORIGINS;
  const isHttps = origins.length > 0 && origins.every((origin) => origin.startsWith('https:'));
  const headers = helmetHeaders({
    contentSecurityPolicy: { useDefaults: false, directives: contentSecurityPolicy(origins) },
    strictTransportSecurity: isHttps ? { maxAge: HSTS_S } : false,
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
  });
  instance.addHook('onRequest', (_request, reply, done) => {
    void reply.headers(headers).header('permissions-policy', PERMISSIONS);
    done();
  });
  // The plugin answers in plain text what is no preflight; here everything that is refused is a problem.
  instance.addHook('onRequest', async ({ method, headers, id }, reply) => {
    const isPreflight = headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
    if (method !== 'OPTIONS' || isPreflight) return undefined;
    sendProblem(reply, new HttpError(405), id);
    return reply;
  });
  await instance.register(cors, {
    origin: origins.length > 0 ? [...origins] : false,
    methods: ['GET', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'x-request-id', 'traceparent'],
    exposedHeaders: ['x-request-id', 'retry-after', 'ratelimit', 'ratelimit-policy'],
    credentials: false,
    maxAge: PREFLIGHT_S,
    strictPreflight: true,
  });
}
