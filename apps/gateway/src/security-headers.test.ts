import fastify from 'fastify';
import type { GatewayConfig } from './config.ts';
import { secureHeaders } from './security-headers.ts';

async function headersOf(path: string, origins: string[]): Promise<Record<string, string>> {
  const instance = fastify();
  await secureHeaders(instance, { RIALTO_ORIGINS: origins } as unknown as GatewayConfig);
  instance.get('/there', () => 'there');
  const url = await instance.listen({ host: '127.0.0.1', port: 0 });
  const { headers } = await fetch(url + path);
  await instance.close();
  return Object.fromEntries(headers);
}

test.each(['/there', '/not-there'])('every answer tells browsers to be strict: %s', async (path) => {
  expect(await headersOf(path, ['http://rialto.test:7420'])).toMatchObject({
    'content-security-policy': expect.stringMatching(/^default-src 'self';.*frame-ancestors 'none'$/),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': expect.stringContaining('geolocation=()'),
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
});

test('only a server that is reached by HTTPS alone asks browsers to keep to it', async () => {
  const strict = async (...origins: string[]) => (await headersOf('/there', origins))['strict-transport-security'];
  expect(await strict('https://rialto.example')).toBe('max-age=31536000; includeSubDomains');
  expect(await strict('https://rialto.example', 'http://rialto.example')).toBeUndefined();
  expect(await strict()).toBeUndefined();
});
