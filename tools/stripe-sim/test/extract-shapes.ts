/**
 * Writes generated/specification-shapes.json anew: `node test/extract-shapes.ts <spec3.json> <name of the source>`.
 * The specification is the one embedded in stripe-mock: `$(go env GOMODCACHE)/github.com/stripe/stripe-mock@<version>/embedded/openapi/spec3.json`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface OpenApiSchema {
  $ref?: string;
  anyOf?: OpenApiSchema[];
  type?: string;
  enum?: (string | number)[];
  items?: OpenApiSchema;
  nullable?: boolean;
  properties?: Record<string, OpenApiSchema>;
  required?: string[];
}

interface Specification {
  info: { version: string };
  components: { schemas: Record<string, OpenApiSchema> };
}

const objects = [
  ...[
    'balance_transaction',
    'charge',
    'checkout.session',
    'customer',
    'event',
    'item',
    'payment_intent',
    'price',
    'refund',
    'webhook_endpoint',
  ],
];

/** OpenAPI 3.0 to JSON Schema. Nested objects are kept one level deep; another API object is asked for its id and its name only. */
function convert(spec: Specification, schema: OpenApiSchema, depth: number): object {
  if (schema.$ref !== undefined) {
    const target = spec.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {};
    return target.properties?.['object']?.enum === undefined
      ? convert(spec, { ...target, ...nullability(schema) }, depth)
      : { type: 'object', required: ['id', 'object'] };
  }
  if (schema.anyOf) {
    const options = [...new Set(schema.anyOf.map((option) => JSON.stringify(convert(spec, option, depth))))].map(
      (text) => JSON.parse(text) as object,
    );
    return { anyOf: schema.nullable === true ? [...options, { type: 'null' }] : options };
  }
  const type = schema.nullable === true && schema.type !== undefined ? [schema.type, 'null'] : schema.type;
  const base = type === undefined ? {} : { type };
  if (schema.type === 'array') return { ...base, items: convert(spec, schema.items ?? {}, depth) };
  if (schema.enum)
    return { ...base, enum: [...schema.enum.filter((word) => word !== ''), ...(schema.nullable === true ? [null] : [])] };
  if (depth === 0 || !schema.properties) return base;
  const properties = Object.fromEntries(
    Object.entries(schema.properties).map(([name, part]) => [name, convert(spec, part, depth - 1)]),
  );
  return { ...base, ...(schema.required ? { required: schema.required } : {}), properties };
}

function nullability(schema: OpenApiSchema): { nullable?: boolean } {
  return schema.nullable === undefined ? {} : { nullable: schema.nullable };
}

function main(file: string, source: string): void {
  const spec = JSON.parse(readFileSync(file, 'utf8')) as Specification;
  const definitions = Object.fromEntries(objects.map((name) => [name, convert(spec, spec.components.schemas[name] ?? {}, 2)]));
  const comment = `Extract of components.schemas from Stripe's OpenAPI specification ${spec.info.version} (MIT licence), taken from ${source} by extract-shapes.ts.`;
  // One object a line: small, and a change shows which object it concerns.
  const lines = Object.entries(definitions).map(([name, shape]) => `${JSON.stringify(name)}: ${JSON.stringify(shape)}`);
  const text = `{"$comment": ${JSON.stringify(comment)}, "definitions": {\n${lines.join(',\n')}\n}}\n`;
  writeFileSync(join(import.meta.dirname, 'generated', 'specification-shapes.json'), text);
}

const [file, source] = process.argv.slice(2);
if (file === undefined || source === undefined)
  throw new Error('usage: node test/extract-shapes.ts <spec3.json> <name of the source>');
main(file, source);
