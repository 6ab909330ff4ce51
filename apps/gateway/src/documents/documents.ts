import type { FastifyInstance, FastifyReply } from 'fastify';
import { asyncApi, openApi, type Service } from '@rialto/contracts';
import { STYLE } from './page.ts';
import { errorsPage, referencePage } from './reference.ts';

const MAX_AGE = 'public, max-age=300';

/** The API's own description, for people and for machines, made once from the contracts. */
export function serveDocuments(instance: FastifyInstance, services: readonly Service[]): void {
  const openApiDocument = openApi(services);
  const documents: Readonly<Record<string, readonly [type: string, text: string]>> = {
    '/openapi.json': ['application/json; charset=utf-8', JSON.stringify(openApiDocument)],
    '/asyncapi.json': ['application/json; charset=utf-8', JSON.stringify(asyncApi(services))],
    '/docs': ['text/html; charset=utf-8', referencePage(openApiDocument, services)],
    '/docs/errors': ['text/html; charset=utf-8', errorsPage()],
    '/docs/style.css': ['text/css; charset=utf-8', STYLE],
  };
  for (const [path, [type, text]] of Object.entries(documents)) {
    instance.get(path, async (_request, reply: FastifyReply) => reply.type(type).header('cache-control', MAX_AGE).send(text));
  }
}
