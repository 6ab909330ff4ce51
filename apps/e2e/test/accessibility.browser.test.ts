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

test('a handle is drawn as it is written: the font makes no multiplication sign of an x between numbers', async () => {
  const { page, context } = await openPerson(browser, url);
  await page.getByLabel('Handle').fill('ana_8x8');
  const widths = await page.getByLabel('Handle').evaluate((field) => {
    const widthWith = (ligatures: string) => {
      const text = document.createElement('span');
      const { fontFamily, fontSize, fontVariantLigatures } = getComputedStyle(field);
      Object.assign(text.style, { fontFamily, fontSize, fontVariantLigatures: ligatures || fontVariantLigatures });
      text.textContent = '8x8';
      document.body.append(text);
      const { width } = text.getBoundingClientRect();
      text.remove();
      return width;
    };
    return { drawn: widthWith(''), asWritten: widthWith('no-contextual'), asTheFontLikes: widthWith('contextual') };
  });
  expect(widths.asTheFontLikes).not.toBe(widths.asWritten);
  expect(widths.drawn).toBe(widths.asWritten);
  await context.close();
});

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
