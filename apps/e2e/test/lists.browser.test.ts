import { MemoryStore, Rialto } from '@rialto/client';
import type { Browser, Page } from 'playwright-core';
import { freshHandle, type PersonBrowser, startBrowser, twoWhoMet } from '../src/browser.ts';
import { findingsInAllLooks } from '../src/looks.ts';
import { ScriptedMedia } from '../src/scripted-media.ts';
import { Wire } from '../src/wire.ts';

/** What the lists of chats and of calls say when they cannot be read, and that they come when they are asked for again. */

const url = process.env.RIALTO_E2E_URL ?? '';
const PAGE = 50;
jest.setTimeout(180_000);

let browser: Browser;
let ana: PersonBrowser;
let anaHandle: string;
let wire: Wire;
beforeAll(async () => {
  browser = await startBrowser();
  ({ ana, anaHandle } = await twoWhoMet(browser, url, {
    prepare: async (two) => void (wire = await Wire.between(two.ana.context)),
  }));
}, 120_000);
afterAll(() => browser?.close());

test('chats that the browser’s storage does not give say so, and come when they are asked for again', async () => {
  const page = await ana.context.newPage();
  await ana.page.close(); // one tab at a time
  ana = { ...ana, page };
  await page.addInitScript(() => {
    const real = IDBDatabase.prototype.transaction;
    let isBroken = true;
    Object.assign(globalThis, { mendStorage: () => (isBroken = false) });
    IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...about: Parameters<typeof real>) {
      const isChats = Array.isArray(about[0]) ? about[0].includes('conversation') : about[0] === 'conversation';
      if (isBroken && isChats) throw new DOMException('storage is broken', 'UnknownError');
      return Reflect.apply(real, this, about) as IDBTransaction;
    };
  });
  await page.goto(url);
  await page.getByText('The chats cannot be read just now').waitFor();
  expect(await page.getByText('No chats yet').count()).toBe(0); // which would be a lie
  expect(await findingsInAllLooks(page, 'chats unreadable')).toEqual([]);
  await page.evaluate(() => (globalThis as unknown as { mendStorage(): void }).mendStorage());
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('link', { name: /Ben Okafor/ }).waitFor();
  expect(await page.getByText('The chats cannot be read just now').count()).toBe(0);
});

test('a history of calls that cannot be read says so, and comes when it is asked for again', async () => {
  const { page } = ana;
  wire.refuse('calls.listCalls', { code: 'not-reachable' }); // any answer that is not repeated
  await open(page, 'Calls');
  await page.getByText('The history cannot be read just now').waitFor();
  expect(await page.getByText('No calls yet').count()).toBe(0);
  expect(await findingsInAllLooks(page, 'calls unreadable')).toEqual([]);
  wire.allow('calls.listCalls');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('No calls yet').waitFor();
});

test('older calls that cannot be read, and a call that cannot be made from the history, leave the list as it is', async () => {
  const { page } = ana;
  const cai = await callOften(page);
  try {
    await open(page, 'Calls');
    const rows = page.getByRole('button', { name: 'Call Cai Lind again' });
    const older = page.getByRole('button', { name: 'Show older calls' });
    await older.waitFor();
    wire.refuse('calls.listCalls', { code: 'not-reachable' });
    await older.click();
    const notice = page.getByRole('status').filter({ hasText: 'This person does not take that from you.' });
    await notice.waitFor();
    expect(await rows.count()).toBe(PAGE);
    await notice.getByRole('button', { name: 'Dismiss' }).click();
    wire.allow('calls.listCalls');
    await older.click();
    await rows.nth(PAGE).waitFor();

    wire.refuse('calls.startCall', { code: 'not-reachable' });
    await rows.first().click();
    await notice.waitFor();
    await page.getByRole('region', { name: /^Call with/ }).waitFor({ state: 'detached' });
    expect(await rows.count()).toBe(PAGE + 1);
    wire.allow('calls.startCall');
  } finally {
    await cai.close();
  }
});

test('a server that wants to be left alone for a while is asked again only after it, and the screen counts that down', async () => {
  const { page } = ana;
  const waitMs = 17_000; // longer than the SDK waits by itself
  await open(page, 'Wallet');
  await page.getByRole('heading', { name: 'Wallet' }).waitFor();
  wire.refuse('calls.listCalls', { code: 'rate-limited', retryAfterMs: waitMs });
  wire.refuse('calls.startCall', { code: 'rate-limited', retryAfterMs: waitMs });
  await open(page, 'Calls');
  await page.getByText(/^Too many tries in a short time\. Try again in 1\d s\./).waitFor();
  const again = page.getByRole('main').getByRole('button', { name: 'Try again' });
  expect(await again.isDisabled()).toBe(true);
  await openChatFromList(page, 'Ben Okafor');
  await page.getByRole('button', { name: 'Call Ben Okafor', exact: true }).click();
  const notice = page.getByRole('status').filter({ hasText: 'Too many tries in a short time.' });
  await notice
    .getByText(/^Try again in 1\d s\.$/)
    .first()
    .waitFor();
  expect(await findingsInAllLooks(page, 'notice with a countdown')).toEqual([]);
  const callAgain = notice.getByRole('button', { name: 'Try again' });
  await callAgain.click({ force: true }); // it asks nothing yet
  expect(await notice.count()).toBe(1);
  await notice
    .getByText(/^Try again in [1-9] s\.$/)
    .first()
    .waitFor();
  await notice.getByText('You can try again now.').first().waitFor();
  expect(await callAgain.isDisabled()).toBe(false);
  wire.allow('calls.startCall');
  await callAgain.click();
  await notice.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Hang up' }).click();
  await page.getByRole('region', { name: /^Call with/ }).waitFor({ state: 'detached' });
  wire.allow('calls.listCalls');
});

async function openChatFromList(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name: /^Chats/ }).click();
  await page
    .getByRole('link', { name: new RegExp(name) })
    .first()
    .click();
  await page.getByRole('textbox', { name: `Message ${name}` }).waitFor();
}
const open = (page: Page, place: string) => page.getByRole('link', { name: place, exact: true }).click();

/** Somebody whom Ana accepted, and who called her once more than one page holds. */
async function callOften(page: Page) {
  const media = new ScriptedMedia('cai');
  const about = { url, store: new MemoryStore(), handle: freshHandle('cai'), displayName: 'Cai Lind', media };
  const { client } = await Rialto.register(about);
  await client.whenOnline();
  const { id } = await client.conversations.createDm(`@${anaHandle}`);
  await page.getByRole('link', { name: /^Chats/ }).click();
  await page.getByRole('link', { name: /Cai Lind/ }).click();
  await page.getByRole('button', { name: 'Accept' }).click();
  await page.getByRole('textbox', { name: 'Message Cai Lind' }).waitFor();
  for (let made = 0; made <= PAGE; made += 1) await (await client.calls.start(id, { media: 'audio' })).hangUp();
  return client;
}
