import type { Browser, Page, Route } from 'playwright-core';
import { freshHandle, openPerson, type PersonBrowser, registerInBrowser, startBrowser } from '../src/browser.ts';

/** What a newcomer waits for, and that nobody who has an account is taken for one. */

const url = process.env.RIALTO_E2E_URL ?? '';
const CRYPTOGRAPHY = /\/assets\/sdk-[\w-]+\.js/;
jest.setTimeout(120_000);

let browser: Browser;
let ana: PersonBrowser;
beforeAll(async () => {
  browser = await startBrowser();
  ana = await openPerson(browser, url);
  await registerInBrowser(ana.page, freshHandle('ana'), 'Ana Ruiz');
}, 120_000);
afterAll(() => browser?.close());

test('the welcome does not wait for the cryptography, which comes meanwhile', async () => {
  const { context, page } = await openPerson(browser, 'about:blank');
  const held: Route[] = [];
  await context.route(CRYPTOGRAPHY, (route) => void held.push(route));
  await page.goto(url);
  await page.getByLabel('Handle').fill(freshHandle('ben'));
  await page.getByText('Checking…').waitFor();
  expect(held.length).toBe(1); // it was asked for once, before anybody pressed anything
  expect(await page.getByRole('button', { name: 'Create account' }).isDisabled()).toBe(true);
  await Promise.all(held.map((route) => route.continue()));
  await page.getByText('Available', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('heading', { name: 'Your recovery phrase' }).waitFor();
  await context.close();
});

test('without the cryptography the welcome stays and says so when it is needed', async () => {
  const { context, page } = await openPerson(browser, 'about:blank');
  await context.route(CRYPTOGRAPHY, (route) => route.abort());
  await page.goto(url);
  await page.getByLabel('Handle').fill(freshHandle('cai'));
  await page.getByText('Not checked', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('alert').getByText('That did not work.').waitFor();
  await context.close();
});

test('whoever has an account never sees the welcome, and a browser without one keeps no empty database', async () => {
  const seen = await watchForWelcome(ana);
  await ana.page.reload();
  await ana.page.getByRole('heading', { name: 'Chats', exact: true }).waitFor();
  expect(await seen(ana.page)).toBe(false);
  const { context, page } = await openPerson(browser, 'about:blank');
  await context.route(CRYPTOGRAPHY, () => undefined);
  await page.goto(url);
  await page.getByRole('heading', { name: /Talk, call and pay/ }).waitFor();
  expect(await page.evaluate(async () => (await indexedDB.databases()).length)).toBe(0);
  await context.close();
});

test('two welcomes in one browser: the second waits for the first', async () => {
  const { context, page } = await openPerson(browser, url);
  await page.getByLabel('Handle').fill(freshHandle('dee'));
  await page.getByText('Available', { exact: true }).waitFor();
  const second = await context.newPage();
  await second.goto(url);
  await second.getByText('Rialto is open in another tab').waitFor();
  await context.close();
});

/** Notes from the next load on whether the welcome was in the document at any time. */
async function watchForWelcome({ page }: PersonBrowser): Promise<(page: Page) => Promise<boolean>> {
  await page.addInitScript(() => {
    new MutationObserver(() => {
      if (document.querySelector('.welcome')) Object.assign(globalThis, { sawWelcome: true });
    }).observe(document, { childList: true, subtree: true });
  });
  return (watched) => watched.evaluate(() => 'sawWelcome' in globalThis);
}
