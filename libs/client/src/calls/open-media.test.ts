import type { CallId } from '@rialto/contracts';
import type { MediaEngine, MediaEvents, MediaSession } from './media-engine.ts';
import { OwnMedia } from './own-media.ts';
import type { CallPorts } from './ports.ts';

const relay = { urls: ['turn:relay.example:3478'], username: 'u', credential: 'c' };
const about = { callId: 'cal_A' as CallId, media: 'audio' as const, events: {} as MediaEvents };

/** An arbiter with its answer, a person with a wish, and an engine that only remembers what was asked of it. */
function world({ isRelayOnly = false, iceServers = [relay], hidesAddress = false, addLocal = async () => {} }) {
  const opened: { isRelayOnly: boolean; devices: unknown }[] = [];
  const state = { held: 0, sessions: 0 };
  const engine: MediaEngine = {
    check: () => undefined,
    askForDevices: async () => {
      state.held += 1;
      let isReleased = false;
      const release = () => {
        if (!isReleased) state.held -= 1;
        isReleased = true;
      };
      return { release };
    },
    open: async (options) => {
      opened.push({ isRelayOnly: options.isRelayOnly, devices: options.devices });
      state.sessions += 1;
      return { addLocal, close: () => void (state.sessions -= 1) } as unknown as MediaSession;
    },
  };
  const api = { getIceServers: async () => ({ iceServers, isRelayOnly, expiresAt: '' }) };
  const ports = { api, engine, hidesAddress: () => hidesAddress } as unknown as CallPorts;
  return { own: new OwnMedia(ports), opened, state };
}

test.each([
  ['both have accepted each other', { isRelayOnly: false, hidesAddress: false }, false],
  ['they have not', { isRelayOnly: true, hidesAddress: false }, true],
  ['the person hides the address', { isRelayOnly: false, hidesAddress: true }, true],
])('who sees an address: %s', async (_name, answers, isHidden) => {
  const { own, opened } = world(answers);
  await own.open(about);
  expect(opened.map(({ isRelayOnly }) => isRelayOnly)).toEqual([isHidden]);
});

test('without a relay a hidden address is not shown instead: there is no call', async () => {
  const wished = world({ hidesAddress: true, iceServers: [] });
  await expect(wished.own.open(about)).rejects.toMatchObject({ code: 'no-relay' });
  const ruled = world({ isRelayOnly: true, hidesAddress: true, iceServers: [] });
  await expect(ruled.own.open(about)).rejects.toMatchObject({ code: 'not-reachable' });
  expect([...wished.opened, ...ruled.opened]).toEqual([]);
});

test('what was asked for ahead goes into the session, and is let go when there is none', async () => {
  const works = world({});
  await works.own.ask('audio');
  await works.own.open(about);
  expect(works.opened[0]?.devices).toBeDefined();

  const fails = world({ iceServers: [], hidesAddress: true });
  await fails.own.ask('audio');
  await expect(fails.own.open(about)).rejects.toThrow();
  const breaks = world({ addLocal: () => Promise.reject(new Error('no')) });
  await breaks.own.ask('audio');
  await expect(breaks.own.open(about)).rejects.toThrow();
  const cancelled = world({});
  await cancelled.own.ask('audio');
  cancelled.own.close();
  for (const { state } of [fails, breaks, cancelled]) expect(state).toEqual({ held: 0, sessions: 0 });
});

test('who hangs up while the browser still asks holds no microphone', async () => {
  const { own, state } = world({});
  const asked = own.ask('audio');
  own.close();
  await expect(asked).rejects.toMatchObject({ code: 'session-closed' });
  expect(state.held).toBe(0);
});
