import { Ajv2020 } from 'ajv/dist/2020.js';
import { asyncApi, CONTRACTS, ERRORS, openApi, type Service } from '@rialto/contracts';
import { errorsPage, referencePage } from './reference.ts';

const services: readonly Service[] = Object.values(CONTRACTS);
const document = openApi(services) as {
  paths: Record<string, Record<string, { operationId: string; parameters: { in: string; name: string }[] }>>;
};
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });

/** What OpenAPI 3.1 demands of the parts that we use (from its specification, sections 4.8.1 to 4.8.17). */
const text = { type: 'string', minLength: 1 };
const media = {
  type: 'object',
  minProperties: 1,
  additionalProperties: { type: 'object', required: ['schema'], properties: { schema: { type: 'object' } } },
};
const parameter = {
  type: 'object',
  required: ['name', 'in', 'schema'],
  properties: {
    name: text,
    in: { enum: ['path', 'query', 'header'] },
    required: { type: 'boolean' },
    schema: { type: 'object' },
  },
  if: { properties: { in: { const: 'path' } } },
  then: { required: ['required'], properties: { required: { const: true } } },
};
const operation = {
  type: 'object',
  required: ['operationId', 'responses', 'summary', 'security'],
  properties: {
    operationId: { type: 'string', pattern: '^[a-z]+\\.[A-Za-z]+$' },
    parameters: { type: 'array', items: parameter },
    requestBody: { type: 'object', required: ['content'], properties: { content: media } },
    responses: {
      type: 'object',
      minProperties: 2,
      propertyNames: { pattern: '^[1-5][0-9]{2}$' },
      additionalProperties: { type: 'object', required: ['description'], properties: { description: text, content: media } },
    },
  },
};
const shape = {
  type: 'object',
  required: ['openapi', 'info', 'paths'],
  additionalProperties: false,
  properties: {
    openapi: { const: '3.1.0' },
    info: { type: 'object', required: ['title', 'version'] },
    tags: { type: 'array', items: { type: 'object', required: ['name'] } },
    paths: {
      type: 'object',
      propertyNames: { pattern: '^/v1/' },
      additionalProperties: {
        type: 'object',
        minProperties: 1,
        propertyNames: { enum: ['get', 'post', 'put', 'delete'] },
        additionalProperties: operation,
      },
    },
    components: { type: 'object' },
  },
};

test('the document has the shape of OpenAPI 3.1, and every schema in it compiles', () => {
  const isValid = ajv.compile(shape);
  isValid(document);
  expect(isValid.errors).toBeNull();
  const root = { $id: 'https://rialto.test/openapi.json', ...document };
  ajv.addSchema({ ...root, type: undefined } as never);
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      if ((key === 'schema' || key === 'payload') && typeof child === 'object') {
        const schema = JSON.parse(
          JSON.stringify(child).replaceAll('"#/components', '"https://rialto.test/openapi.json#/components'),
        ) as object;
        expect(() => ajv.compile(schema)).not.toThrow();
      } else visit(child);
    }
  };
  visit(document.paths);
  visit(asyncApi(services));
});

test('every operation for people is there once, with each of its path parameters', () => {
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.values(methods).map((each) => ({ path, ...each })),
  );
  const expected = services.flatMap(({ operations }) => Object.values(operations)).filter(({ http }) => http !== undefined);
  expect(described.map(({ operationId }) => operationId).sort()).toEqual(
    expected.map(({ service, name }) => `${service}.${name}`).sort(),
  );
  for (const { path, parameters } of described) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(parameters.filter((each) => each.in === 'path').map(({ name }) => name)).toEqual(inPath);
  }
});

test('every event is in the AsyncAPI document', () => {
  const { channels } = asyncApi(services) as { channels: { socket: { messages: Record<string, unknown> } } };
  for (const { events } of services)
    for (const event of Object.values(events))
      expect(channels.socket.messages).toHaveProperty([`${event.service}.${event.name}`]);
});

test('the pages name everything and hold nothing inline', () => {
  const reference = referencePage(document, services);
  for (const { operations } of services)
    for (const { service, name, http } of Object.values(operations))
      if (http) expect(reference).toContain(`id="${service}.${name}"`);
  for (const code of Object.keys(ERRORS)) expect(errorsPage()).toContain(`id="${code}"`);
  for (const html of [reference, errorsPage()]) expect(html).not.toMatch(/<script|<style|\sstyle=|\son\w+=|https?:\/\//);
});
