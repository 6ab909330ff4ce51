import {
  type AccountId,
  CALL_GIVE_UP_MS,
  type CallId,
  type CallView,
  type ConversationId,
  type DeviceId,
} from '@rialto/contracts';
import { clockInHand } from '../../test/clock-in-hand.ts';
import { Call } from './call.ts';
import type { IceServer, MediaEvents } from './media-engine.ts';
import type { CallConversation, CallPorts } from './ports.ts';

const ME = 'A'.repeat(43) as AccountId;
const BEN = 'B'.repeat(43) as AccountId;
/** How often ICE is restarted while packets stay away. */
const RESTART_EVERY_MS = 5_000;

const accepted = {
  callId: 'cal_AAAAAAAAAAAAAAAAAAAAAA' as CallId,
  conversationId: 'cnv_AAAAAAAAAAAAAAAAAAAAAA' as ConversationId,
  media: 'audio',
  caller: ME,
  callerDevice: 'dev_me' as DeviceId,
  callee: BEN,
  calleeDevice: 'dev_ben' as DeviceId,
  version: 2,
  state: 'accepted',
  mergedInto: null,
  endReason: null,
} as unknown as CallView;

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

/** A call that stands, its clock in the test's hand. The arbiter gives other relay credentials each time it is asked. */
async function standing({ relayOnly = [false], relays = [1] }: { relayOnly?: boolean[]; relays?: number[] } = {}) {
  const { surroundings, pass } = clockInHand();
  const seen = { relays: [] as string[], restarts: 0, ended: [] as string[] };
  let events: MediaEvents | undefined;
  let asked = 0;
  /** Its answers one after the other; the last one for all that follow. */
  const nth = <T>(answers: T[]) => answers[Math.min(asked, answers.length) - 1];
  const getIceServers = async () => {
    asked += 1;
    const server: IceServer = { urls: ['turn:relay.example'], username: `user-${asked}`, credential: 'c' };
    return { iceServers: nth(relays) === 1 ? [server] : [], isRelayOnly: nth(relayOnly) };
  };
  const session = {
    instance: new Uint8Array(16),
    localTracks: [],
    remoteTracks: [],
    addLocal: async () => undefined,
    announcement: () => ({ instance: new Uint8Array(16), tracks: [] }),
    setSendKey: async () => undefined,
    setMuted: () => undefined,
    setIceServers: (servers: IceServer[]) => void seen.relays.push(...servers.map(({ username }) => username ?? '')),
    createOffer: async ({ restartIce = false } = {}) => {
      seen.restarts += Number(restartIce);
      return { type: 'offer', sdp: 'v=0' };
    },
    close: () => undefined,
  };
  const conversation = {
    leafIndex: 0,
    mediaKey: async () => ({ epoch: 1, key: new Uint8Array(32) }),
    onEpoch: () => () => undefined,
    sealEphemeral: async (plaintext: Uint8Array) => plaintext,
  } as unknown as CallConversation;
  const call = new Call({
    view: accepted,
    conversation,
    ports: {
      api: {
        getIceServers,
        sendSignal: async () => ({ relayed: true }),
        confirmConnected: async () => ({ call: { ...accepted, state: 'active', version: 3 } }),
        getCall: async () => ({ call: accepted }),
      },
      me: { accountId: ME, deviceId: 'dev_me' as DeviceId },
      engine: {
        check: () => undefined,
        open: async (options: { events: MediaEvents; iceServers: IceServer[] }) => {
          events = options.events;
          seen.relays.push(...options.iceServers.map(({ username }) => username ?? ''));
          return session;
        },
      },
      surroundings,
      hidesAddress: () => false,
      report: () => undefined,
    } as unknown as CallPorts,
    changed: () => undefined,
    news: async () => undefined,
    end: async (_callId, reason) => void seen.ended.push(reason),
  });
  call.apply(accepted);
  await settled();
  events?.connection('connected');
  await settled();
  expect(call.state).toBe('active');
  return { call, seen, pass, connection: (state: 'connected' | 'stalled') => events?.connection(state) };
}

test('a stall restarts ICE at once and again, each time with fresh relay credentials', async () => {
  const { call, seen, pass, connection } = await standing();
  connection('stalled');
  await settled();
  expect([call.state, seen.restarts]).toEqual(['reconnecting', 1]);
  await pass(2 * RESTART_EVERY_MS);
  expect(seen.restarts).toBe(3);
  expect(seen.relays).toEqual(['user-1', 'user-2', 'user-3', 'user-4']);
  connection('connected');
  expect(call.state).toBe('active');
  await pass(2 * CALL_GIVE_UP_MS);
  expect([call.state, seen.restarts]).toEqual(['active', 3]);
});

test('a stall that stays ends the call when the time is up and not before, and says why', async () => {
  const { call, seen, pass, connection } = await standing();
  connection('stalled');
  await pass(CALL_GIVE_UP_MS - 1);
  expect([call.state, seen.ended]).toEqual(['reconnecting', []]);
  await pass(1);
  expect([call.state, call.endReason, seen.ended]).toEqual(['ended', 'failed', ['failed']]);
  expect(call.failure).toMatch(/connection/);
});

test('a call that showed addresses does not come back once they must stay hidden', async () => {
  const { call, seen, connection } = await standing({ relayOnly: [false, true] });
  connection('stalled');
  await settled();
  expect([call.state, call.endReason, seen.restarts, seen.relays, seen.ended]).toEqual([
    'ended',
    'failed',
    0,
    ['user-1'],
    ['failed'],
  ]);
});

test('a hidden call restarts behind the relay, and not without one', async () => {
  const { call, seen, pass, connection } = await standing({ relayOnly: [true], relays: [1, 1, 0] });
  connection('stalled');
  await settled();
  expect([call.state, seen.restarts]).toEqual(['reconnecting', 1]);
  await pass(RESTART_EVERY_MS);
  expect([call.state, seen.restarts, seen.relays]).toEqual(['ended', 1, ['user-1', 'user-2']]);
  expect(call.failure).toMatch(/relay/);
});
