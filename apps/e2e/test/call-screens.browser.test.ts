import type { Browser, Page } from 'playwright-core';
import { type PersonBrowser, startBrowser, twoWhoMet } from '../src/browser.ts';
import { findingsInAllLooks } from '../src/looks.ts';

/** The screens of a call, one after the other, looked at by axe: light and dark, wide and on the smallest phone. */

const url = process.env.RIALTO_E2E_URL ?? '';
const CONNECT_TIMEOUT_MS = 30_000;
jest.setTimeout(180_000);

let browser: Browser;
let ana: PersonBrowser;
let ben: PersonBrowser;
beforeAll(async () => {
  browser = await startBrowser();
  ({ ana, ben } = await twoWhoMet(browser, url));
}, 120_000);
afterAll(() => browser?.close());

test.each(['Call', 'Video call'])('axe finds nothing on the screens of: %s', async (kind) => {
  const found: string[] = [];
  await ana.page.getByRole('button', { name: `${kind} Ben Okafor`, exact: true }).click();
  await ben.page.getByRole('button', { name: 'Answer Ana Ruiz' }).waitFor();
  await ana.page.getByText('Ringing…').waitFor();
  found.push(...(await findingsInAllLooks(ana.page, `${kind}, ringing`)));
  found.push(...(await findingsInAllLooks(ben.page, `${kind}, incoming`)));
  await ben.page.getByRole('button', { name: 'Answer Ana Ruiz' }).click();
  for (const { page } of [ana, ben]) await page.getByText(/, sealed$/).waitFor({ timeout: CONNECT_TIMEOUT_MS });
  found.push(...(await findingsInAllLooks(ana.page, `${kind}, running`)));
  await Promise.all([holdFarewell(ana.page), holdFarewell(ben.page)]);
  await ana.page.getByRole('button', { name: 'Hang up' }).click();
  await ana.page.getByText('Call ended').waitFor();
  found.push(...(await findingsInAllLooks(ana.page, `${kind}, ended`)));
  for (const { page } of [ana, ben]) {
    await page.evaluate(() => (globalThis as unknown as { leave(): void }).leave());
    await page.getByRole('region', { name: /^Call with/ }).waitFor({ state: 'detached' });
  }
  expect(found).toEqual([]);
});

/** A call that is over leaves the screen after a moment; here it waits until `leave` is called, so that there is time to look. */
function holdFarewell(page: Page): Promise<void> {
  return page.evaluate(() => {
    const FAREWELL_MS = 1_800;
    const real = globalThis.setTimeout.bind(globalThis);
    const held: (() => void)[] = [];
    const leave = () => {
      Object.assign(globalThis, { setTimeout: real });
      for (const run of held.splice(0)) run();
    };
    const setTimeout = (run: () => void, ms?: number) => (ms === FAREWELL_MS ? held.push(run) : real(run, ms));
    Object.assign(globalThis, { leave, setTimeout });
  });
}
