import type { Browser, Page } from 'playwright-core';
import { freshHandle, type Look, meet, openPerson, registerInBrowser, startBrowser } from '../src/browser.ts';
import { findings } from '../src/looks.ts';

const url = process.env.RIALTO_E2E_URL ?? '';
const LOOKS: readonly Look[] = [
  { width: 1280, height: 800, theme: 'light' },
  { width: 320, height: 640, theme: 'dark' },
];
jest.setTimeout(120_000);

let browser: Browser;
/** All screens are looked at before the test says what it found. */
let found: string[] = [];
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser?.close());

test.each(LOOKS)('axe finds nothing and nothing is cut off at $width px, $theme', async (look) => {
  found = [];
  const [ana, ben] = await Promise.all([openPerson(browser, url, look), openPerson(browser, url, look)]);
  const [anaHandle, benHandle] = [freshHandle('ana'), freshHandle('ben')];
  await ana.page.getByRole('heading', { name: /Talk, call and pay/ }).waitFor();
  await check(ana.page, 'welcome');
  await registerInBrowser(ana.page, anaHandle, 'Ana Ruiz', () => check(ana.page, 'recovery phrase'));
  await check(ana.page, 'empty list');
  await registerInBrowser(ben.page, benHandle, 'Ben Okafor');
  await meet(ana.page, ben.page, benHandle, 'Ben Okafor', 'Ana Ruiz', () => check(ben.page, 'request'));
  await check(ana.page, 'conversation');
  await ana.page.getByRole('button', { name: /Send money/ }).click();
  await check(ana.page, 'pay sheet');
  for (const path of ['/', '/wallet', '/calls', '/you']) {
    await ana.page.goto(url + path);
    await ana.page.getByRole('heading').first().waitFor();
    await check(ana.page, path);
  }
  await ana.page.goto(url);
  await ana.page
    .getByRole('link', { name: /Ben Okafor/ })
    .first()
    .click();
  await ana.page.getByTitle('Safety number').first().click();
  await ana.page.getByRole('list', { name: 'Safety number' }).waitFor();
  await check(ana.page, 'safety number');
  await ana.page.goto(`${url}/wallet`);
  await ana.page.getByRole('button', { name: 'Add money' }).first().click();
  await ana.page.getByRole('dialog').getByLabel('Amount').waitFor();
  await check(ana.page, 'top-up');
  await ana.page.goto(`${url}/docs`);
  await ana.page.getByRole('heading').first().waitFor();
  await check(ana.page, '/docs');
  await ana.page.locator('details:has(table):has(pre) > summary').first().click();
  await check(ana.page, '/docs, one operation');
  await ana.page.goto(`${url}/docs/errors`);
  await check(ana.page, '/docs/errors');
  await Promise.all([ana.context.close(), ben.context.close()]);
  expect(found).toEqual([]);
});

async function check(page: Page, screen: string): Promise<void> {
  found.push(...(await findings(page, screen)));
}
