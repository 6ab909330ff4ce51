import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import {
  freshHandle,
  type Look,
  meet,
  openChat,
  openPerson,
  type PersonBrowser,
  startBrowser,
  topUpInBrowser,
  write,
} from './browser.ts';

/**
 * Pictures of every screen, light and dark, wide and narrow, of the system that runs at RIALTO_URL (`npm run screens`). They land in the
 * folder given as the first word, by default `dist/screens`.
 */
const url = process.env.RIALTO_URL ?? 'http://localhost:7420';
const folder = path.resolve(process.argv[2] ?? 'dist/screens');
const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 780 } } as const;

mkdirSync(folder, { recursive: true });
process.env.RIALTO_CHROMIUM ??= '/usr/bin/chromium';
const browser = await startBrowser();
try {
  for (const theme of ['light', 'dark'] as const) {
    for (const [size, shape] of Object.entries(SIZES)) await take({ ...shape, theme }, `${theme}-${size}`);
  }
} finally {
  await browser.close();
}
console.log(`The pictures are in ${folder}.`);

/** Plays the story once and takes a picture at each screen of it. */
async function take(look: Look, suffix: string): Promise<void> {
  const [ana, ben] = await Promise.all([openPerson(browser, url, look), openPerson(browser, url, look)]);
  const shoot = (page: Page, name: string) => page.screenshot({ path: path.join(folder, `${name}-${suffix}.png`) });
  const [anaHandle, benHandle] = [freshHandle('ana'), freshHandle('ben')];
  await arrive(ana, anaHandle, 'Ana Ruiz', shoot);
  await arrive(ben, benHandle, 'Ben Okafor');
  await shoot(ana.page, '03-chats-empty');

  await ana.page.getByRole('button', { name: 'New chat' }).first().click();
  await ana.page.getByRole('dialog').getByLabel('Handle').fill(benHandle);
  await ana.page.getByRole('button', { name: 'Find' }).click();
  await ana.page.getByRole('button', { name: 'Write to Ben Okafor' }).waitFor();
  await shoot(ana.page, '04-new-chat');
  await ana.page.getByRole('button', { name: 'Close' }).click();
  await meet(ana.page, ben.page, benHandle, 'Ben Okafor', 'Ana Ruiz', () => shoot(ben.page, '05-request').then(() => undefined));
  await talk(ana.page, ben.page);
  await topUpInBrowser(ana.page, '85.40', () => shoot(ana.page, '08-checkout').then(() => undefined));
  await ana.page.getByText('€85.40').first().waitFor();

  await openChat(ana.page, 'Ben Okafor');
  await pay(ana.page, shoot);
  await ana.page.getByText('Settled · statement verified').waitFor();
  await shoot(ana.page, '07-conversation');
  await ana.page.goto(`${url}/wallet`);
  await ana.page.getByText('Ferry, my half').waitFor();
  await shoot(ana.page, '10-wallet');
  await openChat(ana.page, 'Ben Okafor');
  await openChat(ben.page, 'Ana Ruiz');
  await call(ana.page, ben.page, shoot);

  await ana.page.goto(`${url}/calls`);
  await ana.page
    .getByText(/video call/i)
    .first()
    .waitFor();
  await shoot(ana.page, '13-calls');
  await openChat(ana.page, 'Ben Okafor');
  await ana.page.getByTitle('Safety number').first().click();
  await ana.page.getByRole('list', { name: 'Safety number' }).waitFor();
  await shoot(ana.page, '14-safety-number');
  await ana.page.goto(`${url}/you`);
  await ana.page.getByText('This browser', { exact: true }).waitFor();
  await shoot(ana.page, '15-you');
  await sheetsOfKeys(ana.page, shoot);
  await offline(ana, shoot);
  await Promise.all([ana.context.close(), ben.context.close()]);
}

type Shoot = (page: Page, name: string) => Promise<unknown>;

async function arrive({ page }: PersonBrowser, handle: string, name: string, shoot?: Shoot): Promise<void> {
  await page.getByLabel('Handle').fill(handle);
  await page.getByLabel('Name people see').fill(name);
  await page.getByText('Available', { exact: true }).waitFor();
  await shoot?.(page, '01-welcome');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('heading', { name: 'Your recovery phrase' }).waitFor();
  await shoot?.(page, '02-recovery-phrase');
  await page.getByRole('button', { name: 'I wrote them down' }).click();
  await page.getByRole('heading', { name: 'Chats', exact: true }).waitFor();
}

async function talk(ana: Page, ben: Page): Promise<void> {
  await write(ben, 'Ana Ruiz', 'I can pay my half now if you send the total');
  await ana.getByRole('log').getByText('I can pay my half now').waitFor();
  const article = ana.getByRole('article', { name: /^Ben Okafor/ }).filter({ hasText: 'I can pay my half now' });
  await article.hover();
  await article.getByRole('button', { name: 'Reply' }).click();
  await write(ana, 'Ben Okafor', 'They did. 24 for the two of us');
  await write(ana, 'Ben Okafor', 'Ferry leaves at 9:40 from the north pier');
  const own = ben.getByRole('article', { name: /^Ana Ruiz/ }).filter({ hasText: 'north pier' });
  await own.hover();
  await own.getByRole('button', { name: 'React', exact: true }).click();
  await own.getByRole('button', { name: 'React with 👍' }).click();
  await ana.getByRole('button', { name: /👍, 1/ }).waitFor();
}

async function pay(page: Page, shoot: Shoot): Promise<void> {
  await page.getByRole('button', { name: /Send money/ }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByLabel('Amount').fill('12');
  await sheet.getByLabel('Note, sealed').fill('Ferry, my half');
  await sheet.getByText(/Balance after/).waitFor();
  await shoot(page, '09-pay');
  await sheet.getByRole('button', { name: /^Pay €/ }).click();
}

async function call(ana: Page, ben: Page, shoot: Shoot): Promise<void> {
  await ana.getByRole('button', { name: 'Video call Ben Okafor' }).click();
  await ben.getByRole('button', { name: 'Answer Ana Ruiz' }).waitFor();
  await shoot(ben, '11-incoming-call');
  await ben.getByRole('button', { name: 'Answer Ana Ruiz' }).click();
  await ana.getByText(/(Direct|Relayed), sealed/).waitFor();
  await ana.waitForTimeout(1_500);
  await shoot(ana, '12-call');
  await ana.getByRole('button', { name: 'Hang up' }).click();
  await ana.getByRole('region', { name: /Call with/ }).waitFor({ state: 'detached' });
}

async function sheetsOfKeys(page: Page, shoot: Shoot): Promise<void> {
  for (const [key, title, name] of [
    ['Control+k', 'Go to a chat', '17-go-to'],
    ['?', 'Keyboard shortcuts', '18-keys'],
  ] as const) {
    await page.keyboard.press(key);
    const sheet = page.getByRole('dialog', { name: title });
    await sheet.waitFor();
    await shoot(page, name);
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
  }
}

async function offline({ page, context }: PersonBrowser, shoot: Shoot): Promise<void> {
  await openChat(page, 'Ben Okafor');
  await context.setOffline(true);
  await write(page, 'Ben Okafor', 'Written on the ferry');
  await page.getByText(/You are offline/).waitFor();
  await shoot(page, '16-offline');
}
