/** Real: Chromium with its IndexedDB, WebCrypto, Web Locks and BroadcastChannel, and two tabs of one origin. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findChromium } from '@rialto/engines';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { StoreHarness } from './store-harness/harness.ts';

/** In the pages, where the functions given to `evaluate` run. */
declare const harness: StoreHarness;

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const HARNESS_DIR = fileURLToPath(new URL('./store-harness/', import.meta.url));
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

let dir: string;
let server: Server;
let browser: Browser;
let context: BrowserContext;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rialto-store-'));
  await promisify(execFile)(join(ROOT, 'node_modules/.bin/vite'), [
    'build',
    '-c',
    join(HARNESS_DIR, 'vite.config.ts'),
    '--outDir',
    dir,
  ]);
  server = createServer((request, response) => {
    const file = normalize(new URL(request.url ?? '/', 'http://host').pathname.replace(/\/$/, '/index.html'));
    readFile(join(dir, file)).then(
      (bytes) => response.setHeader('content-type', TYPES[extname(file)] ?? 'text/plain').end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const found = await findChromium();
  if (found.missing) throw new Error(`There is no Chromium (${found.why.join('; ')}). This helps: ${found.help}`);
  browser = await chromium.launch({ executablePath: found.path, args: ['--no-sandbox'] });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  server?.close();
  rmSync(dir, { recursive: true });
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());
jest.setTimeout(60_000);

async function tab(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.waitForFunction(() => 'harness' in globalThis);
  return page;
}

test('keeps rows, sealed, over a reload; writes all or nothing; reads ranges both ways', async () => {
  const page = await tab();
  expect(await page.evaluate(() => harness.open())).toBe('open');
  await page.evaluate(() =>
    harness.write([
      ['put', 'b/1', 'canary one'],
      ['put', 'b/2', 'canary two'],
      ['put', 'c/1', 'x'],
    ]),
  );
  expect(
    await page.evaluate(() =>
      harness.write([
        ['put', 'd', 'y'],
        ['insert', 'b/1', 'z'],
      ]),
    ),
  ).toBe('StoreConflict');
  expect(await page.evaluate(() => harness.read('d'))).toBe('nothing');
  await page.reload();
  await page.waitForFunction(() => 'harness' in globalThis);
  expect(await page.evaluate(() => harness.open())).toBe('open');
  expect(await page.evaluate(() => harness.read('b/1'))).toBe('canary one');
  expect(await page.evaluate(() => harness.keys({ prefix: 'b/' }))).toEqual(['b/1', 'b/2']);
  expect(await page.evaluate(() => harness.keys({ prefix: 'b/', backwards: true, after: 'b/2' }))).toEqual(['b/1']);
  expect(await page.evaluate(() => harness.keys({ after: 'b/1', limit: 1 }))).toEqual(['b/2']);
  expect(await page.evaluate(() => harness.raw('rialto'))).not.toContain('canary');
});

test('one tab writes; another one takes over, and the first can write no more', async () => {
  const [first, second] = [await tab(), await tab()];
  expect(await first.evaluate(() => harness.open())).toBe('open');
  expect(await second.evaluate(() => harness.open())).toBe('elsewhere');
  // The first one does not give up by itself: the lock is taken from it after a while, as from a tab that sleeps.
  expect(await second.evaluate(() => harness.takeOver())).toBe('taken');
  expect(await first.evaluate(() => harness.isLost())).toBe(true);
  expect(await second.evaluate(() => harness.open())).toBe('open');
  expect(await second.evaluate(() => harness.write([['put', 'a', 'second']]))).toBe('written');
  expect(await first.evaluate(() => harness.write([['put', 'a', 'first']]))).toBe('elsewhere');
  expect(await second.evaluate(() => harness.read('a'))).toBe('second');
});

test('a tab that hears the request and closes hands over at once', async () => {
  const [first, second] = [await tab(), await tab()];
  await first.evaluate(() => harness.open());
  const taken = second.evaluate(() => harness.takeOver());
  await first.waitForFunction(() => harness.isLost());
  await first.evaluate(() => harness.close());
  expect(await taken).toBe('taken');
  expect(await second.evaluate(() => harness.open())).toBe('open');
});

test('a passphrase opens its store and no other does', async () => {
  const page = await tab();
  expect(await page.evaluate(() => harness.open({ name: 'locked', passphrase: 'right' }))).toBe('open');
  await page.evaluate(() => harness.write([['put', 'a', '1']]));
  await page.evaluate(() => harness.close());
  expect(await page.evaluate(() => harness.open({ name: 'locked', passphrase: 'wrong' }))).toBe('wrong-key');
  expect(await page.evaluate(() => harness.open({ name: 'locked' }))).toBe('wrong-key');
  expect(await page.evaluate(() => harness.open({ name: 'locked', passphrase: 'right' }))).toBe('open');
  expect(await page.evaluate(() => harness.read('a'))).toBe('1');
});
