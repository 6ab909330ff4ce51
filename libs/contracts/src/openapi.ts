import * as z from 'zod';
import { COMMON_ERRORS, ERRORS, type ErrorCode } from './errors.ts';
import { isForPeople, type Bound, type Service } from './operation.ts';
import { ClientFrame, CLOSE_CODES, ServerFrame } from './socket.ts';
import { SignedBody } from './values.ts';

type Json = Readonly<Record<string, unknown>>;
interface ObjectSchema extends Json {
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
}
const PROBLEM = { $ref: '#/components/schemas/Problem' } as const;
const ABOUT = { title: 'Rialto', version: '1', license: { name: 'AGPL-3.0-only', identifier: 'AGPL-3.0-only' } } as const;

/** JSON Schema 2020-12, which is what OpenAPI 3.1 and AsyncAPI 3 speak. */
function schemaOf(type: z.ZodType, io: 'input' | 'output'): ObjectSchema {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(type, { io }) as Json;
  return schema;
}

/** OpenAPI 3.1 of everything that people may call. */
export function openApi(services: readonly Service[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const { operations } of services) {
    for (const operation of Object.values(operations)) {
      if (operation.http === undefined || !isForPeople(operation)) continue;
      const [method = '', route = ''] = operation.http.split(' ');
      const path = route.replaceAll(/:(\w+)/g, '{$1}');
      (paths[path] ??= {})[method.toLowerCase()] = describe(operation, method, route);
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      ...ABOUT,
      description: 'Every operation of Rialto. Bodies and answers are JSON in UTF-8; every error is a problem (RFC 9457).',
    },
    tags: services.map(({ name }) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        device: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'From identity.createSession.' },
      },
      schemas: { Problem: problemSchema() },
    },
  };
}

function describe(operation: Bound, method: string, route: string): Json {
  const inPath = new Set([...route.matchAll(/:(\w+)/g)].map(([, name]) => name ?? ''));
  const { properties = {}, required = [] } = schemaOf(operation.input, 'input');
  const rest = Object.keys(properties).filter((key) => !inPath.has(key));
  const isInQuery = method === 'GET' || method === 'DELETE';
  const parameter = (name: string) => {
    const place = inPath.has(name) ? 'path' : 'query';
    return { name, in: place, required: place === 'path' || required.includes(name), schema: properties[name] };
  };
  return {
    operationId: `${operation.service}.${operation.name}`,
    tags: [operation.service],
    summary: operation.summary,
    security: operation.callers.includes('anyone') ? [] : [{ device: [] }],
    parameters: [...[...inPath, ...(isInQuery ? rest : [])].map(parameter), ...idempotencyKey(operation, method)],
    ...(isInQuery
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: bodySchema(operation, rest) } } } }),
    responses: {
      200: { description: 'Done.', content: { 'application/json': { schema: schemaOf(operation.output, 'output') } } },
      ...failures(operation),
    },
  };
}

function idempotencyKey({ idempotentBy }: Bound, method: string): Json[] {
  if (method !== 'POST' || idempotentBy === undefined) return [];
  const description = `Fills \`${idempotentBy}\` of the body; when both are given they must agree. For a signed body: the signature.`;
  return [{ name: 'Idempotency-Key', in: 'header', required: false, description, schema: { type: 'string' } }];
}

function bodySchema({ input, signedAs }: Bound, keys: readonly string[]): Json {
  const { properties = {}, required = [] } = schemaOf(input, 'input');
  if (signedAs !== undefined) {
    const { properties: signedBody, ...schema } = schemaOf(SignedBody, 'input');
    const contents = {
      contentEncoding: 'base64url',
      contentMediaType: 'application/json',
      contentSchema: { type: 'object', properties, required },
    };
    const description = `UTF-8 JSON, signed for the purpose \`${signedAs}\` by the device key.`;
    return { ...schema, properties: { ...signedBody, signed: { ...signedBody?.['signed'], description, ...contents } } };
  }
  const kept = Object.fromEntries(keys.map((key) => [key, properties[key]]));
  return {
    type: 'object',
    properties: kept,
    required: required.filter((key) => keys.includes(key)),
    additionalProperties: false,
  };
}

/** One response for each status, which names the codes that it may carry. */
function failures({ errors }: Bound): Json {
  const codes = [...new Set<ErrorCode>([...errors, ...COMMON_ERRORS])];
  const statuses = [...new Set(codes.map((code) => ERRORS[code].status))].sort((a, b) => a - b);
  const response = (status: number) => {
    const here = codes.filter((code) => ERRORS[code].status === status);
    const schema = { allOf: [PROBLEM, { properties: { code: { enum: here } } }] };
    const description = here.map((code) => `\`${code}\`: ${ERRORS[code].meaning}`).join(' ');
    return [status, { description, content: { 'application/problem+json': { schema } } }];
  };
  return Object.fromEntries(statuses.map(response)) as Json;
}

function problemSchema(): Json {
  const text = { type: 'string' };
  return {
    type: 'object',
    required: ['type', 'title', 'status', 'code', 'retryable', 'requestId', 'docUrl'],
    properties: {
      type: { ...text, description: 'A relative address that names the kind of problem.' },
      title: text,
      status: { type: 'integer' },
      code: { enum: Object.keys(ERRORS) },
      retryable: { type: 'boolean' },
      retryAfterMs: { type: 'integer' },
      requestId: { ...text, description: 'Finds the request in the logs.' },
      docUrl: text,
      details: { description: 'What exactly is wrong, where that can be said.' },
    },
  };
}

/** AsyncAPI 3.0 of the socket: its frames, and every event that a `dispatch` frame may carry. */
export function asyncApi(services: readonly Service[]): Json {
  const events = services.flatMap((service) => Object.values(service.events));
  const eventMessages = events.map((event) => [
    `${event.service}.${event.name}`,
    {
      name: `${event.service}.${event.name}`,
      summary: event.summary,
      description: event.audience === 'account' ? 'To every device of the account.' : 'To the device that the payload names.',
      payload: schemaOf(event.payload, 'output'),
    },
  ]);
  const messages: Readonly<Record<string, Json>> = {
    clientFrame: { summary: 'What a client sends.', payload: schemaOf(ClientFrame, 'input') },
    serverFrame: { summary: 'What the server sends.', payload: schemaOf(ServerFrame, 'output') },
    ...(Object.fromEntries(eventMessages) as Readonly<Record<string, Json>>),
  };
  const socket = { $ref: '#/channels/socket' };
  const refer = (keys: readonly string[]) => keys.map((key) => ({ $ref: `#/channels/socket/messages/${key}` }));
  const closes = Object.entries(CLOSE_CODES).map(
    ([code, { reason, reconnect }]) => `${code}: ${reason}${reconnect ? '' : ' (do not come back)'}`,
  );
  return {
    asyncapi: '3.0.0',
    info: ABOUT,
    channels: { socket: { address: '/v1/socket', description: `Closes with ${closes.join('; ')}.`, messages } },
    operations: {
      receiveFrame: { action: 'receive', channel: socket, messages: refer(['clientFrame']) },
      sendFrame: {
        action: 'send',
        channel: socket,
        messages: refer(Object.keys(messages).filter((key) => key !== 'clientFrame')),
      },
    },
  };
}
