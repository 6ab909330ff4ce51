import { Controller, Delete, Get, Header, HttpCode, Post, Put, Req, Res, type Type } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import { AppError, type Bound, type Method, type Service } from '@rialto/contracts';
import { continueTrace } from '@rialto/service';
import { bearerToken } from './authentication.ts';
import type { Dispatch } from './dispatch.ts';
import { withIdempotencyKey } from './idempotency.ts';
import { networkOf, rateLimitHeaders } from './rate-limit.ts';

const DECORATORS = { GET: Get, POST: Post, PUT: Put, DELETE: Delete } as const;
const INTEGER = /^-?\d{1,15}$/;
type Values = Readonly<Record<string, unknown>>;

export const methodAndPath = ({ http }: Pick<Bound, 'http'>): [Method, string] => (http ?? '').split(' ') as [Method, string];
const one = (header: string | string[] | undefined): string | undefined => (Array.isArray(header) ? header.join(', ') : header);

/** One Nest route for every operation that people may call. There is no other way in, and nothing here knows what an operation means. */
export function routesOf(services: readonly Service[], dispatch: Dispatch): Type {
  class OperationRoutes {}
  Controller()(OperationRoutes);
  for (const operation of services.flatMap(({ operations }) => Object.values(operations))) {
    if (operation.http === undefined) continue;
    const [method, path] = methodAndPath(operation);
    const readBody = bodyReader(operation, method);
    const value = async (request: FastifyRequest, reply: FastifyReply): Promise<string> => {
      const { headers, id: requestId } = request;
      const { json, standing } = await dispatch.run({
        operation,
        body: withIdempotencyKey(operation, readBody(request), one(headers['idempotency-key'])),
        token: bearerToken(headers.authorization),
        network: networkOf(request.ip),
        requestId,
        traceparent: continueTrace(one(headers['traceparent'])),
      });
      void reply.headers(rateLimitHeaders(standing));
      return json;
    };
    const key = `${operation.service}.${operation.name}`;
    Object.defineProperty(OperationRoutes.prototype, key, { value });
    const descriptor = { value };
    DECORATORS[method](path)(OperationRoutes.prototype, key, descriptor);
    HttpCode(200)(OperationRoutes.prototype, key, descriptor);
    Header('content-type', 'application/json; charset=utf-8')(OperationRoutes.prototype, key, descriptor);
    Header('cache-control', 'no-store')(OperationRoutes.prototype, key, descriptor);
    Req()(OperationRoutes.prototype, key, 0);
    Res({ passthrough: true })(OperationRoutes.prototype, key, 1);
  }
  return OperationRoutes;
}

/** Path parameters and, depending on the method, the query or the body as one object. */
function bodyReader(operation: Bound, method: Method): (request: FastifyRequest) => Values {
  const readQuery = queryReader(operation);
  const isInQuery = method === 'GET' || method === 'DELETE';
  return ({ query, body, params }) => {
    const rest = isInQuery ? readQuery(query as Values) : objectOf(body);
    const path = params as Values;
    for (const [name, value] of Object.entries(path)) {
      if (Object.hasOwn(rest, name) && rest[name] !== value) {
        throw new AppError('invalid-input', [{ path: name, message: 'the path says something else' }]);
      }
    }
    return { ...rest, ...path };
  };
}

function objectOf(body: unknown): Values {
  if (body === undefined) return {};
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Values;
  throw new AppError('invalid-input', [{ path: '', message: 'send a JSON object' }]);
}

/** A query carries text; the schema says which keys are numbers or booleans. What does not look like one stays text, and is refused. */
function queryReader(operation: Bound): (query: Values) => Values {
  const properties = (z.toJSONSchema(operation.input).properties ?? {}) as Record<string, { type?: string }>;
  const read = (key: string, value: unknown): unknown => {
    const type = Object.hasOwn(properties, key) ? properties[key]?.type : undefined;
    if ((type === 'integer' || type === 'number') && typeof value === 'string' && INTEGER.test(value)) return Number(value);
    if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
    return value;
  };
  return (query) => Object.fromEntries(Object.entries(query).map(([key, value]) => [key, read(key, value)]));
}
