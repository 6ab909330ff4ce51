import type { AccountId, CallId, ConversationId } from '@rialto/contracts';
import { clockInHand } from '../../test/clock-in-hand.ts';
import { EPOCH_CATCH_UP_MS, type MediaSession } from './media-engine.ts';
import { MAX_KEY_TRIES, MediaKeys } from './media-keys.ts';
import type { CallConversation } from './ports.ts';

/** A session that only knows whether it sends, a conversation whose log can be slow or away, and a clock that the test winds. */
function world(catchUp: () => Promise<void>, canSetKey: () => boolean = () => true) {
  const { surroundings, pass } = clockInHand();
  const epochs: (() => void)[] = [];
  const state = { isSending: false, failures: 0, hasGivenUp: false };
  const session = {
    instance: new Uint8Array(16),
    setSendKey: async () => {
      if (!canSetKey()) throw new Error('the worker does not answer');
      state.isSending = true;
    },
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
    onEpoch: (handler: () => void) => {
      epochs.push(handler);
      return () => undefined;
    },
  } as unknown as CallConversation;
  const keys = new MediaKeys({
    callId: 'cal_A' as CallId,
    conversation,
    session,
    surroundings,
    failed: () => void (state.failures += 1),
    gaveUp: () => void (state.hasGivenUp = true),
  });
  const enterEpoch = () => epochs.forEach((handler) => handler());
  return { keys, state, pass, enterEpoch };
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
  expect(state).toMatchObject({ isSending: false, failures: 1 });
  isAway = false;
  await pass(EPOCH_CATCH_UP_MS);
  await pass(EPOCH_CATCH_UP_MS);
  expect(state).toMatchObject({ isSending: true, failures: 1 });
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

test('a key that could not be set once is set a moment later, without another epoch', async () => {
  let canSet = true;
  const { keys, state, pass, enterEpoch } = world(
    async () => undefined,
    () => canSet,
  );
  await keys.start();
  canSet = false;
  enterEpoch();
  await pass(0);
  expect(state).toMatchObject({ failures: 1, hasGivenUp: false });
  await pass(EPOCH_CATCH_UP_MS);
  expect(state.isSending).toBe(false);
  canSet = true;
  await pass(1_000);
  await pass(EPOCH_CATCH_UP_MS);
  expect(state).toEqual({ isSending: true, failures: 1, hasGivenUp: false });
  keys.close();
});

test('a key that cannot be set at all ends the call, and nothing is sent any more', async () => {
  let [canSet, tries] = [true, 0];
  const { keys, state, pass, enterEpoch } = world(
    async () => undefined,
    () => {
      tries += 1;
      return canSet;
    },
  );
  await keys.start();
  [canSet, tries] = [false, 0];
  enterEpoch();
  await pass(0);
  for (let second = 0; second < 3 * MAX_KEY_TRIES; second += 1) await pass(1_000);
  expect(state).toEqual({ isSending: false, failures: 1, hasGivenUp: true });
  expect(tries).toBe(MAX_KEY_TRIES);
});
