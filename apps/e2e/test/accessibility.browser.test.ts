import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { freshHandle, type Look, meet, openPerson, registerInBrowser, startBrowser } from '../src/browser.ts';

const url = process.env.RIALTO_E2E_URL ?? '';
const axe = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');
const LOOKS: readonly Look[] = [
  { width: 1280, height: 800, theme: 'light' },
  { width: 320, height: 640, theme: 'dark' },
];
jest.setTimeout(120_000);

let browser: Browser;
/** All screens are looked at before the test says what it found. */
let findings: string[] = [];
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser?.close());

test.each(LOOKS)('axe finds nothing and nothing is cut off at $width px, $theme', async (look) => {
  findings = [];
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
  expect(findings).toEqual([]);
});

/** WCAG 2.2 A and AA by axe, and no sideways scrolling. The script comes through the debugger, so the page's policy stays as strict as it is. */
async function check(page: Page, screen: string): Promise<void> {
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await axe.run({ runOnly: { type: 'tag', values: tags } });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
  });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (overflow > 0) violations.push(`${overflow} px wider than the screen`);
  findings.push(...violations.map((violation) => `${screen}: ${violation}`));
}
