import { MemoryStore, Rialto } from '@rialto/client';
import type { Browser, Page } from 'playwright-core';
import {
  freshHandle,
  NARROW,
  openChat,
  openPerson,
  type PersonBrowser,
  registerInBrowser,
  startBrowser,
  twoWhoMet,
} from '../src/browser.ts';
import { ScriptedMedia } from '../src/scripted-media.ts';

const url = process.env.RIALTO_E2E_URL ?? '';
/** Set to a folder, the test leaves a picture of each call screen there, light and dark. */
const pictures = process.env.RIALTO_SCREENS;
const CONNECT_TIMEOUT_MS = 30_000;
jest.setTimeout(120_000);

let browser: Browser;
let ana: PersonBrowser;
let ben: PersonBrowser;

beforeAll(async () => {
  browser = await startBrowser();
  ({ ana, ben } = await twoWhoMet(browser, url, { bensLook: NARROW }));
});
afterAll(() => browser?.close());
/** What one test left open must not decide the next. */
afterEach(async () => {
  for (const { page } of [ana, ben]) {
    const end = call(page).getByRole('button', { name: /Hang up|Decline/ });
    if (await end.count()) await end.click({ timeout: 2_000 }).catch(() => undefined); // or the other side has just ended it
    await call(page).waitFor({ state: 'detached' });
  }
});

test('a voice call that one side turns to video shows on the other side, and nothing is begun anew by it', async () => {
  await connect('Call Ben Okafor');
  for (const { page } of [ana, ben]) await page.getByText('Direct, sealed', { exact: true }).waitFor();
  await picture(ben.page, 'voice-narrow');
  expect(await remote(ben.page).isVisible()).toBe(false);
  await countStreams(ben.page);

  await ana.page.getByRole('button', { name: 'Add video' }).click();
  await isMoving(ben.page);
  expect(await remote(ben.page).isVisible()).toBe(true);
  expect(await remote(ana.page).isVisible()).toBe(false); // Ben's camera is off
  await picture(ana.page, 'video-one-way-wide');
  await picture(ben.page, 'video-one-way-narrow');
  await ben.page.getByRole('button', { name: 'Mute', exact: true }).click();
  await ben.page.getByRole('button', { name: 'Unmute' }).click();
  expect(await ben.page.evaluate(() => (globalThis as { streamsSet?: number }).streamsSet)).toBe(0);

  await ben.page.getByRole('button', { name: 'Add video' }).click();
  await isMoving(ana.page);
  expect(await remote(ana.page).isVisible()).toBe(true);
  await picture(ana.page, 'video-wide');
  await picture(ben.page, 'video-narrow');
});

test('a call that takes the screen of a phone takes the focus with it, and gives it back', async () => {
  const box = ben.page.getByRole('textbox', { name: 'Message Ana Ruiz' });
  await box.focus();
  await ana.page.getByRole('button', { name: 'Call Ben Okafor', exact: true }).click();
  await ben.page.getByRole('button', { name: 'Answer Ana Ruiz' }).waitFor();
  await picture(ben.page, 'incoming-narrow');
  await picture(ana.page, 'outgoing-wide');
  const focusIsInCall = () => ben.page.evaluate(() => document.activeElement?.closest('.call-layer') != null);
  expect(await focusIsInCall()).toBe(true);
  for (let tab = 0; tab < 4; tab++) {
    await ben.page.keyboard.press('Tab');
    const isBehind = await ben.page.evaluate(() => document.activeElement?.closest('.shell') != null);
    expect(isBehind).toBe(false);
  }
  await ben.page.getByRole('button', { name: 'Decline Ana Ruiz' }).click();
  await call(ben.page).waitFor({ state: 'detached' });
  expect(await box.evaluate((element) => element === document.activeElement)).toBe(true);
});

test('who hides the address calls through the relay, and the other side is told nothing but the relay', async () => {
  await setHidden(true);
  await openChat(ana.page, 'Ben Okafor');
  await keepWhatIsTold(ben.page);
  await connect('Call Ben Okafor');
  for (const { page } of [ana, ben]) await page.getByText('Relayed, sealed', { exact: true }).waitFor();
  const told = await ben.page.evaluate(() => (globalThis as { told?: string[] }).told ?? []);
  const candidates = told.flatMap((text) => text.match(/candidate:[^\r\n"]*/g) ?? []);
  expect(candidates.length).toBeGreaterThan(0);
  for (const candidate of candidates) expect(candidate).toMatch(/ typ relay raddr 0\.0\.0\.0 rport 0/);
  await ana.page.getByRole('button', { name: 'Hang up' }).click();
  await setHidden(false);
  await openChat(ana.page, 'Ben Okafor');
});

test('a call whose encryption dies in the middle ends, and says why', async () => {
  await ana.page.evaluate(() => {
    const { Worker: Own } = globalThis;
    const workers: Worker[] = [];
    Object.assign(globalThis, { workers });
    globalThis.Worker = class extends Own {
      constructor(...about: ConstructorParameters<typeof Worker>) {
        super(...about);
        workers.push(this);
      }
    };
  });
  await connect('Call Ben Okafor');
  await ana.page.evaluate(() => (globalThis as unknown as { workers: Worker[] }).workers.forEach((worker) => worker.terminate()));
  await ana.page.getByText(/^What encrypts the call stopped working here/).waitFor({ timeout: CONNECT_TIMEOUT_MS });
  await ben.page.getByRole('log').getByText('Call failed').waitFor();
  for (const { page } of [ana, ben]) await call(page).waitFor({ state: 'detached' });
  await openChat(ana.page, 'Ben Okafor');
});

test('who allows no camera takes a video call by voice, and reads why', async () => {
  await allow(ben, ['microphone']);
  await connect('Video call Ben Okafor');
  await ben.page.getByText(/^The browser does not let Rialto use the camera\./).waitFor();
  await isMoving(ben.page);
  await picture(ben.page, 'no-camera-narrow');
  expect(await remote(ana.page).isVisible()).toBe(false);
  await allow(ben, ['microphone', 'camera']);
  await ben.page.getByRole('button', { name: 'Add video' }).click();
  await isMoving(ana.page);
  expect(await ben.page.getByText(/let Rialto use the camera/).count()).toBe(0);
});

test('who calls without a camera still sees the other side', async () => {
  await allow(ana, ['microphone']);
  await connect('Video call Ben Okafor');
  await ana.page.getByText(/^The browser does not let Rialto use the camera\./).waitFor();
  await isMoving(ana.page);
  await picture(ana.page, 'no-camera-wide');
  await allow(ana, ['microphone', 'camera']);
  await ana.page.getByRole('button', { name: 'Add video' }).click();
  await isMoving(ben.page);
});

test('a refused microphone is told as one, with how to give it', async () => {
  await allow(ana, []);
  for (const name of ['Call Ben Okafor', 'Video call Ben Okafor']) {
    await ana.page.getByRole('button', { name, exact: true }).click();
    await ana.page.getByText(/^The browser does not let Rialto use the microphone\. Allow it .* then call again/).waitFor();
    await picture(ana.page, 'microphone-refused-wide');
    expect(await call(ben.page).count()).toBe(0); // nothing has rung
    await call(ana.page).waitFor({ state: 'detached' });
    await ana.page.reload();
  }
  await allow(ana, ['microphone', 'camera']);
});

test('calls older than the first page can be reached', async () => {
  const PAGE = 50;
  const [dee, name] = [await openPerson(browser, url), 'Cai Lind'];
  const handle = freshHandle('dee');
  await registerInBrowser(dee.page, handle, 'Dee');
  const media = new ScriptedMedia('cai');
  const { client } = await Rialto.register({
    url,
    store: new MemoryStore(),
    handle: freshHandle('cai'),
    displayName: name,
    media,
  });
  try {
    await client.whenOnline();
    const { id } = await client.conversations.createDm(`@${handle}`);
    await dee.page.getByRole('link', { name: new RegExp(name) }).click();
    await dee.page.getByRole('button', { name: 'Accept' }).click();
    await dee.page.getByRole('textbox', { name: `Message ${name}` }).waitFor();
    for (let i = 0; i < PAGE + 3; i += 1) await (await client.calls.start(id, { media: 'audio' })).hangUp();
    await dee.page.goto(`${url}/calls`);
    const rows = dee.page.getByRole('button', { name: `Call ${name} again` });
    const older = dee.page.getByRole('button', { name: 'Show older calls' });
    await older.waitFor();
    expect(await rows.count()).toBe(PAGE);
    await picture(dee.page, 'history-wide');
    await dee.page.setViewportSize(NARROW);
    await picture(dee.page, 'history-narrow');
    await older.click();
    await rows.nth(PAGE + 2).waitFor();
    await older.waitFor({ state: 'detached' });
    expect(await rows.count()).toBe(PAGE + 3);
    expect(dee.errors).toEqual([]);
  } finally {
    await client.close();
    await dee.context.close();
  }
});

const call = (page: Page) => page.getByRole('region', { name: /^Call with/ });
const remote = (page: Page) => page.getByTestId('remote-media');

/** Ana presses the button, Ben answers, and both are connected. */
async function connect(button: string): Promise<void> {
  await ana.page.getByRole('button', { name: button, exact: true }).click();
  await ben.page.getByRole('button', { name: 'Answer Ana Ruiz' }).click();
  for (const { page } of [ana, ben]) await page.getByText(/, sealed$/).waitFor({ timeout: CONNECT_TIMEOUT_MS });
}

/** Says on the screen of calls whether Ana's address is hidden; it is still so when the page was loaded anew. */
async function setHidden(isHidden: boolean): Promise<void> {
  const box = ana.page.getByRole('checkbox', { name: /^Hide my address in calls/ });
  for (const step of ['choose', 'look again']) {
    await ana.page.goto(`${url}/calls`);
    await box.waitFor();
    if (step === 'choose') await box.setChecked(isHidden);
    else expect(await box.isChecked()).toBe(isHidden);
  }
}

/** Keeps every description and candidate that a page is given of the other side. */
function keepWhatIsTold(page: Page): Promise<void> {
  return page.evaluate(() => {
    const told: string[] = [];
    Object.assign(globalThis, { told });
    const { addIceCandidate, setRemoteDescription } = RTCPeerConnection.prototype;
    RTCPeerConnection.prototype.addIceCandidate = function (this: RTCPeerConnection, candidate?: RTCIceCandidateInit | null) {
      told.push(candidate?.candidate ?? '');
      return Reflect.apply(addIceCandidate, this, [candidate]) as Promise<void>;
    };
    RTCPeerConnection.prototype.setRemoteDescription = function (this: RTCPeerConnection, about: RTCSessionDescriptionInit) {
      told.push(about.sdp ?? '');
      return Reflect.apply(setRemoteDescription, this, [about]) as Promise<void>;
    };
  });
}

/** Pictures of the other side arrive and go on. */
async function isMoving(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const video = document.querySelector<HTMLVideoElement>('[data-testid=remote-media]');
    return (video?.videoWidth ?? 0) > 0 && (video?.currentTime ?? 0) > 0.5;
  });
  const seen = () =>
    page.evaluate(() => {
      const video = document.querySelector<HTMLVideoElement>('[data-testid=remote-media]');
      return { at: video?.currentTime ?? 0, frames: video?.getVideoPlaybackQuality().totalVideoFrames ?? 0 };
    });
  const before = await seen();
  await page.waitForFunction(({ at, frames }) => {
    const video = document.querySelector<HTMLVideoElement>('[data-testid=remote-media]');
    return video && video.currentTime > at && video.getVideoPlaybackQuality().totalVideoFrames > frames + 5;
  }, before);
}

/** Counts from now on how often any element is given another stream: each time its picture and sound begin anew. */
function countStreams(page: Page): Promise<void> {
  return page.evaluate(() => {
    const counted = globalThis as { streamsSet?: number };
    counted.streamsSet = 0;
    const own = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'srcObject');
    Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', {
      configurable: true,
      get(this: HTMLMediaElement) {
        return own?.get?.call(this) as unknown;
      },
      set(this: HTMLMediaElement, stream: unknown) {
        counted.streamsSet = (counted.streamsSet ?? 0) + 1;
        own?.set?.call(this, stream);
      },
    });
  });
}

/** What the browser lets the page use from now on; everything else is refused without a question. */
async function allow({ context }: PersonBrowser, permissions: string[]): Promise<void> {
  await context.clearPermissions();
  await context.grantPermissions(permissions);
}

async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${pictures}/call-${name}-${colorScheme}.png` });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}
