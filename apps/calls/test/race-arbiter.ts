import type { AccountId, CallId, ConversationId } from '@rialto/contracts';
import {
  deadlinesOf,
  decide,
  isUnanswered,
  seatsOf,
  type Call,
  type CallEvent,
  type Deadline,
  type Device,
  type Tombstone,
} from '../src/domain/call.ts';
import { decideStart, tombstoneFor, type StartRequest } from '../src/domain/start.ts';

/** The rules under test; a planted fault replaces one of them. */
export interface Rules {
  decide: typeof decide;
  decideStart: typeof decideStart;
  remembersCancels: boolean;
  followsMerges: boolean;
}
export const RULES: Rules = { decide, decideStart, remembersCancels: true, followsMerges: true };

export type Answer =
  | { readonly ok: Call | null }
  | { readonly error: 'busy' | 'conflict' | 'call-ended' | 'call-elsewhere' | 'forbidden' | 'not-found' };
export type Request =
  | { readonly type: 'start'; readonly start: StartRequest }
  | { readonly type: 'event'; readonly callId: CallId; readonly event: Exclude<CallEvent, { type: 'expire' }> }
  | { readonly type: 'get'; readonly callId: CallId; readonly by: Device }
  | { readonly type: 'speak'; readonly callId: CallId; readonly by: Device };

/** The service's steps around the pure rules, one request at a time, as compare-and-set makes them. */
export class RaceArbiter {
  readonly calls = new Map<CallId, Call | Tombstone>();
  readonly seats = new Map<string, CallId>();
  readonly violations: string[] = [];
  readonly #rules: Rules;
  readonly #changed: (call: Call) => void;
  readonly #schedule: (call: Call, deadline: Deadline, dueInMs: number) => void;

  constructor(rules: Rules, changed: (call: Call) => void, schedule: (call: Call, deadline: Deadline, dueInMs: number) => void) {
    this.#rules = rules;
    this.#changed = changed;
    this.#schedule = schedule;
  }

  get live(): Call[] {
    return [...this.calls.values()].filter((call): call is Call => 'state' in call && call.state !== 'ended');
  }

  find(callId: CallId): Call | undefined {
    const found = this.calls.get(callId);
    return found !== undefined && 'state' in found ? found : undefined;
  }

  follow(callId: CallId): Call | undefined {
    const found = this.find(callId);
    return found?.mergedInto && this.#rules.followsMerges ? this.find(found.mergedInto) : found;
  }

  handle(request: Request): Answer {
    switch (request.type) {
      case 'start':
        return this.#start(request.start);
      case 'get': {
        const call = this.find(request.callId);
        return call === undefined ? { error: 'not-found' } : { ok: call };
      }
      case 'speak': {
        const call = this.find(request.callId);
        if (call?.state === 'accepted' && call.callerDevice === request.by.deviceId)
          this.calls.set(call.callId, { ...call, hasCallerSpoken: true });
        return { ok: null };
      }
      case 'event':
        return this.#event(request.callId, request.event);
    }
  }

  expire(callId: CallId, deadline: Deadline): void {
    const call = this.find(callId);
    if (call !== undefined) this.#apply(call, { type: 'expire', deadline });
  }

  #start(start: StartRequest): Answer {
    const existing = this.calls.get(start.callId);
    const oncoming = this.live.find(
      (call) => isUnanswered(call) && call.caller === start.callee && call.callee === start.by.accountId,
    );
    const decision = this.#rules.decideStart(start, { existing, oncoming, isDeviceBusy: this.seats.has(start.by.deviceId) });
    switch (decision.kind) {
      case 'refuse':
        return { error: decision.code };
      case 'replay': {
        const call = this.follow(start.callId);
        return call === undefined || call.state === 'ended' ? { error: 'call-ended' } : { ok: call };
      }
      case 'cancelled-before':
        this.#store(undefined, decision.call);
        return { error: 'call-ended' };
      case 'begin':
        this.#store(undefined, decision.call);
        return { ok: decision.call };
      case 'merge':
        this.#store(undefined, decision.ended);
        this.#store(oncoming, decision.winner);
        return { ok: decision.winner };
    }
  }

  #event(callId: CallId, event: Exclude<CallEvent, { type: 'expire' }>): Answer {
    if (!this.calls.has(callId) && event.type === 'end') {
      if (this.#rules.remembersCancels) this.calls.set(callId, tombstoneFor(callId, event.by));
      return { ok: null };
    }
    const call = this.follow(callId);
    if (call === undefined) return event.type === 'end' ? { ok: null } : { error: 'not-found' };
    return this.#apply(call, event);
  }

  #apply(call: Call, event: CallEvent): Answer {
    const decision = this.#rules.decide(call, event);
    if (decision.kind === 'keep') return { ok: call };
    if (decision.kind === 'refuse') return { error: decision.code };
    const taken = seatsOf(decision.call).filter((device) => !seatsOf(call).includes(device));
    if (taken.some((device) => this.seats.has(device))) return { error: 'busy' };
    this.#store(call, decision.call);
    return { ok: decision.call };
  }

  #store(before: Call | undefined, after: Call): void {
    if (before?.state === 'ended') this.violations.push('an ended call changed');
    if (before?.calleeDevice && before.calleeDevice !== after.calleeDevice)
      this.violations.push('another device took an answered call');
    if (before && after.version !== before.version + 1) this.violations.push('a version was skipped or repeated');
    this.calls.set(after.callId, after);
    for (const device of before ? seatsOf(before) : []) this.seats.delete(device);
    for (const device of seatsOf(after)) this.seats.set(device, after.callId);
    const unanswered = this.live.filter(isUnanswered);
    if (unanswered.some((one) => unanswered.some((other) => one.caller === other.callee)))
      this.violations.push('two calls ring head-on');
    for (const { deadline, dueInMs } of deadlinesOf(after.state)) this.#schedule(after, deadline, dueInMs);
    this.#changed(after);
  }
}

export const ANA = 'ana' as AccountId;
export const BEN = 'ben' as AccountId;
export const CONVERSATION = 'cnv_x' as ConversationId;
