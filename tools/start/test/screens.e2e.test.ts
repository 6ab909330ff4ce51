import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { freePort } from '@rialto/engines';

const ROOT = resolve(__dirname, '../../..');

/** `npm run screens`, with the address of a system. */
async function screens(url: string) {
  const env = { ...process.env, RIALTO_URL: url };
  const child = spawn(process.execPath, [join(ROOT, 'tools/start/screens.mjs')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, output };
}

test('without a system the pictures end with one sentence', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  expect(await screens(url)).toEqual({
    code: 1,
    output: `No Rialto runs at ${url}: start one with npm start, or name another with RIALTO_URL.\n`,
  });
});

test('without a web client too', async () => {
  const server = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await screens(url)).toEqual({
    code: 1,
    output: `The Rialto at ${url} serves no web client: start it without --no-web.\n`,
  });
  await new Promise((done) => server.close(done));
});

test('every npm script that runs a file begins with plain JavaScript, which any Node can say a sentence in', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  const first = Object.entries(scripts).flatMap(([name, command]) => {
    const file = /^node (\S+)/.exec(command)?.[1];
    return file === undefined ? [] : [[name, file] as const];
  });
  expect(first.length).toBeGreaterThan(5);
  expect(first.filter(([, file]) => !file.endsWith('.mjs'))).toEqual([]);
});
