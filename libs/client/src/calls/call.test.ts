import { type AccountId, AppError, type CallId, type CallView, type ConversationId, type DeviceId } from '@rialto/contracts';
import type { CallOptions } from './call-options.ts';
import { Call } from './call.ts';
import type { CallConversation, CallPorts } from './ports.ts';

const ME = 'A'.repeat(43) as AccountId;
const BEN = 'B'.repeat(43) as AccountId;

const ringing = {
  callId: 'cal_AAAAAAAAAAAAAAAAAAAAAA' as CallId,
  conversationId: 'cnv_AAAAAAAAAAAAAAAAAAAAAA' as ConversationId,
  media: 'audio',
  caller: BEN,
  callee: ME,
  version: 1,
  state: 'ringing',
  mergedInto: null,
  endReason: null,
} as unknown as CallView;

/** An incoming call on a device whose microphone is only counted. */
function incoming(answerCall: () => Promise<{ call: CallView }>) {
  const open = new Set<object>();
  const session = () => {
    const each = {
      localTracks: [],
      remoteTracks: [],
      addLocal: async () => void open.add(each),
      setMuted: () => undefined,
      close: () => void open.delete(each),
    };
    return each;
  };
  const call = new Call({
    view: ringing,
    conversation: { demandTrust: () => undefined } as CallConversation,
    ports: {
      api: { answerCall, getIceServers: async () => ({ iceServers: [], isRelayOnly: false }) },
      me: { accountId: ME, deviceId: 'dev_me' as DeviceId },
      engine: { check: () => undefined, open: async () => session() },
      surroundings: { now: () => 0, after: () => () => undefined, random: (bytes: number) => new Uint8Array(bytes) },
      hidesAddress: () => false,
      report: () => undefined,
    } as unknown as CallPorts,
    changed: () => undefined,
    news: async () => undefined,
    end: async () => undefined,
  } satisfies CallOptions);
  call.apply(ringing);
  return { call, open };
}

test('an answer that does not get through leaves no microphone open, and can be given again', async () => {
  let isAway = true;
  const { call, open } = incoming(async () => {
    if (isAway) throw new AppError('unavailable');
    return { call: ringing };
  });
  await expect(call.answer()).rejects.toMatchObject({ code: 'unavailable' });
  await Promise.resolve();
  expect([call.state, open.size]).toEqual(['ringing', 0]);
  isAway = false;
  await call.answer();
  expect(open.size).toBe(1);
  call.finish('hung-up');
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(open.size).toBe(0);
});
