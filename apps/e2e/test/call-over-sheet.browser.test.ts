import type { Browser, Page } from 'playwright-core';
import { NARROW, type PersonBrowser, startBrowser, twoWhoMet, WIDE } from '../src/browser.ts';
import { findings, photograph } from '../src/looks.ts';

/** A call that comes in while a sheet is open: it is seen, told and can be answered, and the sheet is as it was afterwards. */

const url = process.env.RIALTO_E2E_URL ?? '';
jest.setTimeout(120_000);

let browser: Browser;
let ana: PersonBrowser;
let ben: PersonBrowser;
beforeAll(async () => {
  browser = await startBrowser();
  ({ ana, ben } = await twoWhoMet(browser, url));
}, 120_000);
afterAll(() => browser?.close());

test.each([
  ['wide', WIDE],
  ['narrow', NARROW],
])('on a %s screen', async (shape, { width, height }) => {
  const { page } = ben;
  await page.setViewportSize({ width, height });
  await page.getByRole('button', { name: 'Send money to Ana Ruiz' }).click();
  const sheet = page.getByRole('dialog', { name: 'Pay Ana Ruiz' });
  const amount = page.getByLabel('Amount');
  await amount.waitFor();
  expect(await hasFocus(page, '.amount-input')).toBe(true);
  await page.keyboard.type('12');

  await ana.page.getByRole('button', { name: 'Call Ben Okafor', exact: true }).click();
  const decline = page.getByRole('button', { name: 'Decline Ana Ruiz' });
  await decline.waitFor();
  await page.getByRole('alert').filter({ hasText: 'Ana Ruiz is calling' }).waitFor({ state: 'attached' });
  expect(await isOnTop(page, '.call-button-answer')).toBe(true);
  expect(await findings(page, `sheet and call, ${shape}`)).toEqual([]);
  await photograph(page, `sheet-and-call-${shape}`);
  await tabTo(page, '.call-button-end');
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: /^Call with/ }).waitFor({ state: 'detached' });

  expect(await sheet.isVisible()).toBe(true);
  expect(await amount.inputValue()).toBe('12');
  if (shape === 'wide') await amount.focus();
  expect(await hasFocus(page, '.amount-input')).toBe(true); // on a phone the call had taken it, and gave it back
  for (let tab = 0; tab < 12; tab += 1) {
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.closest('.shell') === null)).toBe(true);
  }
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'detached' });
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Send money to Ana Ruiz');
  await ana.page.getByRole('region', { name: /^Call with/ }).waitFor({ state: 'detached' });
});

const hasFocus = (page: Page, selector: string) => page.evaluate((wanted) => document.activeElement?.matches(wanted), selector);

/** Whether a click in the middle of the element would reach it: neither covered nor inert. */
const isOnTop = (page: Page, selector: string) =>
  page.evaluate((wanted) => {
    const element = document.querySelector(wanted);
    if (!element) return false;
    const { x, y, width, height } = element.getBoundingClientRect();
    return element.contains(document.elementFromPoint(x + width / 2, y + height / 2));
  }, selector);

/** With the Tab key alone. */
async function tabTo(page: Page, selector: string): Promise<void> {
  const MAX_TABS = 25;
  for (let tab = 0; tab < MAX_TABS; tab += 1) {
    if (await hasFocus(page, selector)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${selector} cannot be reached by keyboard`);
}
