import type { Browser, Page } from 'playwright-core';
import { freshHandle, meet, openPerson, type PersonBrowser, registerInBrowser, startBrowser, write } from '../src/browser.ts';
import { findingsInAllLooks } from '../src/looks.ts';

/** The client by its keys alone. */

const url = process.env.RIALTO_E2E_URL ?? '';
jest.setTimeout(120_000);

let browser: Browser;
let ana: PersonBrowser;
const handles = { ana: freshHandle('ana'), ben: freshHandle('ben'), cai: freshHandle('cai'), dee: freshHandle('dee') };
beforeAll(async () => {
  browser = await startBrowser();
  const [first, ...others] = await Promise.all([1, 2, 3, 4].map(() => openPerson(browser, url)));
  ana = first as PersonBrowser;
  const [ben, cai, dee] = others as [PersonBrowser, PersonBrowser, PersonBrowser];
  await registerInBrowser(ana.page, handles.ana, 'Ana Ruiz');
  await registerInBrowser(ben.page, handles.ben, 'Ben Okafor');
  await registerInBrowser(cai.page, handles.cai, 'Cai Lind');
  await registerInBrowser(dee.page, handles.dee, 'Dee Adeyemi');
  await meet(ana.page, ben.page, handles.ben, 'Ben Okafor', 'Ana Ruiz');
  await meet(ana.page, cai.page, handles.cai, 'Cai Lind', 'Ana Ruiz'); // stands above Ben from now on
}, 120_000);
afterAll(() => browser?.close());

test('Ctrl K goes to a chat by name or handle from anywhere, and finds somebody new', async () => {
  const { page } = ana;
  await page.getByRole('link', { name: 'Wallet', exact: true }).click();
  await page.getByRole('heading', { name: 'Wallet' }).waitFor();
  await page.keyboard.press('Control+k');
  await field(page).waitFor();
  expect(await findingsInAllLooks(page, 'go to')).toEqual([]);
  await page.keyboard.press('ArrowDown');
  expect(await page.getByRole('dialog').getByRole('option', { selected: true }).innerText()).toContain('Ben Okafor');
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Message Ben Okafor' }).waitFor();

  await page.keyboard.press('Control+k');
  await field(page).waitFor();
  await page.keyboard.type(handles.cai);
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Message Cai Lind' }).waitFor();

  await page.keyboard.press('Meta+k');
  await field(page).waitFor();
  await page.keyboard.type('nobody_has_this_handle');
  await page.keyboard.press('Enter');
  await page.getByText('Nobody here has that handle.').waitFor();
  await field(page).fill(handles.dee);
  await page.keyboard.press('Enter');
  await page.getByRole('option', { name: /Write to Dee Adeyemi/ }).waitFor();
  await page.keyboard.press('Enter');
  await write(page, 'Dee Adeyemi', 'Hello from the keyboard');
});

test('Ctrl K and Escape leave what one does as it was', async () => {
  const { page } = ana;
  const box = page.getByRole('textbox', { name: 'Message Dee Adeyemi' });
  await box.fill('half a sent');
  await page.keyboard.press('Control+k');
  await field(page).waitFor();
  await page.keyboard.press('Control+k'); // it is open already
  await page.keyboard.press('Escape');
  await field(page).waitFor({ state: 'detached' });
  await page.keyboard.type('ence?');
  expect(await box.inputValue()).toBe('half a sentence?');
  await box.fill('');
});

test('the chats are one stop of the Tab key, and the arrows move through them', async () => {
  const { page } = ana;
  await page.goto(url);
  await page.getByRole('link', { name: /Ben Okafor/ }).waitFor();
  const search = page.getByRole('searchbox', { name: 'Search chats' });
  await search.focus();
  await page.keyboard.press('Tab');
  const order: string[] = [await focusedName(page)];
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'Home', 'End', 'ArrowUp']) {
    await page.keyboard.press(key);
    order.push(await focusedName(page));
  }
  const [first, second, third] = ['Dee Adeyemi', 'Cai Lind', 'Ben Okafor'];
  expect(order).toEqual([first, second, third, third, first, third, second]);
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.closest('.chats-rows'))).toBeNull();
  await page.keyboard.press('Shift+Tab');
  expect(await focusedName(page)).toBe(second); // where one was
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Message Cai Lind' }).waitFor();

  await search.fill('ben');
  await page.keyboard.press('ArrowDown');
  expect(await focusedName(page)).toBe(third);
  await search.focus();
  await page.keyboard.press('Escape');
  expect(await search.inputValue()).toBe('');
});

test('Escape closes the menu and gives its focus back; ? shows the keys, but not while one types', async () => {
  const { page } = ana;
  await page.getByLabel('More').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Block Cai Lind' }).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Block Cai Lind' }).waitFor({ state: 'hidden' });
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('More');
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await help.getByText('Go to a chat, or find somebody').waitFor();
  expect(await findingsInAllLooks(page, 'keys')).toEqual([]);
  await page.keyboard.press('Escape');
  await help.waitFor({ state: 'detached' });
  const box = page.getByRole('textbox', { name: 'Message Cai Lind' });
  await box.focus();
  await page.keyboard.type('Why?');
  expect(await box.inputValue()).toBe('Why?');
  expect(await help.count()).toBe(0);
});

const field = (page: Page) => page.getByRole('combobox', { name: 'Name or handle' });
const focusedName = (page: Page) =>
  page.evaluate(() => document.activeElement?.querySelector('.chat-row-name span')?.textContent ?? 'none');
