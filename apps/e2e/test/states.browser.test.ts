import type { Browser, BrowserContext, Page, Route } from 'playwright-core';
import {
  freshHandle,
  NARROW,
  openChat,
  openPerson,
  type PersonBrowser,
  registerInBrowser,
  startBrowser,
  topUpInBrowser,
  twoWhoMet,
  write,
} from '../src/browser.ts';

/** What the screens say when something is missing: the server, an answer, a chat. They must neither lie nor end in a dead end. */

const url = process.env.RIALTO_E2E_URL ?? '';
/** The SDK repeats what may pass before it says that it did not. */
const GIVES_UP_MS = 45_000;
jest.setTimeout(180_000);

let browser: Browser;
let ana: PersonBrowser;
let ben: PersonBrowser;
beforeAll(async () => {
  browser = await startBrowser();
  ({ ana, ben } = await twoWhoMet(browser, url));
  await topUpInBrowser(ana.page, '20');
  await ana.page.getByText('€20.00').first().waitFor();
}, 120_000);
afterAll(() => browser?.close());

test('a handle that could not be asked for is not called available', async () => {
  const { context, page } = await openPerson(browser, url);
  const back = await withoutServer(context);
  await page.getByLabel('Handle').fill(freshHandle('cai'));
  await page.getByText('Not checked', { exact: true }).waitFor({ timeout: GIVES_UP_MS });
  expect(await page.getByText('Available', { exact: true }).count()).toBe(0);
  expect(await page.getByRole('button', { name: 'Create account' }).isEnabled()).toBe(true);
  await shoot(page, 'welcome-unasked');
  await back();
  await context.close();
});

test('the recovery phrase promises no more than is built, and is shown until it is written down, also when the page is left', async () => {
  const { context, page } = await openPerson(browser, url);
  await page.getByLabel('Handle').fill(freshHandle('dee'));
  await page.getByText('Available', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByText('Bringing an account back with them is not built yet.').waitFor();
  await shoot(page, 'phrase');
  const words = page.getByRole('list', { name: 'Recovery phrase' }).getByRole('listitem');
  const shown = await words.allInnerTexts();
  await page.reload();
  await page.getByRole('heading', { name: 'Your recovery phrase' }).waitFor();
  expect(await words.allInnerTexts()).toEqual(shown);
  await page.getByRole('button', { name: 'I wrote them down' }).click();
  await page.getByRole('heading', { name: 'Chats', exact: true }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Chats', exact: true }).waitFor();
  await page.getByRole('link', { name: 'You', exact: true }).click();
  await page.getByText('Bringing an account back with the twelve words is not built yet').waitFor();
  await shoot(page, 'you');
  await context.close();
});

test('while the server is away the wallet shows what was verified, says so, and can be asked again', async () => {
  const { context, page } = ana;
  const back = await withoutServer(context);
  await page.goto(`${url}/wallet`);
  await page.getByText('€20.00').first().waitFor();
  await page.getByText('Simulated money').first().waitFor();
  await page.getByText('Top-up', { exact: true }).waitFor();
  await page.getByText('As last checked on this device.').waitFor({ timeout: GIVES_UP_MS });
  await shoot(page, 'wallet-offline');
  await back('the API');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('As last checked on this device.').waitFor({ state: 'detached' });
  await back();
});

test('a wallet that was never read says so instead of a dead form', async () => {
  const { context, page } = await openPerson(browser, url);
  const back = await withoutServer(context, /\/v1\/(?:wallet|socket)/);
  await registerInBrowser(page, freshHandle('eli'), 'Eli');
  await page.getByRole('link', { name: 'Wallet', exact: true }).click();
  await page.getByText('Your balance is not known yet').waitFor({ timeout: GIVES_UP_MS });
  await shoot(page, 'wallet-unknown');
  await back('the API');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('button', { name: 'Add money' }).first().waitFor();
  await context.close();
});

test('on a phone there is a way back from a chat that is not here', async () => {
  await ana.page.setViewportSize(NARROW);
  await ana.page.goto(`${url}/c/cnv_AAAAAAAAAAAAAAAAAAAAAA`);
  await ana.page.getByText('There is no such chat here').waitFor();
  await shoot(ana.page, 'no-such-chat');
  await ana.page.getByRole('link', { name: 'Back to chats' }).click();
  await ana.page.getByRole('heading', { name: 'Chats', exact: true }).waitFor();
  await ana.page.setViewportSize({ width: 1280, height: 800 });
});

test('a reaction to a payment shows on both sides', async () => {
  await openChat(ana.page, 'Ben Okafor');
  await ana.page.getByRole('button', { name: /Send money/ }).click();
  await ana.page.getByRole('dialog').getByLabel('Amount').fill('12');
  await ana.page.getByRole('button', { name: 'Pay €12.00' }).click();
  await openChat(ben.page, 'Ana Ruiz');
  const card = ben.page.getByRole('article').filter({ hasText: '€12.00' });
  await card.hover();
  await card.getByRole('button', { name: 'React', exact: true }).click();
  await card.getByRole('button', { name: 'React with 🎉' }).click();
  for (const page of [ana.page, ben.page]) await page.getByRole('button', { name: /🎉, 1/ }).waitFor();
  await shoot(ana.page, 'payment-reaction');
});

test('what waits offline is counted', async () => {
  await ana.context.setOffline(true);
  await write(ana.page, 'Ben Okafor', 'One');
  await write(ana.page, 'Ben Okafor', 'Two');
  await ana.page.getByText(/You are offline.* 2 waiting\./).waitFor({ timeout: GIVES_UP_MS });
  await ana.page.getByRole('article').filter({ hasText: 'Two' }).getByText('Sending').waitFor({ state: 'attached' });
  await ana.context.setOffline(false);
  await ben.page.getByRole('log').getByText('Two').waitFor({ timeout: GIVES_UP_MS });
});

test('a message that was refused says so, and goes out when it is tried again', async () => {
  await ben.page.getByLabel('More').click();
  await ben.page.getByRole('button', { name: 'Block Ana Ruiz' }).click();
  await ben.page.getByText('You blocked Ana Ruiz').waitFor();
  await write(ana.page, 'Ben Okafor', 'Are you there?');
  await ana.page.getByText(/^Not sent\./).waitFor();
  await shoot(ana.page, 'not-sent');
  await ben.page.getByRole('button', { name: 'Unblock', exact: true }).click();
  await ben.page.getByRole('textbox', { name: 'Message Ana Ruiz' }).waitFor();
  await ana.page.getByRole('button', { name: 'Try again' }).click();
  await ana.page.getByText(/^Not sent\./).waitFor({ state: 'detached' });
  await ben.page.getByRole('log').getByText('Are you there?').waitFor();
});

test('a page from before an update offers to reload instead of turning white', async () => {
  const { page } = ben;
  await page.goto(url);
  await page.route(/\/assets\/wallet-/, (route) => route.fulfill({ status: 404, body: 'gone' }));
  await page.getByRole('link', { name: 'Wallet', exact: true }).click();
  await page.getByText('A new version is ready').waitFor();
  await shoot(page, 'new-version');
  await page.unroute(/\/assets\/wallet-/);
  await page.getByRole('button', { name: 'Reload' }).click();
  await page.getByRole('heading', { name: 'Wallet' }).waitFor();
});

/**
 * The page and its scripts still come; the API and the socket do not. Returns what brings them back: both, or the API alone, so that nothing
 * is read anew by itself.
 */
async function withoutServer(
  context: BrowserContext,
  paths: RegExp = /\/v1\//,
): Promise<(what?: 'both' | 'the API') => Promise<void>> {
  let isSocketAway = true;
  const abort = (route: Route) => route.abort();
  await context.route(paths, abort);
  await context.routeWebSocket(/\/v1\/socket/, (socket) => {
    if (isSocketAway) void socket.close();
    else socket.connectToServer();
  });
  return async (what = 'both') => {
    isSocketAway = what === 'the API';
    await context.unroute(paths, abort);
  };
}

/** Pictures for the eye, light and dark, wide and narrow, when RIALTO_SCREENS names a folder. */
async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env.RIALTO_SCREENS;
  const before = page.viewportSize();
  if (!folder || !before) return;
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 320]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: width === 320 ? 640 : 800 });
      await page.screenshot({ path: `${folder}/${name}-${colorScheme}-${width}.png` });
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(before);
}
