import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** Fake devices, given by a context's permissions alone, sound without a click, and nothing that calls home: no network is needed. */
const FLAGS = [
  '--no-sandbox',
  '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** What a person would wait for one step on a busy machine. */
const STEP_TIMEOUT_MS = 20_000;

export async function startBrowser(): Promise<Browser> {
  const executablePath = process.env.RIALTO_CHROMIUM;
  if (!executablePath) throw new Error('RIALTO_CHROMIUM names no browser: run the browser tests with `npm test -- browser`.');
  return chromium.launch({ executablePath, args: FLAGS });
}

export interface Look {
  readonly width: number;
  readonly height: number;
  readonly theme: 'light' | 'dark';
}
export const WIDE: Look = { width: 1280, height: 800, theme: 'light' };
export const NARROW: Look = { width: 390, height: 780, theme: 'light' };

/** One person's browser: storage of its own, English, microphone and camera allowed. What the page logs as an error is kept. */
export interface PersonBrowser {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly errors: readonly string[];
}

export async function openPerson(browser: Browser, url: string, { width, height, theme }: Look = WIDE): Promise<PersonBrowser> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    locale: 'en-GB',
    permissions: ['microphone', 'camera', 'clipboard-write'],
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_TIMEOUT_MS);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(`${message.text()} (${message.location().url})`);
  });
  await page.goto(url);
  return { context, page, errors };
}

/** A handle that nobody has: handles are for good, and a system lives longer than one test. */
export const freshHandle = (name: string): string => `${name}_${Math.random().toString(36).slice(2, 8)}`;

/** Goes through the welcome as a newcomer does. Returns the recovery phrase that was shown. */
export async function registerInBrowser(
  page: Page,
  handle: string,
  name: string,
  onPhrase?: () => Promise<void>,
): Promise<string> {
  await page.getByLabel('Handle').fill(handle);
  await page.getByLabel('Name people see').fill(name);
  await page.getByText('Available', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('heading', { name: 'Your recovery phrase' }).waitFor();
  const words = await page.getByRole('list', { name: 'Recovery phrase' }).getByRole('listitem').allInnerTexts();
  await onPhrase?.();
  await page.getByRole('button', { name: 'I wrote them down' }).click();
  await page.getByRole('heading', { name: 'Chats', exact: true }).waitFor();
  return words.join(' ');
}

/** Ana opens the conversation with a handle and says something; Ben accepts it. Both are then in the conversation. */
export async function meet(
  ana: Page,
  ben: Page,
  benHandle: string,
  benName: string,
  anaName: string,
  onRequest?: () => Promise<void>,
): Promise<void> {
  await ana.getByRole('button', { name: 'New chat' }).first().click();
  await ana.getByRole('dialog').getByLabel('Handle').fill(benHandle);
  await ana.getByRole('button', { name: 'Find' }).click();
  await ana.getByRole('button', { name: `Write to ${benName}` }).click();
  await write(ana, benName, 'Did the tickets come through?');
  await ben.getByRole('link', { name: new RegExp(anaName) }).click();
  await ben.getByRole('button', { name: 'Accept' }).waitFor();
  await onRequest?.();
  await ben.getByRole('button', { name: 'Accept' }).click();
  await ben.getByText('Did the tickets come through?').last().waitFor();
}

export interface Two {
  ana: PersonBrowser;
  ben: PersonBrowser;
  anaHandle: string;
  benHandle: string;
}
/** Ana Ruiz and Ben Okafor, who have met, each in an own browser. `prepare` comes before either registers. */
export async function twoWhoMet(
  browser: Browser,
  url: string,
  { bensLook, prepare }: { bensLook?: Look; prepare?: (two: { ana: PersonBrowser; ben: PersonBrowser }) => Promise<void> } = {},
): Promise<Two> {
  const [ana, ben] = await Promise.all([openPerson(browser, url), openPerson(browser, url, bensLook)]);
  await prepare?.({ ana, ben });
  const [anaHandle, benHandle] = [freshHandle('ana'), freshHandle('ben')];
  await Promise.all([registerInBrowser(ana.page, anaHandle, 'Ana Ruiz'), registerInBrowser(ben.page, benHandle, 'Ben Okafor')]);
  await meet(ana.page, ben.page, benHandle, 'Ben Okafor', 'Ana Ruiz');
  return { ana, ben, anaHandle, benHandle };
}

/** The conversation with somebody, by the list of chats, on a page that was loaded anew. */
export async function openChat(page: Page, name: string): Promise<void> {
  await page.goto(new URL('/', page.url()).href);
  await page
    .getByRole('link', { name: new RegExp(name) })
    .first()
    .click();
  await page.getByRole('textbox', { name: `Message ${name}` }).waitFor();
}

export async function write(page: Page, to: string, text: string): Promise<void> {
  const box = page.getByRole('textbox', { name: `Message ${to}` });
  await box.fill(text);
  await box.press('Enter');
  await page.getByRole('log').getByText(text).last().waitFor();
}

/** Goes through the checkout page with a card that pays, and comes back to the wallet. */
export async function topUpInBrowser(page: Page, amount: string, onCheckout?: () => Promise<void>): Promise<void> {
  await page.goto(new URL('/wallet', page.url()).href);
  await page.getByRole('button', { name: 'Add money' }).first().click();
  await page.getByRole('dialog').getByLabel('Amount').fill(amount);
  await page.getByRole('button', { name: 'Continue to checkout' }).click();
  await page.waitForURL(/\/simulated\/checkout\//);
  await page.getByRole('button', { name: /^Pay/ }).waitFor();
  await onCheckout?.();
  await page.getByRole('button', { name: /^Pay/ }).click();
  await page.waitForURL(/\/wallet/);
}
