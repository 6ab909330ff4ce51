import type { Browser, Page } from 'playwright-core';
import {
  freshHandle,
  meet,
  NARROW,
  openChat,
  openPerson,
  type PersonBrowser,
  registerInBrowser,
  startBrowser,
  topUpInBrowser,
  write,
} from '../src/browser.ts';

const url = process.env.RIALTO_E2E_URL ?? '';
jest.setTimeout(120_000);

let browser: Browser;
let ana: PersonBrowser;
let ben: PersonBrowser;
const [anaHandle, benHandle] = [freshHandle('ana'), freshHandle('ben')];
let phrase = '';

beforeAll(async () => {
  browser = await startBrowser();
  [ana, ben] = await Promise.all([openPerson(browser, url), openPerson(browser, url, NARROW)]);
});
afterAll(() => browser?.close());

/** One step of the story. After one that failed the rest would only wait in vain, so they fail at once. */
let failed = '';
function step(name: string, play: () => Promise<void>): void {
  test(name, async () => {
    if (failed) throw new Error(`the story broke off at: ${failed}`);
    try {
      await play();
    } catch (thrown) {
      failed = name;
      const dir = process.env.RIALTO_SCREENS;
      if (dir)
        for (const [who, { page }] of Object.entries({ ana, ben })) await page.screenshot({ path: `${dir}/broken-${who}.png` });
      throw thrown;
    }
  });
}

step('two people choose handles and see their recovery phrases once', async () => {
  [phrase] = await Promise.all([
    registerInBrowser(ana.page, anaHandle, 'Ana Ruiz'),
    registerInBrowser(ben.page, benHandle, 'Ben Okafor'),
  ]);
  expect(phrase.split(' ')).toHaveLength(12);
  expect(await ana.page.content()).not.toContain(phrase.split(' ').slice(0, 3).join(' '));
});

step('a handle that is taken cannot be chosen', async () => {
  const { page, context } = await openPerson(browser, url);
  await page.getByLabel('Handle').fill(anaHandle);
  await page.getByText('Somebody has this handle').waitFor();
  expect(await page.getByRole('button', { name: 'Create account' }).isDisabled()).toBe(true);
  await context.close();
});

step('Ana finds Ben by handle, he accepts, and they write, reply and react', async () => {
  await meet(ana.page, ben.page, benHandle, 'Ben Okafor', 'Ana Ruiz');
  await write(ben.page, 'Ana Ruiz', 'They did. 24 for the two of us');
  const reply = ana.page.getByRole('article', { name: /^Ben Okafor/ }).filter({ hasText: 'They did. 24' });
  await reply.waitFor();
  await reply.hover();
  await reply.getByRole('button', { name: 'Reply' }).click();
  await write(ana.page, 'Ben Okafor', 'Then I send you my half');
  const quoted = ben.page.getByRole('article').filter({ hasText: 'Then I send you my half' });
  await quoted.getByText('They did. 24 for the two of us').waitFor();
  await reply.hover();
  await reply.getByRole('button', { name: 'React', exact: true }).click();
  await reply.getByRole('button', { name: 'React with 👍' }).click();
  await ben.page.getByRole('button', { name: /👍, 1/ }).waitFor();
});

step('a message shows that it was delivered', async () => {
  const own = ana.page.getByRole('article').filter({ hasText: 'Then I send you my half' });
  await own.getByText(/Delivered|Read/).waitFor({ state: 'attached' });
});

step('Ana tops up 20 € in simulated money and sends Ben 12 €', async () => {
  await topUpInBrowser(ana.page, '20');
  await ana.page.getByText('€20.00').first().waitFor();
  expect(await ana.page.getByText('Simulated money').first().isVisible()).toBe(true);
  await ana.page.getByRole('link', { name: /Chats/ }).click();
  await ana.page
    .getByRole('link', { name: /Ben Okafor/ })
    .first()
    .click();
  await ana.page.getByRole('button', { name: /Send money/ }).click();
  const sheet = ana.page.getByRole('dialog');
  await sheet.getByLabel('Amount').fill('12');
  await sheet.getByLabel('Note, sealed').fill('Ferry, my half');
  await sheet.getByText('Balance after: €8.00').waitFor();
  await sheet.getByRole('button', { name: 'Pay €12.00' }).click();
  for (const page of [ana.page, ben.page]) {
    const card = page.getByRole('article').filter({ hasText: 'Ferry, my half' });
    await card.getByText('€12.00').waitFor();
    await card.getByText('Settled · statement verified').waitFor();
  }
  await openWallet(ben.page);
  await ben.page.getByText('+€12.00').waitFor();
  await openWallet(ana.page);
  await ana.page.getByText('-€12.00').waitFor();
  await ana.page.getByText('€8.00').first().waitFor();
});

step('paying more than the balance is refused before it is sent', async () => {
  await openChat(ana.page, 'Ben Okafor');
  await ana.page.getByRole('button', { name: /Send money/ }).click();
  await ana.page.getByRole('dialog').getByLabel('Amount').fill('8.01');
  await ana.page.getByText('Your balance is €8.00').waitFor();
  expect(await ana.page.getByRole('button', { name: 'Pay', exact: true }).isDisabled()).toBe(true);
  await ana.page.getByRole('button', { name: 'Close' }).click();
});

step('they call each other, and hear and see something', async () => {
  await ana.page.getByRole('button', { name: 'Video call Ben Okafor' }).click();
  await ben.page.getByRole('button', { name: 'Answer Ana Ruiz' }).click();
  for (const page of [ana.page, ben.page]) {
    await page.getByText('Direct, sealed', { exact: true }).waitFor({ timeout: 30_000 });
    await page.waitForFunction(() => {
      const video = document.querySelector<HTMLVideoElement>('[data-testid=remote-media]');
      return (video?.videoWidth ?? 0) > 0 && (video?.currentTime ?? 0) > 0.5;
    });
    expect(await loudness(page)).toBeGreaterThan(0);
  }
  await ana.page.getByRole('button', { name: 'Hang up' }).click();
  await ben.page.getByRole('region', { name: /Call with/ }).waitFor({ state: 'detached' });
});

step('safety numbers are equal, and marking one shows', async () => {
  await openChat(ana.page, 'Ben Okafor');
  await openChat(ben.page, 'Ana Ruiz');
  const digits = await Promise.all(
    [ana.page, ben.page].map(async (page) => {
      await page.getByTitle('Safety number').first().click();
      const groups = page.getByRole('list', { name: 'Safety number' }).getByRole('listitem');
      await groups.first().waitFor();
      return groups.allInnerTexts();
    }),
  );
  expect(digits[0]).toEqual(digits[1]);
  expect(digits[0]?.join('')).toMatch(/^\d{60}$/);
  await ana.page.getByRole('button', { name: 'The numbers are equal' }).click();
  await ana.page.getByText('You compared this number').waitFor();
});

step('what is written offline waits, says so, and arrives', async () => {
  await openChat(ana.page, 'Ben Okafor');
  await openChat(ben.page, 'Ana Ruiz');
  await ana.context.setOffline(true);
  await write(ana.page, 'Ben Okafor', 'Written on the ferry');
  await ana.page.getByText(/You are offline/).waitFor({ timeout: 60_000 });
  await ana.context.setOffline(false);
  await ben.page.getByRole('log').getByText('Written on the ferry').waitFor({ timeout: 60_000 });
});

step('after a reload everything is still there', async () => {
  await ana.page.reload();
  await ana.page.getByRole('log').getByText('Written on the ferry').waitFor();
  await openWallet(ana.page);
  await ana.page.getByText('€8.00').first().waitFor();
});

step('a second tab waits until it is told to take over', async () => {
  const second = await ana.context.newPage();
  await second.goto(url);
  await second.getByText('Rialto is open in another tab').waitFor();
  await second.getByRole('button', { name: 'Use it here' }).click();
  await second
    .getByRole('link', { name: /Ben Okafor/ })
    .first()
    .waitFor();
  await ana.page.getByText('Rialto is open in another tab').waitFor();
  await ana.page.getByRole('button', { name: 'Use it here' }).click();
  await ana.page.getByRole('heading', { name: 'Wallet' }).waitFor();
  await ana.page.getByText('€8.00').first().waitFor();
  await second.close();
});

step('the words that were shown are the words of the account', async () => {
  await ana.page.getByRole('link', { name: 'You', exact: true }).click();
  await ana.page.getByRole('button', { name: 'Check my words' }).click();
  await ana.page.getByLabel('Your twelve words').fill(`${phrase.split(' ').slice(1).join(' ')} zoo`);
  await ana.page.getByRole('button', { name: 'Check', exact: true }).click();
  await ana.page.getByText(/not the words|not one of the possible words/).waitFor();
  await ana.page.getByLabel('Your twelve words').fill(phrase);
  await ana.page.getByRole('button', { name: 'Check', exact: true }).click();
  await ana.page.getByText('You have your twelve words').waitFor();
});

test('no page logged an error', () => {
  const expected = /ERR_INTERNET_DISCONNECTED|WebSocket connection to/; // the offline test's own
  expect([...ana.errors, ...ben.errors].filter((error) => !expected.test(error))).toEqual([]);
});

async function openWallet(page: Page): Promise<void> {
  await page.goto(`${url}/wallet`);
  await page.getByRole('heading', { name: 'Wallet' }).waitFor();
}

/** Root mean square of half a second of what the page plays of the other side. */
function loudness(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const stream = document.querySelector<HTMLVideoElement>('[data-testid=remote-media]')?.srcObject as MediaStream;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(new MediaStream(stream.getAudioTracks())).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let loudest = 0;
    for (let round = 0; round < 20; round++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      analyser.getFloatTimeDomainData(samples);
      loudest = Math.max(loudest, Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length));
    }
    await context.close();
    return loudest;
  });
}
