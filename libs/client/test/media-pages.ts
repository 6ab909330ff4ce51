import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findChromium } from '@rialto/engines';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { IceServer, Media, MediaStats } from '../src/calls/media-engine.ts';
import type { Name } from './media-harness/conversation.ts';
import type { HarnessSurface } from './media-harness/surface.ts';

/** In the pages, where the functions given to `evaluate` run. */
declare const window: { readonly harness: HarnessSurface };

/** Chromium with devices that beep and blink, and with loopback allowed between peers where there is no other network. */
const FLAGS = [
  '--no-sandbox',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };
const HARNESS_DIR = fileURLToPath(new URL('./media-harness/', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface SideOptions {
  readonly secret?: string;
  readonly media?: Media;
  readonly iceServers?: readonly IceServer[];
  readonly isRelayOnly?: boolean;
  readonly forgetsAnnouncements?: boolean;
  readonly peerKeyDelayMs?: number;
  /** Without frame encryption, for comparison. */
  readonly isBare?: boolean;
}
/** Sees, changes (by what it returns) or drops (null) a sealed signal on its way. */
export type OnTheWay = (bytes: string, from: Name) => string | null;

/** Two pages of one Chromium, each one side of a call, with the test as the wire between them. */
export class MediaPages {
  readonly #browser: Browser;
  readonly #server: Server;
  readonly #dir: string;
  readonly address: string;

  private constructor(browser: Browser, server: Server, dir: string) {
    this.#browser = browser;
    this.#server = server;
    this.#dir = dir;
    this.address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  /** Builds the harness with the web client's tool, serves it, starts a browser. */
  static async start(): Promise<MediaPages> {
    const dir = mkdtempSync(join(tmpdir(), 'rialto-media-'));
    await promisify(execFile)(join(ROOT, 'node_modules/.bin/vite'), [
      'build',
      '-c',
      join(HARNESS_DIR, 'vite.config.ts'),
      '--outDir',
      dir,
    ]);
    const server = createServer((request, response) => {
      const file = normalize(new URL(request.url ?? '/', 'http://host').pathname.replace(/\/$/, '/index.html'));
      readFile(join(dir, file)).then(
        (body) => response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(body),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const found = await findChromium();
    if (found.missing) throw new Error(`There is no Chromium (${found.why.join('; ')}). This helps: ${found.help}`);
    const browser = await chromium.launch({ executablePath: found.path, headless: true, args: FLAGS });
    return new MediaPages(browser, server, dir);
  }

  async openPage(): Promise<Page> {
    const context = await this.#browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    await page.goto(this.address);
    await page.waitForFunction(() => window.harness !== undefined);
    return page;
  }

  /** Opens two pages and wires their signals. */
  async pair(onTheWay: OnTheWay = (bytes) => bytes): Promise<MediaPair> {
    const [ana, ben] = await Promise.all([this.openPage(), this.openPage()]);
    const wire = async (from: Name, source: Page, target: Page) => {
      await source.exposeFunction('deliver', async (bytes: string) => {
        const passed = onTheWay(bytes, from);
        if (passed !== null) await target.evaluate((each) => window.harness.receive(each), passed);
      });
    };
    await Promise.all([wire('ana', ana, ben), wire('ben', ben, ana)]);
    return new MediaPair(ana, ben);
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

export class MediaPair {
  readonly ana: Page;
  readonly ben: Page;
  constructor(ana: Page, ben: Page) {
    this.ana = ana;
    this.ben = ben;
  }

  /** Both have opened their devices; then they connect. Resolves when the caller's offer is on its way. */
  async call(anaOptions: SideOptions = {}, benOptions: SideOptions = anaOptions): Promise<void> {
    const of = (name: Name, options: SideOptions) => ({
      secret: 'exported from the group',
      media: 'video' as const,
      iceServers: [],
      isRelayOnly: false,
      ...options,
      name,
      isCaller: name === 'ana',
    });
    const sides = [
      { page: this.ben, options: of('ben', benOptions) },
      { page: this.ana, options: of('ana', anaOptions) },
    ];
    await Promise.all(sides.map(({ page, options }) => page.evaluate((each) => window.harness.prepare(each), options)));
    await Promise.all(sides.map(({ page, options }) => page.evaluate((each) => window.harness.connect(each), options)));
  }

  /** From the caller's first step to the first frame that the other side decoded. */
  async setUpMs(timeoutMs = 10_000): Promise<number> {
    for (const late = Date.now() + timeoutMs; Date.now() < late; await pause(50)) {
      const { decoded } = await timesOf(this.ben);
      const { started } = await timesOf(this.ana);
      if (decoded !== undefined && started !== undefined) return decoded - started;
    }
    throw new Error(`no picture came: ${JSON.stringify(await logOf(this.ben))}`);
  }

  async close(): Promise<void> {
    for (const page of [this.ana, this.ben]) {
      await page.evaluate(() => window.harness.close());
      await page.context().close();
    }
  }
}

export const statsOf = (page: Page): Promise<MediaStats> =>
  page.evaluate(async () => (await window.harness.stats()) as MediaStats);
export const logOf = (page: Page): Promise<string[]> => page.evaluate(() => window.harness.log);
export const timesOf = (page: Page): Promise<Record<string, number>> => page.evaluate(() => window.harness.times);

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Looks until the figures are as wanted; fails with the last ones seen. */
export async function untilStats(page: Page, isDone: (stats: MediaStats) => boolean, timeoutMs = 10_000): Promise<MediaStats> {
  let last: MediaStats | undefined;
  for (const late = Date.now() + timeoutMs; Date.now() < late; await pause(100)) {
    last = await statsOf(page);
    if (isDone(last)) return last;
  }
  throw new Error(`not in time: ${JSON.stringify(last)} ${JSON.stringify(await logOf(page))}`);
}

/** Credentials for a coturn that a test has started. */
export const turnServer = (turn: { urls: string[]; secret: string }): IceServer => {
  const username = `${Math.floor(Date.now() / 1_000) + 600}:test`;
  return { urls: turn.urls, username, credential: createHmac('sha1', turn.secret).update(username).digest('base64') };
};
