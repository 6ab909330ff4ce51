/** Real: Chromium with its fake devices, its WebRTC, the media worker, coturn. The wire between the two sides is the test. */
import { startTurn } from '@rialto/engines';
import type { MediaStats } from '../src/calls/media-engine.ts';
import type { HarnessSurface } from './media-harness/surface.ts';
import { logOf, MediaPages, pause, statsOf, turnServer, untilStats, type MediaPair, type OnTheWay } from './media-pages.ts';

/** In the pages, where the functions given to `evaluate` run. */
declare const window: { readonly harness: HarnessSurface };

let pages: MediaPages;
let pair: MediaPair | undefined;

beforeAll(async () => {
  pages = await MediaPages.start();
}, 60_000);
afterAll(() => pages.stop());
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});
jest.setTimeout(30_000);

const isHeard = ({ audioEnergy }: MediaStats) => audioEnergy > 0;
const isSeen = ({ framesDecoded }: MediaStats) => framesDecoded > 10;
const isBoth = (stats: MediaStats) => isHeard(stats) && isSeen(stats);
/** How long "nothing arrives" is watched: media that works is there within a second. */
const NOTHING_MS = 3_000;

/** The sealed bytes of the harness name their sender and are readable, so that a test can look into them and change them. */
const read = (bytes: string) => {
  const sealed = JSON.parse(Buffer.from(bytes, 'base64url').toString()) as { from: string; plaintext: string };
  return { ...sealed, signal: JSON.parse(sealed.plaintext) };
};
const write = (from: string, signal: unknown) =>
  Buffer.from(JSON.stringify({ from, plaintext: JSON.stringify(signal) })).toString('base64url');

test('two people hear and see each other', async () => {
  pair = await pages.pair();
  await pair.call();
  for (const page of [pair.ana, pair.ben]) {
    const stats = await untilStats(page, isBoth);
    expect(stats.framesOpened).toBeGreaterThan(0);
    // On a busy machine the first frames may be there before the key, which is made beside the description.
    expect(stats.framesRefused).toBeLessThan(20);
    expect(stats.connectedMs).toBeLessThan(10_000);
    expect((await logOf(page)).filter((line) => line.startsWith('problem'))).toEqual([]);
  }
});

test('what was already under way goes on after many frames: key frames are told apart in spite of the encryption', async () => {
  pair = await pages.pair();
  await pair.call();
  await untilStats(pair.ben, ({ framesDecoded }) => framesDecoded > 300, 25_000);
  const before = await statsOf(pair.ben);
  await pause(1_000);
  expect((await statsOf(pair.ben)).framesDecoded).toBeGreaterThan(before.framesDecoded + 10);
});

test('a wrong key gives no frame and no sound', async () => {
  pair = await pages.pair();
  await pair.call({ secret: 'another one' }, { secret: 'exported from the group' });
  for (const page of [pair.ana, pair.ben]) {
    const stats = await untilStats(page, ({ framesRefused }) => framesRefused > 20);
    expect(stats).toMatchObject({ framesOpened: 0, framesDecoded: 0, audioEnergy: 0 });
  }
  await pause(NOTHING_MS);
  expect(await statsOf(pair.ben)).toMatchObject({ framesOpened: 0, framesDecoded: 0, audioEnergy: 0 });
});

test('a key that comes a second late costs the frames before it, and neither sound nor picture after it', async () => {
  pair = await pages.pair();
  await pair.call({ peerKeyDelayMs: 1_000 }, {});
  const stats = await untilStats(pair.ana, isBoth);
  expect(stats.framesRefused).toBeGreaterThan(0);
  expect(await logOf(pair.ana)).toContain('unknown epoch');
  for (const page of [pair.ana, pair.ben]) {
    expect((await logOf(page)).filter((line) => /stalled|failed|problem/.test(line))).toEqual([]);
  }
});

test('one changed byte in the fingerprint, and nothing connects', async () => {
  const tamper: OnTheWay = (bytes) => {
    const { from, signal } = read(bytes);
    if (signal.type !== 'offer') return bytes;
    const flip = (digit: string) => (digit === '0' ? '1' : '0');
    return write(from, {
      ...signal,
      sdp: signal.sdp.replaceAll(
        /(a=fingerprint:sha-256 )(.)/g,
        (_all: string, head: string, digit: string) => head + flip(digit),
      ),
    });
  };
  pair = await pages.pair(tamper);
  await pair.call();
  await pause(NOTHING_MS);
  for (const page of [pair.ana, pair.ben]) {
    expect(await statsOf(page)).toMatchObject({ framesOpened: 0, framesDecoded: 0, audioEnergy: 0 });
    expect(await logOf(page)).not.toContain('connection connected');
  }
});

test('candidates that are lost on both ways are said again, and it connects on the first offer', async () => {
  const waiting = new Set(['ana', 'ben']);
  let offers = 0;
  pair = await pages.pair((bytes) => {
    const { from, signal } = read(bytes);
    if (signal.type === 'offer') offers += 1;
    return signal.type === 'candidates' && waiting.delete(from) ? null : bytes;
  });
  await pair.call();
  for (const page of [pair.ana, pair.ben]) await untilStats(page, isBoth);
  expect([waiting.size, offers]).toEqual([0, 1]);
  for (const page of [pair.ana, pair.ben]) expect((await logOf(page)).filter((line) => /problem|failed/.test(line))).toEqual([]);
});

test('an answer that is not from the other device is not followed', async () => {
  const eve: OnTheWay = (bytes) => {
    const { from, signal } = read(bytes);
    return signal.type === 'answer' && from === 'ben' ? write('ana', signal) : bytes;
  };
  pair = await pages.pair(eve);
  await pair.call();
  await pause(NOTHING_MS);
  expect(await logOf(pair.ana)).toContainEqual(expect.stringContaining('problem signal-from-stranger'));
  expect(await statsOf(pair.ana)).toMatchObject({ framesOpened: 0, framesDecoded: 0 });
});

test('a track that nobody announced is refused', async () => {
  pair = await pages.pair();
  await pair.call({}, { forgetsAnnouncements: true });
  await untilStats(pair.ana, isBoth);
  expect(await logOf(pair.ben)).toEqual(expect.arrayContaining([expect.stringMatching(/^refused track/)]));
  expect(await statsOf(pair.ben)).toMatchObject({ framesOpened: 0, framesDecoded: 0, audioEnergy: 0 });
});

test('without frame encryption there is no call', async () => {
  const page = await pages.openPage();
  expect(await page.evaluate(() => window.harness.engineProblem())).toBeNull();
  await page.evaluate(() => Reflect.deleteProperty(window, 'RTCRtpScriptTransform'));
  expect(await page.evaluate(() => window.harness.engineProblem())).toBe('frame-encryption-unsupported');
  await page.context().close();
});

test('a voice call becomes a video call', async () => {
  pair = await pages.pair();
  await pair.call({ media: 'audio' });
  await untilStats(pair.ben, isHeard);
  expect((await statsOf(pair.ben)).framesDecoded).toBe(0);
  await Promise.all([pair.ana, pair.ben].map((page) => page.evaluate(() => window.harness.upgrade())));
  await Promise.all([untilStats(pair.ana, isBoth), untilStats(pair.ben, isBoth)]);
});

test('the keys follow the epoch; who does not follow sends nothing and hears nothing new', async () => {
  pair = await pages.pair();
  const { ana, ben } = pair;
  await pair.call({ media: 'audio' });
  await Promise.all([untilStats(ana, isHeard), untilStats(ben, isHeard)]);
  for (const page of [ana, ben]) await page.evaluate(() => window.harness.enterEpoch(2));
  const before = await statsOf(ben);
  await pause(1_000);
  expect((await statsOf(ben)).framesOpened).toBeGreaterThan(before.framesOpened + 30);
  // Ben's log has the next commit before he reads it: frames of an unknown epoch make him read.
  await ben.evaluate(() => window.harness.setLogEpoch(3));
  await ana.evaluate(() => window.harness.enterEpoch(3));
  await pause(1_500);
  expect(await logOf(ben)).toContain('unknown epoch');
  expect(await ben.evaluate(() => window.harness.conversation?.epoch)).toBe(3);
  const after = await statsOf(ben);
  await pause(1_000);
  expect((await statsOf(ben)).framesOpened).toBeGreaterThan(after.framesOpened + 30);
});

test('a relayed call shows no address, and comes back after the relay was killed', async () => {
  const turn = await startTurn();
  const seen: string[] = [];
  let again: Awaited<ReturnType<typeof startTurn>> | undefined;
  try {
    pair = await pages.pair((bytes) => {
      seen.push(read(bytes).plaintext);
      return bytes;
    });
    const relayed = { iceServers: [turnServer(turn)], isRelayOnly: true, media: 'audio' as const };
    await pair.call(relayed);
    for (const page of [pair.ana, pair.ben]) expect((await untilStats(page, isHeard)).path).toBe('relay');
    const candidates = seen.flatMap((plaintext) => plaintext.match(/candidate:[^"\\]*/g) ?? []);
    expect(candidates.length).toBeGreaterThan(0);
    for (const candidate of candidates) expect(candidate).toMatch(/ typ relay raddr 0\.0\.0\.0 rport 0/);

    process.kill(turn.pid, 'SIGKILL');
    await turn.exited;
    const killedAt = Date.now();
    again = await startTurn();
    for (const page of [pair.ana, pair.ben]) await page.waitForFunction(() => window.harness.log.includes('connection stalled'));
    const noticedMs = Date.now() - killedAt;
    const { framesOpened } = await statsOf(pair.ben);
    const server = turnServer(again);
    const restartedAt = Date.now();
    await pair.ben.evaluate((each) => window.harness.restartIce([each]), server);
    await pair.ana.evaluate((each) => window.harness.restartIce([each]), server);
    await untilStats(pair.ben, (stats) => stats.framesOpened > framesOpened + 20);
    process.stderr.write(
      `relay killed: noticed after ${noticedMs} ms, media back ${Date.now() - restartedAt} ms after the restart\n`,
    );
  } finally {
    await turn.stop();
    await again?.stop();
  }
});
