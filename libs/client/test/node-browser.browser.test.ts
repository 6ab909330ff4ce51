/** Real: Chromium's WebRTC with our worker on one side, werift with Opus on the other, SFrame between them. The wire is the test. */
import type { CallId } from '@rialto/contracts';
import { ready } from '@rialto/crypto';
import { startTurn } from '@rialto/engines';
import { NodeMediaEngine } from '../../../apps/cli/src/media/engine.ts';
import { SoundMeter, tone } from '../../../apps/cli/src/media/sound.ts';
import type { IceServer, MediaSession } from '../src/calls/media-engine.ts';
import { Negotiation } from '../src/calls/negotiation.ts';
import type { CallPorts } from '../src/calls/ports.ts';
import { deviceOf, HarnessConversation } from './media-harness/conversation.ts';
import type { HarnessSurface } from './media-harness/surface.ts';
import { MediaPages, pause, statsOf, turnServer, untilStats } from './media-pages.ts';

/** In the page, where the functions given to `evaluate` run. */
declare const window: { readonly harness: HarnessSurface };

const SECRET = 'exported from the group';
const CALL_ID = 'cal_AAAAAAAAAAAAAAAAAAAAAA' as unknown as CallId;
jest.setTimeout(30_000);

let pages: MediaPages;
beforeAll(async () => {
  await ready();
  pages = await MediaPages.start();
}, 60_000);
afterAll(() => pages.stop());

/** A call between a page (`ana`, who calls or is called) and this process (`ben`). */
async function call(options: {
  isBrowserCalling: boolean;
  secret?: string;
  iceServers?: readonly IceServer[];
  isRelayOnly?: boolean;
}) {
  const { isBrowserCalling, secret = SECRET, iceServers = [], isRelayOnly = false } = options;
  const page = await pages.openPage();
  const meter = new SoundMeter();
  const problems: string[] = [];
  const engine = new NodeMediaEngine({ source: () => tone(880), meter });
  let negotiation: Negotiation | undefined;
  const early: string[] = [];
  const session: MediaSession = await engine.open({
    iceServers,
    isRelayOnly,
    events: {
      candidate: (candidate) => negotiation?.handleLocalCandidate(candidate),
      connection: () => {},
      firstFrame: () => {},
      unknownEpoch: () => {},
      refusedTrack: (mid) => problems.push(`refused ${mid}`),
      tracks: () => {},
    },
  });
  await session.addLocal('audio');
  await page.exposeFunction('deliver', async (bytes: string) => {
    if (negotiation === undefined) early.push(bytes);
    else await negotiation.handleSignal({ bytes });
  });
  const browserSide = {
    name: 'ana' as const,
    isCaller: isBrowserCalling,
    secret: SECRET,
    media: 'audio' as const,
    iceServers,
    isRelayOnly,
  };
  await page.evaluate((each) => window.harness.prepare(each), browserSide);
  await page.evaluate((each) => window.harness.connect(each), browserSide);
  const api = {
    sendSignal: async ({ bytes }: { bytes: string }) => page.evaluate((each) => window.harness.receive(each), bytes),
  };
  negotiation = new Negotiation({
    callId: CALL_ID,
    peerDevice: deviceOf('ana'),
    isCaller: !isBrowserCalling,
    conversation: new HarnessConversation({ name: 'ben', secret }),
    session,
    gaveUp: (cause) => {
      throw cause;
    },
    ports: {
      api: api as unknown as CallPorts['api'],
      surroundings: {
        now: () => Date.now(),
        after: (delayMs, run) => {
          const timer = setTimeout(run, delayMs);
          return () => clearTimeout(timer);
        },
        random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
      },
      report: ({ code, cause }) => problems.push(`${code} ${String(cause)}`),
    },
  });
  await negotiation.start();
  for (const bytes of early) await negotiation.handleSignal({ bytes });
  const close = async () => {
    negotiation?.close();
    session.close();
    await page.evaluate(() => window.harness.close());
    await page.context().close();
  };
  return { page, session, meter, problems, close };
}

test.each([true, false])('a browser and a terminal hear each other (the browser calls: %s)', async (isBrowserCalling) => {
  const { page, session, meter, problems, close } = await call({ isBrowserCalling });
  const heard = await untilStats(page, ({ audioEnergy, framesOpened }) => audioEnergy > 0 && framesOpened > 100);
  const said = await session.stats();
  process.stderr.write(
    `browser and terminal: connected after ${heard.connectedMs} and ${said.connectedMs} ms; ${heard.framesOpened} and ${said.framesOpened} frames\n`,
  );
  expect(said.framesOpened).toBeGreaterThan(50);
  expect(meter.energy).toBeGreaterThan(0);
  expect(said.framesRefused).toBe(0);
  expect(problems).toEqual([]);
  await close();
});

test('with a wrong key neither hears anything', async () => {
  const { page, session, meter, close } = await call({ isBrowserCalling: true, secret: 'another one' });
  await untilStats(page, ({ framesRefused }) => framesRefused > 50);
  await pause(500);
  expect(await statsOf(page)).toMatchObject({ framesOpened: 0, audioEnergy: 0 });
  expect(await session.stats()).toMatchObject({ framesOpened: 0 });
  expect(meter.energy).toBe(0);
  await close();
});

test('they hear each other through a relay alone', async () => {
  const turn = await startTurn();
  try {
    const iceServers = [turnServer(turn)];
    const { page, session, close } = await call({ isBrowserCalling: true, iceServers, isRelayOnly: true });
    expect((await untilStats(page, ({ framesOpened }) => framesOpened > 50)).path).toBe('relay');
    expect((await session.stats()).framesOpened).toBeGreaterThan(20);
    await close();
  } finally {
    await turn.stop();
  }
});
