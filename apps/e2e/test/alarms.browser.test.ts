import { toBase64url } from '@rialto/crypto';
import type { Browser } from 'playwright-core';
import { type PersonBrowser, startBrowser, twoWhoMet, write } from '../src/browser.ts';
import { findings } from '../src/looks.ts';
import { Person } from '../src/person.ts';
import { System } from '../src/system.ts';
import { changed, damaged, Wire } from '../src/wire.ts';

/** What the screens say when the server does not tell the truth: a message that cannot be opened, other keys than before. */

const url = process.env.RIALTO_E2E_URL ?? '';
jest.setTimeout(180_000);

let browser: Browser;
let ana: PersonBrowser;
let ben: PersonBrowser;
let wire: Wire;
beforeAll(async () => {
  browser = await startBrowser();
  ({ ana, ben } = await twoWhoMet(browser, url, {
    prepare: async (two) => void (wire = await Wire.between(two.ben.context)),
  }));
}, 120_000);
afterAll(() => browser?.close());

test('a message that cannot be opened says why and what to do, and the next ones are read as before', async () => {
  await write(ben.page, 'Ana Ruiz', 'Yes, both of them');
  // Receipts travel like messages: once the last one is here, what is damaged is the message.
  const answer = ben.page.getByRole('article').filter({ hasText: 'Yes, both of them' });
  await answer.getByText('Read', { exact: true }).waitFor({ state: 'attached' });
  wire.change((text) => changed(text, ({ kind, bytes }) => kind === 'application' && bytes !== undefined, damaged));
  await write(ana.page, 'Ben Okafor', 'The code of the gate is 4711');
  const bubble = ben.page.getByRole('article', { name: /^Ana Ruiz/ }).filter({ hasText: 'This message cannot be opened.' });
  await bubble.waitFor();
  await bubble.getByText(/It was damaged or is not what it says\. Ask Ana Ruiz to send it again\./).waitFor();
  // Nothing can be made of it: neither a reply nor a reaction.
  await bubble.hover();
  expect(await bubble.getByRole('button').count()).toBe(0);
  wire.change();
  await write(ana.page, 'Ben Okafor', 'Once more: 4711');
  await ben.page.getByRole('log').getByText('Once more: 4711').waitFor();
  await ben.page.getByText('A message is missing here.').waitFor();
  expect(await ben.page.getByText('The code of the gate').count()).toBe(0);
  expect(await findings(ben.page, 'undecryptable')).toEqual([]);
});

test('keys that went back are an alarm: nothing is sent until the numbers were compared', async () => {
  const system = new System();
  const dee = await Person.register(system, 'dee');
  const before = dee.chain;
  await dee.revoke(await dee.addDevice()); // her chain has three entries now
  const { page, context } = ana;
  const box = page.getByRole('textbox', { name: `Message @${dee.handle}` });
  await lookUp(dee.handle);
  await page.getByRole('button', { name: `Write to @${dee.handle}` }).click();
  await box.waitFor();

  const anasWire = await Wire.between(context); // from the next socket on
  await page.reload();
  await box.waitFor();
  anasWire.change((text) =>
    changed(
      text,
      ({ accountId, chain }) => accountId === dee.id && chain !== undefined,
      (view) => ({ ...view, chain: toBase64url(before.bytes) }),
    ),
  );
  await lookUp(dee.handle);
  await page.getByText(/^The server showed older keys of somebody than before\./).waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  const alarm = page.getByRole('alert').filter({ hasText: `@${dee.handle}’s keys changed in a way that should not happen.` });
  await alarm.waitFor();
  expect(await findings(page, 'keys alarm')).toEqual([]);
  await box.fill('Are you still there?');
  await box.press('Enter');
  await page
    .getByText('Not sent. This person’s keys changed in a way that should not happen. Compare the safety number first.')
    .waitFor();

  await alarm.getByRole('link', { name: 'Compare the safety number' }).click();
  await page.getByText(`The server showed other keys of @${dee.handle} than before.`).waitFor();
  expect(await findings(page, 'safety number under an alarm')).toEqual([]);
  await page.getByRole('button', { name: 'The numbers are equal' }).click();
  await page.getByText('You compared this number').waitFor();
  await page.getByRole('button', { name: 'Back', exact: true }).click();
  await box.waitFor();
  expect(await alarm.count()).toBe(0);
  anasWire.change();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText(/^Not sent\./).waitFor({ state: 'detached' });
  await system.close();
});

/** Looks somebody up by handle, as for a new chat. */
async function lookUp(handle: string): Promise<void> {
  await ana.page.getByRole('button', { name: 'New chat' }).first().click();
  await ana.page.getByRole('dialog').getByLabel('Handle').fill(handle);
  await ana.page.getByRole('button', { name: 'Find' }).click();
  await ana.page.getByRole('dialog').getByText(`@${handle}`).first().waitFor();
}
