import * as contracts from '@rialto/contracts';
import { decide, deadlinesOf, type Call, type Deadline } from './call.ts';

const call: Call = {
  callId: 'cal_1' as never,
  conversationId: 'cnv_1' as never,
  media: 'audio',
  caller: 'ana' as never,
  callerDevice: 'ana-1' as never,
  callee: 'ben' as never,
  calleeDevice: 'ben-1' as never,
  state: 'inviting',
  endReason: null,
  mergedInto: null,
  version: 0,
  hasCallerSpoken: false,
};

test('the lengths of a call are the ones that were designed', () => {
  const { CALL_INVITE_TIMEOUT_MS, CALL_RING_TIMEOUT_MS, CALL_ACCEPT_TIMEOUT_MS, CALL_CONNECT_TIMEOUT_MS } = contracts;
  expect([CALL_INVITE_TIMEOUT_MS, CALL_RING_TIMEOUT_MS, CALL_ACCEPT_TIMEOUT_MS, CALL_CONNECT_TIMEOUT_MS]).toEqual([
    60_000, 45_000, 10_000, 20_000,
  ]);
  expect([contracts.CALL_STALL_MS, contracts.CALL_GIVE_UP_MS]).toEqual([1_500, 30_000]);
});

test('the arbiter plans exactly these', () => {
  const planned = (state: Call['state']) => Object.fromEntries(deadlinesOf(state).map((each) => [each.deadline, each.dueInMs]));
  expect(planned('inviting')).toEqual({ invite: 60_000 });
  expect(planned('ringing')).toEqual({ ring: 45_000 });
  expect(planned('accepted')).toEqual({ accept: 10_000, connect: 20_000 });
  expect(planned('active')).toEqual({ longest: 86_400_000 });
  expect(planned('ended')).toEqual({});
});

test.each<[Call['state'], Deadline, string]>([
  ['inviting', 'invite', 'missed'],
  ['ringing', 'ring', 'missed'],
  ['accepted', 'accept', 'timed-out'],
  ['accepted', 'connect', 'timed-out'],
  ['active', 'longest', 'timed-out'],
])('a call that is %s when its %s deadline comes ends as %s, and any other goes on', (state, deadline, endReason) => {
  const event = { type: 'expire', deadline } as const;
  expect(decide({ ...call, state }, event)).toMatchObject({ kind: 'change', call: { state: 'ended', endReason } });
  for (const other of ['inviting', 'ringing', 'accepted', 'active'] as const) {
    if (other !== state) expect(decide({ ...call, state: other }, event)).toEqual({ kind: 'keep' });
  }
});

test('a caller who has spoken is given until the connect deadline', () => {
  const spoken: Call = { ...call, state: 'accepted', hasCallerSpoken: true };
  expect(decide(spoken, { type: 'expire', deadline: 'accept' })).toEqual({ kind: 'keep' });
  expect(decide(spoken, { type: 'expire', deadline: 'connect' })).toMatchObject({ kind: 'change' });
});
