import * as z from 'zod';
import { EnvironmentError, KeyVariable, ListVariable, parseEnvironment, ServiceEnvironment } from './environment.ts';

test('the problems are a table, without values', () => {
  const env = { RIALTO_NATS_URL: 'http://x', RIALTO_NATS_SEED: 'SUSECRET', RIALTO_TOKEN_PUBLIC_KEY: '' };
  const parse = () => parseEnvironment(ServiceEnvironment, env);
  expect(parse).toThrow(EnvironmentError);
  expect(parse).toThrow(/RIALTO_NATS_URL +must be a nats/);
  expect(parse).toThrow(/RIALTO_TOKEN_PUBLIC_KEY +is missing/);
  expect(parse).toThrow(/RIALTO_DATABASE_URL +is missing/);
  expect(parse).not.toThrow(/SUSECRET/);
});

test('keys are 32 bytes, lists have no empty members', () => {
  const schema = z.object({ KEY: KeyVariable, LIST: ListVariable });
  expect(parseEnvironment(schema, { KEY: 'A'.repeat(43), LIST: ' a,,b ' })).toEqual({
    KEY: new Uint8Array(32),
    LIST: ['a', 'b'],
  });
  expect(() => parseEnvironment(schema, { KEY: 'A'.repeat(42), LIST: 'a' })).toThrow(/32 bytes/);
});
