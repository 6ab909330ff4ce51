import type { Call } from '../src/domain/call.ts';
import { RULES, type Rules } from './race-arbiter.ts';
import { race, type RaceOutcome } from './race-world.ts';

const RUNS = 20_000;
const FIRST_SEED = Number(process.env['RIALTO_TEST_SEED'] ?? 20_261_125);
const PLANTED_RUNS = 2_000;

function play(runs: number, rules: Rules) {
  const outcomes: RaceOutcome[] = [];
  const failures: string[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + runs; seed += 1) {
    const outcome = race(seed, rules);
    outcomes.push(outcome);
    if (outcome.violations.length > 0) failures.push(`seed ${seed}: ${outcome.violations.join('; ')}`);
  }
  return { outcomes, failures };
}

test(`${RUNS} races end in one agreed state`, () => {
  const { outcomes, failures } = play(RUNS, RULES);
  const count = (what: (outcome: RaceOutcome) => boolean) => outcomes.filter(what).length;
  process.stderr.write(
    `races: seeds ${FIRST_SEED} to ${FIRST_SEED + RUNS - 1}; ${count((o) => o.merged)} with a merge, ` +
      `${count((o) => o.tombstones)} with a cancel before the invite, ${count((o) => o.active)} still talking; ${failures.length} violations\n`,
  );
  expect(failures.slice(0, 5)).toEqual([]);
  // The runs must have met what they are about.
  expect(count((o) => o.merged)).toBeGreaterThan(RUNS / 100);
  expect(count((o) => o.tombstones)).toBeGreaterThan(RUNS / 200);
  expect(count((o) => o.active)).toBeGreaterThan(RUNS / 50);
}, 120_000);

const revive: Rules['decide'] = (call, event) =>
  call.state === 'ended' && event.type === 'answer' && call.endReason === 'cancelled'
    ? {
        kind: 'change',
        call: { ...call, state: 'accepted', endReason: null, calleeDevice: event.by.deviceId, version: call.version + 1 },
      }
    : RULES.decide(call, event);
const bystandersEnd: Rules['decide'] = (call, event) =>
  event.type === 'end' && call.calleeDevice !== null && call.state !== 'ended' && event.by.accountId === call.callee
    ? RULES.decide({ ...call, calleeDevice: event.by.deviceId }, event)
    : RULES.decide(call, event);
const secondAnswerWins: Rules['decide'] = (call, event) =>
  event.type === 'answer' && call.state === 'accepted'
    ? { kind: 'change', call: { ...call, calleeDevice: event.by.deviceId, version: call.version + 1 } }
    : RULES.decide(call, event);
const noTimeout: Rules['decide'] = (call, event) =>
  event.type === 'expire' && event.deadline === 'connect' ? { kind: 'keep' } : RULES.decide(call, event);
const noMerge: Rules['decideStart'] = (request, found) => RULES.decideStart(request, { ...found, oncoming: undefined });

test.each<[string, Partial<Rules>]>([
  ['a cancel that comes first is forgotten', { remembersCancels: false }],
  ['a hang-up does not follow the merge', { followsMerges: false }],
  ['calls that meet are not merged', { decideStart: noMerge }],
  ['an answer revives a cancelled call', { decide: revive }],
  ['a device that lost ends the call for the one that has it', { decide: bystandersEnd }],
  ['the second answer wins', { decide: secondAnswerWins }],
  ['nobody ends a call that does not connect', { decide: noTimeout }],
])('finds the planted fault: %s', (_name, fault) => {
  expect(play(PLANTED_RUNS, { ...RULES, ...fault }).failures.length).toBeGreaterThan(0);
});

test('a call is never changed in place', () => {
  const call = Object.freeze<Call>({
    callId: 'cal_1' as never,
    conversationId: 'cnv_1' as never,
    media: 'audio',
    caller: 'ana' as never,
    callerDevice: 'ana-1' as never,
    callee: 'ben' as never,
    calleeDevice: null,
    state: 'ringing',
    endReason: null,
    mergedInto: null,
    version: 3,
    hasCallerSpoken: false,
  });
  const answered = RULES.decide(call, { type: 'answer', by: { accountId: call.callee, deviceId: 'ben-1' as never } });
  expect(answered).toMatchObject({ kind: 'change', call: { state: 'accepted', calleeDevice: 'ben-1', version: 4 } });
});
