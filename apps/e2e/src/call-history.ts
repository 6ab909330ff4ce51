import { CALL_ACCEPT_TIMEOUT_MS, CALL_RING_TIMEOUT_MS, type CallView } from '@rialto/contracts';
import type { Fault } from './history-checker.ts';

/** Something that a device wanted of a call. `isAcknowledged` once the arbiter said yes. */
export interface CallDeed {
  readonly callId: string;
  readonly act: 'start' | 'ring' | 'answer' | 'connect' | 'end';
  readonly device: string;
  readonly isAcknowledged: boolean;
}
type Told = Pick<
  CallView,
  'state' | 'endReason' | 'version' | 'calleeDevice' | 'answeredAt' | 'endedAt' | 'mergedInto' | 'createdAt'
> & { readonly callId: string };
/** What somebody was told of a call, with an acknowledgement or a refusal, and when on one clock. */
export interface ToldCall {
  readonly call: Told;
  readonly beganAtMs: number;
  readonly endedAtMs: number;
}
/** A call as one of its parties finds it at the end. */
export interface CallAtEnd {
  readonly party: string;
  readonly call: Told;
}

const RANK: Readonly<Record<CallView['state'], number>> = { inviting: 0, ringing: 1, accepted: 2, active: 3, ended: 4 };
/** Reasons that a person gives; the others come from the arbiter itself. */
const GIVEN_REASONS: ReadonlySet<string | null> = new Set(['hung-up', 'cancelled', 'declined', 'busy', 'failed']);
/** Times are rounded to milliseconds on their way. */
const ROUNDED_MS = 2;

/** Every promise of the arbiter that was broken, given all that was wanted, all that was told, and what both parties find at the end. */
export function checkCalls(deeds: readonly CallDeed[], told: readonly ToldCall[], atEnd: readonly CallAtEnd[]): Fault[] {
  const deedsOf = Map.groupBy(deeds, ({ callId }) => callId);
  const toldOf = Map.groupBy(told, ({ call }) => call.callId);
  const endsOf = Map.groupBy(atEnd, ({ call }) => call.callId);
  const faults: Fault[] = [];
  for (const callId of new Set([...deedsOf.keys(), ...toldOf.keys(), ...endsOf.keys()])) {
    const heard = toldOf.get(callId) ?? [];
    const wanted = deedsOf.get(callId) ?? [];
    const ends = (endsOf.get(callId) ?? []).map(({ call }) => call);
    const [last] = ends;
    if (!wanted.some(({ act }) => act === 'start')) faults.push({ kind: 'forged', what: `nobody started ${callId}` });
    faults.push(...checkOneTruth(callId, [...heard.map(({ call }) => call), ...ends]), ...checkOrder(callId, heard));
    if (last !== undefined) faults.push(...checkEnd(last, wanted, heard));
    else if (heard.length > 0 || wanted.some(({ isAcknowledged }) => isAcknowledged))
      faults.push({ kind: 'lost', what: `${callId} was acknowledged` });
  }
  return faults;
}

/** One state a version, states that only go forward, nothing after the end, and times that never change once they are there. */
function checkOneTruth(callId: string, views: readonly Told[]): Fault[] {
  const faults: Fault[] = [];
  const byVersion = [...new Map(views.map((view) => [factsOf(view), view])).values()].toSorted((a, b) => a.version - b.version);
  for (const [index, view] of byVersion.entries()) {
    const before = byVersion[index - 1];
    if (before === undefined) continue;
    const what = `${callId}: ${factsOf(before)}, then ${factsOf(view)}`;
    if (before.version === view.version || before.state === 'ended') faults.push({ kind: 'doubled', what });
    else if (RANK[view.state] < RANK[before.state]) faults.push({ kind: 'reordered', what });
    if (before.answeredAt !== null && before.answeredAt !== view.answeredAt) faults.push({ kind: 'forged', what });
    if (before.calleeDevice !== null && before.calleeDevice !== view.calleeDevice) faults.push({ kind: 'doubled', what });
  }
  return faults;
}
const factsOf = ({ version, state, endReason, calleeDevice, answeredAt, endedAt, mergedInto }: Told): string =>
  [version, state, endReason, calleeDevice, answeredAt, endedAt, mergedInto].join(' ');

/** Who asks after an answer was given hears at least what that answer said. */
function checkOrder(callId: string, heard: readonly ToldCall[]): Fault[] {
  const faults: Fault[] = [];
  for (const later of heard) {
    const earlier = heard.find(({ endedAtMs, call }) => endedAtMs < later.beganAtMs && call.version > later.call.version);
    if (earlier === undefined) continue;
    faults.push({ kind: 'reordered', what: `${callId}: ${later.call.version} was told after ${earlier.call.version}` });
  }
  return faults;
}

/** What was acknowledged is in the history at the end, and the end has a reason that somebody gave or time enough for it. */
function checkEnd(last: Told, wanted: readonly CallDeed[], heard: readonly ToldCall[]): Fault[] {
  const { callId } = last;
  const faults: Fault[] = [];
  const newest = Math.max(0, ...heard.map(({ call }) => call.version));
  if (last.version < newest) faults.push({ kind: 'lost', what: `${callId}: ${newest} was told, ${last.version} is there` });
  const acknowledged = wanted.filter(({ isAcknowledged }) => isAcknowledged);
  for (const { act, device } of acknowledged) {
    const isThere =
      act === 'end'
        ? last.state === 'ended'
        : act === 'answer'
          ? last.answeredAt !== null && last.calleeDevice === device
          : act === 'connect'
            ? last.answeredAt !== null
            : true;
    if (!isThere) faults.push({ kind: 'lost', what: `${callId}: ${act} by ${device} was acknowledged` });
  }
  if (last.state === 'ended' && !isExplained(last, wanted))
    faults.push({ kind: 'forged', what: `${callId} ended as ${last.endReason}, for which there was no cause` });
  return faults;
}

function isExplained({ endReason, createdAt, answeredAt, endedAt }: Told, wanted: readonly CallDeed[]): boolean {
  if (GIVEN_REASONS.has(endReason)) return wanted.some(({ act }) => act === 'end');
  const lastedMs = (since: string | null) => Date.parse(endedAt ?? '') - Date.parse(since ?? '') + ROUNDED_MS;
  if (endReason === 'missed') return lastedMs(createdAt) >= CALL_RING_TIMEOUT_MS;
  if (endReason === 'timed-out') return lastedMs(answeredAt) >= CALL_ACCEPT_TIMEOUT_MS;
  return endReason === 'merged';
}
