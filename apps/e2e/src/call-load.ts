import { AppError, type Bound, type CallId, CONTRACTS, type ErrorCode, type Input, type CallView } from '@rialto/contracts';
import { callHttp } from './call.ts';
import type { CallAtEnd, CallDeed, ToldCall } from './call-history.ts';
import type { Dm } from './dm.ts';
import { ANSWER_WITHIN_MS, insist, type LoadReport } from './load.ts';
import { newId, type Person } from './person.ts';
import { pause, type System } from './system.ts';

const { calls } = CONTRACTS;
const PAGE = 200;
const PAUSE_MS = 30;
/** A call that a fault kept waiting may be over before its next step, and of two that race one comes too late. */
const TOO_LATE: readonly ErrorCode[] = ['call-ended'];

/** All that was wanted and told of the calls of one conversation. */
export interface CallRecord {
  readonly deeds: CallDeed[];
  readonly told: ToldCall[];
}
interface Load {
  readonly dm: Dm;
  readonly report: LoadReport;
  readonly isWanted: () => boolean;
}
type Act = (person: Person, act: CallDeed['act'], callId: CallId) => Promise<CallView | undefined>;

/** Two people who call each other over and over: they talk, they race for the end of the ringing, they call at the same moment. */
export async function keepCalling(system: System, { dm, report, isWanted }: Load): Promise<CallRecord> {
  const record: CallRecord = { deeds: [], told: [] };
  const act = actor(system, { dm, report, isWanted, record });
  const plays = [talk, raceForTheEnd, callAtOnce] as const;
  for (let number = 0; isWanted(); number += 1) {
    const pair = number % 2 === 0 ? ([dm.creator, dm.peer] as const) : ([dm.peer, dm.creator] as const);
    await (plays[number % plays.length] ?? talk)(act, pair);
    await pause(PAUSE_MS);
  }
  return record;
}

async function talk(act: Act, [caller, callee]: readonly [Person, Person]): Promise<void> {
  const callId = newId<CallId>('cal');
  await act(caller, 'start', callId);
  await act(callee, 'ring', callId);
  await act(callee, 'answer', callId);
  await Promise.all([act(caller, 'connect', callId), act(callee, 'connect', callId)]);
  await Promise.all([act(caller, 'end', callId), act(callee, 'end', callId)]);
}

/** The caller gives up at the moment when the callee answers. */
async function raceForTheEnd(act: Act, [caller, callee]: readonly [Person, Person]): Promise<void> {
  const callId = newId<CallId>('cal');
  await act(caller, 'start', callId);
  await Promise.all([act(callee, 'answer', callId), act(caller, 'end', callId)]);
  await act(callee, 'end', callId);
}

async function callAtOnce(act: Act, [one, other]: readonly [Person, Person]): Promise<void> {
  const [mine, theirs] = [newId<CallId>('cal'), newId<CallId>('cal')];
  await Promise.all([act(one, 'start', mine), act(other, 'start', theirs)]);
  await Promise.all([act(one, 'end', mine), act(other, 'end', theirs)]);
  // An end of a call that was merged ends the one that went on; where no call was merged, each ended its own.
  for (const callId of [mine, theirs]) await Promise.all([act(one, 'end', callId), act(other, 'end', callId)]);
}

/** Does one thing to a call, insisting on an answer, and writes down what was wanted and what was told. */
function actor(system: System, { dm, report, isWanted, record }: Load & { record: CallRecord }): Act {
  let tries = 0;
  return async (person, act, callId) => {
    const answer = await insist(report, isWanted, async () => {
      const url = system.gateway((tries += 1));
      const beganAtMs = performance.now();
      const { call, isRefused } = await ask(person, url, { act, callId, dm });
      if (call !== null) record.told.push({ call, beganAtMs, endedAtMs: performance.now() });
      return { call, isRefused };
    });
    // The one that went on may be another call than the one that was asked for.
    const device = person.first.id;
    const isAcknowledged = answer !== undefined && !answer.isRefused;
    record.deeds.push({ callId, act, device, isAcknowledged: isAcknowledged && answer.call?.callId === callId });
    const other = answer?.call?.callId;
    if (isAcknowledged && other !== undefined && other !== callId)
      record.deeds.push({ callId: other, act: act === 'start' ? 'answer' : act, device, isAcknowledged });
    return answer?.call ?? undefined;
  };
}

async function ask(
  person: Person,
  url: string,
  { act, callId, dm }: { act: CallDeed['act']; callId: CallId; dm: Dm },
): Promise<{ call: CallView | null; isRefused: boolean }> {
  const callee = person === dm.creator ? dm.peer.id : dm.creator.id;
  const send = <O extends Bound>(operation: O, input: Input<O>) =>
    callHttp(operation, input, { url, token: person.first.token, timeoutMs: ANSWER_WITHIN_MS });
  const { startCall, confirmRinging, answerCall, confirmConnected, endCall } = calls.operations;
  const start = { callId, conversationId: dm.id, callee, media: 'audio' } as const;
  const acts = {
    start: () => send(startCall, start),
    ring: () => send(confirmRinging, { callId }),
    answer: () => send(answerCall, { callId }),
    connect: () => send(confirmConnected, { callId }),
    end: () => send(endCall, { callId, reason: 'hung-up' }),
  };
  try {
    return { call: (await acts[act]()).call, isRefused: false };
  } catch (error) {
    if (!(error instanceof AppError) || !TOO_LATE.includes(error.code)) throw error;
    return { call: (error.details as { call?: CallView } | undefined)?.call ?? null, isRefused: true };
  }
}

/** Every call of a conversation as both of its members find it in their histories. */
export async function readCalls(dm: Dm): Promise<CallAtEnd[]> {
  const found: CallAtEnd[] = [];
  for (const person of [dm.creator, dm.peer]) {
    for (let before: CallId | undefined; ;) {
      const page = await person.call(calls.operations.listCalls, { limit: PAGE, ...(before && { before }) });
      found.push(...page.calls.map((call) => ({ party: person.id, call })));
      before = page.calls.at(-1)?.callId;
      if (before === undefined) break;
    }
  }
  return found;
}
