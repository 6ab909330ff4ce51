import { type CallAtEnd, type CallDeed, checkCalls, type ToldCall } from './call-history.ts';
import type { FaultKind } from './history-checker.ts';

type View = ToldCall['call'];
interface History {
  deeds: CallDeed[];
  told: ToldCall[];
  atEnd: CallAtEnd[];
}
const at = (ms: number) => new Date(1_790_000_000_000 + ms).toISOString();

/** Two calls that were talked through, one that was cancelled, and one that nobody answered. */
function goodHistory(): History {
  const history: History = { deeds: [], told: [], atEnd: [] };
  for (const callId of ['talk', 'chat']) addTalk(history, callId);
  const cancelled = viewOf('cancelled', { version: 1, state: 'ended', endReason: 'cancelled', endedAt: at(500) });
  addCall(history, cancelled, [
    ['start', 'ana-1'],
    ['end', 'ana-1'],
  ]);
  const missed = viewOf('missed', { version: 2, state: 'ended', endReason: 'missed', endedAt: at(45_100) });
  addCall(history, missed, [['start', 'ana-1']]);
  return history;
}
const viewOf = (callId: string, change: Partial<View>): View => ({
  ...{ callId, state: 'inviting', endReason: null, version: 0, calleeDevice: null, mergedInto: null },
  ...{ createdAt: at(0), answeredAt: null, endedAt: null },
  ...change,
});
const answered = { calleeDevice: 'ben-1' as never, answeredAt: at(300) };
function addTalk(history: History, callId: string): void {
  const views = [
    viewOf(callId, {}),
    viewOf(callId, { version: 1, state: 'ringing' }),
    viewOf(callId, { version: 2, state: 'accepted', ...answered }),
    viewOf(callId, { version: 3, state: 'active', ...answered }),
    viewOf(callId, { version: 4, state: 'ended', endReason: 'hung-up', ...answered, endedAt: at(900) }),
  ];
  const acts = [
    ['start', 'ana-1'],
    ['ring', 'ben-1'],
    ['answer', 'ben-1'],
    ['connect', 'ana-1'],
    ['end', 'ben-1'],
  ] as const;
  history.told.push(...views.map((call, index) => ({ call, beganAtMs: index * 10, endedAtMs: index * 10 + 5 })));
  addCall(history, views.at(-1) as View, acts);
}
function addCall({ deeds, atEnd }: History, last: View, acts: readonly (readonly [CallDeed['act'], string])[]): void {
  deeds.push(...acts.map(([act, device]) => ({ callId: last.callId, act, device, isAcknowledged: true })));
  atEnd.push({ party: 'ana', call: last }, { party: 'ben', call: last });
}
const kindsIn = ({ deeds, told, atEnd }: History): FaultKind[] =>
  [...new Set(checkCalls(deeds, told, atEnd).map(({ kind }) => kind))].toSorted();
/** Changes what both parties find of a call at the end. */
const changeEnd = (history: History, callId: string, change: Partial<View>): void => {
  history.atEnd = history.atEnd.map(({ party, call }) => ({
    party,
    call: call.callId === callId ? { ...call, ...change } : call,
  }));
};

test('a good history has no fault, also when the outcome of an end stayed unknown', () => {
  expect(kindsIn(goodHistory())).toEqual([]);
  const unknown = goodHistory();
  unknown.deeds = unknown.deeds.map((deed) => (deed.act === 'end' ? { ...deed, isAcknowledged: false } : deed));
  unknown.told = unknown.told.filter(({ call }) => call.state !== 'ended');
  expect(kindsIn(unknown)).toEqual([]);
  changeEnd(unknown, 'talk', { version: 3, state: 'active', endReason: null, endedAt: null });
  expect(kindsIn(unknown)).toEqual([]);
});

/** What a broken arbiter might do, and what must be found. */
const PLANTED: Readonly<Record<string, { finds: FaultKind[]; plant(history: History): void }>> = {
  'an acknowledged call is in nobody’s history': {
    finds: ['lost'],
    plant: (history) => (history.atEnd = history.atEnd.filter(({ call }) => call.callId !== 'cancelled')),
  },
  'an acknowledged answer is undone': {
    finds: ['lost', 'reordered'],
    plant: (history) => {
      history.told = history.told.filter(({ call }) => call.callId !== 'talk' || call.version < 3);
      changeEnd(history, 'talk', {
        version: 1,
        state: 'ringing',
        calleeDevice: null,
        answeredAt: null,
        endReason: null,
        endedAt: null,
      });
      history.told.push({ call: viewOf('talk', { version: 1, state: 'ringing' }), beganAtMs: 100, endedAtMs: 105 });
    },
  },
  'an acknowledged end is undone': {
    finds: ['lost'],
    plant: (history) => changeEnd(history, 'talk', { version: 3, state: 'active', endReason: null, endedAt: null }),
  },
  'the two parties find two ends': {
    finds: ['doubled'],
    plant: (history) => {
      const [found] = history.atEnd as [CallAtEnd];
      history.atEnd[0] = { ...found, call: { ...found.call, endReason: 'failed' } };
    },
  },
  'one was told another end than the history has': {
    finds: ['doubled'],
    plant: (history) => changeEnd(history, 'chat', { endReason: 'failed' }),
  },
  'a call goes on after its end': {
    finds: ['doubled', 'lost'],
    plant: (history) => changeEnd(history, 'talk', { version: 5, state: 'active', endReason: null, endedAt: null }),
  },
  'a call is ended twice': {
    finds: ['doubled'],
    plant: (history) => changeEnd(history, 'talk', { version: 5, endReason: 'failed', endedAt: at(950) }),
  },
  'two devices have answered': {
    finds: ['doubled'],
    plant: ({ told }) =>
      told.push({
        call: viewOf('talk', { version: 2, state: 'accepted', ...answered, calleeDevice: 'ben-2' as never }),
        beganAtMs: 20,
        endedAtMs: 25,
      }),
  },
  'the call is with another device than before': {
    finds: ['doubled'],
    plant: (history) => {
      history.deeds = history.deeds.filter(({ act, callId }) => act !== 'answer' || callId !== 'talk');
      const moved = { calleeDevice: 'ben-2' as never };
      history.told = history.told.map((one) =>
        one.call.callId === 'talk' && one.call.version > 2 ? { ...one, call: { ...one.call, ...moved } } : one,
      );
      changeEnd(history, 'talk', moved);
    },
  },
  'an end that was told, and that nobody was acknowledged, is undone': {
    finds: ['lost'],
    plant: (history) => {
      history.deeds = history.deeds.map((deed) => (deed.act === 'end' ? { ...deed, isAcknowledged: false } : deed));
      changeEnd(history, 'talk', { version: 3, state: 'active', endReason: null, endedAt: null });
    },
  },
  'a device was told that it has the call, and another one has it': {
    finds: ['lost'],
    plant: ({ deeds }) => deeds.push({ callId: 'talk', act: 'answer', device: 'ben-2', isAcknowledged: true }),
  },
  'a call goes back to ringing': {
    finds: ['reordered'],
    plant: (history) => {
      history.told = history.told.map((one) =>
        one.call.callId === 'talk' && one.call.version === 3 ? { ...one, call: { ...one.call, state: 'ringing' } } : one,
      );
    },
  },
  'somebody is told an older state after a newer one': {
    finds: ['reordered'],
    plant: ({ told }) => told.push({ call: viewOf('talk', {}), beganAtMs: 100, endedAtMs: 105 }),
  },
  'a call that nobody started': {
    finds: ['forged'],
    plant: ({ atEnd }) => atEnd.push({ party: 'ana', call: viewOf('invented', {}) }),
  },
  'a call is hung up by nobody': {
    finds: ['forged'],
    plant: (history) => (history.deeds = history.deeds.filter(({ act, callId }) => act !== 'end' || callId !== 'chat')),
  },
  'a call is missed before anybody could take it': {
    finds: ['forged'],
    plant: (history) => changeEnd(history, 'missed', { endedAt: at(20_000) }),
  },
  'an answered call is timed out at once': {
    finds: ['doubled', 'forged'],
    plant: (history) => changeEnd(history, 'talk', { endReason: 'timed-out' }),
  },
  'the time of the answer changes': {
    finds: ['doubled', 'forged'],
    plant: (history) => changeEnd(history, 'talk', { answeredAt: at(301) }),
  },
};

test.each(Object.entries(PLANTED))('finds it when %s', (_name, { finds, plant }) => {
  const history = goodHistory();
  plant(history);
  expect(kindsIn(history)).toEqual(finds);
});
