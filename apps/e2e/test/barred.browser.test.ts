import type { Browser, Page } from 'playwright-core';
import { freshHandle, openPerson, type PersonBrowser, registerInBrowser, startBrowser, write } from '../src/browser.ts';

/** What the screens say when one may not go on: a stranger who waits, a request that was declined, a block, a device that was removed. */

const url = process.env.RIALTO_E2E_URL ?? '';
jest.setTimeout(180_000);

let browser: Browser;
let ana: PersonBrowser;
let ben: PersonBrowser;
const [anaHandle, benHandle] = [freshHandle('ana'), freshHandle('ben')];
beforeAll(async () => {
  browser = await startBrowser();
  [ana, ben] = await Promise.all([openPerson(browser, url), openPerson(browser, url)]);
  await Promise.all([registerInBrowser(ana.page, anaHandle, 'Ana Ruiz'), registerInBrowser(ben.page, benHandle, 'Ben Okafor')]);
  await ana.page.getByRole('button', { name: 'New chat' }).first().click();
  await ana.page.getByRole('dialog').getByLabel('Handle').fill(benHandle);
  await ana.page.getByRole('button', { name: 'Find' }).click();
  await ana.page.getByRole('button', { name: 'Write to Ben Okafor' }).click();
  await write(ana.page, 'Ben Okafor', 'Do you still sell the bicycle?');
}, 120_000);
afterAll(() => browser?.close());

test('a stranger’s request says who asks and opens nothing, and cannot be answered before it is accepted', async () => {
  await ben.page.getByRole('link', { name: /Ana Ruiz/ }).click();
  await ben.page.getByText('Ana Ruiz wants to write to you').waitFor();
  expect(await ben.page.getByText('Do you still sell the bicycle?').count()).toBe(0);
  expect(await composers(ben.page, 'Ana Ruiz')).toBe(0);
  expect(await ben.page.getByRole('button', { name: 'Call Ana Ruiz', exact: true }).isDisabled()).toBe(true);
});

test('a declined request leaves the screen, says that it is blocked when it is opened again, and can be taken back', async () => {
  await ben.page.getByRole('button', { name: 'Block', exact: true }).click();
  await ben.page.getByText('Choose a chat').waitFor();
  await ben.page.getByRole('link', { name: /Ana Ruiz/ }).click();
  await ben.page.getByText('You blocked Ana Ruiz.').waitFor();
  expect(await composers(ben.page, 'Ana Ruiz')).toBe(0);
  expect(await ben.page.getByText(/^Say something/).count()).toBe(0); // there is nothing to say it with
  await ben.page.getByRole('button', { name: 'Unblock', exact: true }).click();
  await ben.page.getByRole('button', { name: 'Accept' }).click();
  await ben.page.getByText('Do you still sell the bicycle?').last().waitFor();
});

test('somebody who is blocked can neither be written to nor called, after a reload too', async () => {
  await ben.page.getByLabel('More').click();
  await ben.page.getByRole('button', { name: 'Block Ana Ruiz' }).click();
  await ben.page.getByText('You blocked Ana Ruiz.').waitFor();
  await ben.page.reload();
  await ben.page.getByText('You blocked Ana Ruiz.').waitFor();
  expect(await composers(ben.page, 'Ana Ruiz')).toBe(0);
  expect(await ben.page.getByRole('button', { name: 'Call Ana Ruiz', exact: true }).isDisabled()).toBe(true);
  await ben.page.getByRole('button', { name: 'Unblock', exact: true }).click();
  await ben.page.getByRole('textbox', { name: 'Message Ana Ruiz' }).waitFor();
});

test('a device that was removed from its account says so, and stays with what it holds', async () => {
  // The server's answer to a removed device; that it gives this answer is tested where devices are revoked for real.
  const problem = { type: 'about:blank', title: 'Revoked', status: 403, code: 'device-revoked', retryable: false };
  await ben.context.route(/\/v1\//, (route) =>
    route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify(problem) }),
  );
  await ben.page.reload();
  await ben.page.getByText('This device was removed from your account. Nothing new will arrive here.').waitFor();
  await ben.page.getByText('Do you still sell the bicycle?').last().waitFor();
  expect(await ben.page.getByText(/tell whoever runs the server/).count()).toBe(0);
});

test('messages that the browser’s storage does not give say so, and come when they are asked for again', async () => {
  await ana.page.goto(url);
  const row = ana.page.getByRole('link', { name: /Ben Okafor/ }).first();
  await row.waitFor();
  await ana.page.evaluate(() => {
    const real = IDBDatabase.prototype.transaction;
    Object.assign(globalThis, { mendStorage: () => Object.assign(IDBDatabase.prototype, { transaction: real }) });
    IDBDatabase.prototype.transaction = () => {
      throw new DOMException('storage is broken', 'UnknownError');
    };
  });
  await row.click();
  await ana.page.getByText('The messages cannot be read just now').waitFor();
  await ana.page.evaluate(() => (globalThis as unknown as { mendStorage(): void }).mendStorage());
  await ana.page.getByRole('button', { name: 'Try again' }).click();
  await ana.page.getByRole('log').getByText('Do you still sell the bicycle?').waitFor();
});

test('a server that lets the page in no more is told once, with what to do', async () => {
  const { context, page } = await openPerson(browser, url);
  await registerInBrowser(page, freshHandle('cai'), 'Cai Lind');
  const NOT_TO_COME_BACK = 4000;
  await context.routeWebSocket(/\/v1\/socket/, (socket) => void socket.close({ code: NOT_TO_COME_BACK }));
  await page.reload();
  const told = page.getByText(/^The server does not let this page connect\./);
  await told.first().waitFor();
  await page.waitForTimeout(500); // for whatever else would be said of it
  expect(await told.count()).toBe(1);
  expect(await page.getByText(/signed out/).count()).toBe(0);
  await page.getByRole('button', { name: 'Reload' }).click();
  await told.waitFor(); // it does as it says, and the server has not changed its mind
  await context.close();
});

const composers = (page: Page, name: string) => page.getByRole('textbox', { name: `Message ${name}` }).count();
