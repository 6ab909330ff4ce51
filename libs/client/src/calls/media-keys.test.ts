import type { AccountId, CallId, ConversationId } from '@rialto/contracts';
import { EPOCH_CATCH_UP_MS, type MediaSession } from './media-engine.ts';
import { MediaKeys } from './media-keys.ts';
import type { CallConversation } from './ports.ts';

/** A session that only knows whether it sends, a conversation whose log can be slow or away, and a clock that the test winds. */
function world(catchUp: () => Promise<void>) {
  const timers: { at: number; run: () => void; isOff: boolean }[] = [];
  let now = 0;
  const state = { isSending: false, failures: 0 };
  const session = {
    instance: new Uint8Array(16),
    setSendKey: async () => void (state.isSending = true),
    addReceiveKey: async () => undefined,
    stopSending: () => void (state.isSending = false),
  } as unknown as MediaSession;
  const conversation = {
    id: 'cnv_A' as ConversationId,
    peer: 'B' as AccountId,
    epoch: 4,
    leafIndex: 0,
    mediaKey: async () => ({ epoch: 4, key: new Uint8Array(32) }),
    catchUp,
    onEpoch: () => () => undefined,
  } as unknown as CallConversation;
  const keys = new MediaKeys({
    callId: 'cal_A' as CallId,
    conversation,
    session,
    surroundings: {
      now: () => now,
      after: (delayMs, run) => {
        const timer = { at: now + delayMs, run, isOff: false };
        timers.push(timer);
        return () => void (timer.isOff = true);
      },
      random: (bytes) => new Uint8Array(bytes),
    },
    failed: () => void (state.failures += 1),
  });
  const pass = async (ms: number) => {
    now += ms;
    for (const timer of timers) {
      if (timer.isOff || timer.at > now) continue;
      timer.isOff = true;
      timer.run();
    }
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  return { keys, state, pass };
}

test('sending goes on when the log, read too late, has nothing newer: the frames were old ones', async () => {
  let answer = () => {};
  const { keys, state, pass } = world(() => new Promise((resolve) => (answer = resolve)));
  await keys.start();
  keys.handleUnknownEpoch();
  await pass(EPOCH_CATCH_UP_MS);
  expect(state.isSending).toBe(false); // nobody knows yet whether somebody was removed
  answer();
  await pass(0);
  expect(state.isSending).toBe(true);
});

test('a log that cannot be read is asked again, and sending goes on once it was read', async () => {
  let isAway = true;
  const { keys, state, pass } = world(async () => {
    if (isAway) throw new Error('the server is away');
  });
  await keys.start();
  keys.handleUnknownEpoch();
  await pass(0);
  await pass(EPOCH_CATCH_UP_MS);
  expect(state).toEqual({ isSending: false, failures: 1 });
  isAway = false;
  await pass(EPOCH_CATCH_UP_MS);
  await pass(EPOCH_CATCH_UP_MS);
  expect(state).toEqual({ isSending: true, failures: 1 });
  keys.close();
});

test('without the log nothing is asked any more once the call is over', async () => {
  let asked = 0;
  const { keys, pass } = world(async () => {
    asked += 1;
    throw new Error('the server is away');
  });
  await keys.start();
  keys.handleUnknownEpoch();
  await pass(0);
  keys.close();
  await pass(10 * EPOCH_CATCH_UP_MS);
  expect(asked).toBe(1);
});
