import type { CallId } from '@rialto/contracts';
import { ANA, BEN, RaceArbiter, type Answer, type Request, type Rules } from './race-arbiter.ts';
import { RaceDevice } from './race-device.ts';

const HORIZON_MS = 180_000;
const RETRY_MS = 1_500;
/** A hang-up is repeated every 1.5 s; by then it has certainly arrived. */
const HEARD_WITHIN_MS = 25_000;
const LOSS = 0.12;
const DUPLICATION = 0.08;

/** Events of one run in the order of their virtual times. */
class Timeline {
  #queue: { at: number; order: number; run: () => void }[] = [];
  #order = 0;
  now = 0;

  after(delayMs: number, run: () => void): void {
    this.#queue.push({ at: this.now + delayMs, order: (this.#order += 1), run });
  }
  /** Runs everything up to the horizon. */
  play(): void {
    while (this.#queue.length > 0) {
      let next = 0;
      for (let i = 1; i < this.#queue.length; i += 1) {
        const [a, b] = [this.#queue[i], this.#queue[next]];
        if (a && b && (a.at < b.at || (a.at === b.at && a.order < b.order))) next = i;
      }
      const [event] = this.#queue.splice(next, 1);
      if (event === undefined || event.at > HORIZON_MS) return;
      this.now = event.at;
      event.run();
    }
  }
}

/** A small generator with a 32-bit seed (mulberry32): the same seed plays the same run. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface RaceOutcome {
  readonly violations: readonly string[];
  readonly merged: boolean;
  readonly tombstones: boolean;
  readonly active: boolean;
}

/** Plays one run of two or three devices over a network that delays, loses, repeats and reorders, and judges how it ended. */
export function race(seed: number, rules: Rules): RaceOutcome {
  const random = randomFrom(seed);
  const time = new Timeline();
  let calls = 0;
  const after = (delayMs: number, run: () => void) => time.after(delayMs, run);
  const delay = () => (random() < 0.1 ? random() * 4_000 : random() * 200);
  /** One way: may be lost, may come twice. */
  const carry = (run: () => void) => {
    if (random() >= LOSS) after(delay(), run);
    if (random() < DUPLICATION) after(delay() * 3, run);
  };
  const endedAt = new Map<CallId, number>();
  const arbiter: RaceArbiter = new RaceArbiter(
    rules,
    (call) => {
      if (call.state === 'ended') endedAt.set(call.callId, time.now);
      for (const device of devices) carry(() => device.handle(call));
    },
    (call, deadline, dueInMs) => after(dueInMs, () => arbiter.expire(call.callId, deadline)),
  );
  const send = (request: Request, answered: (answer: Answer) => void) => {
    let isAnswered = false;
    const once = (answer: Answer) => {
      if (!isAnswered) answered(answer);
      isAnswered = true;
    };
    const attempt = () => {
      if (isAnswered) return;
      carry(() => {
        const answer = arbiter.handle(request);
        carry(() => once(answer));
      });
      after(RETRY_MS, attempt);
    };
    attempt();
  };
  const newCallId = () => `cal_${(calls += 1)}` as CallId;
  const device = (account: typeof ANA, name: string) =>
    new RaceDevice(account, name, account === ANA ? BEN : ANA, { random, now: () => time.now, after, send, newCallId });
  const devices = [device(ANA, 'ana-1'), device(BEN, 'ben-1')];
  if (random() < 0.6) devices.push(random() < 0.7 ? device(BEN, 'ben-2') : device(ANA, 'ana-2'));
  for (const one of devices) {
    if (random() < 0.6) after(random() < 0.6 ? random() * 400 : random() * 15_000, () => one.call());
    if (random() < 0.3) after(15_000 + random() * 40_000, () => one.call());
    if (random() < 0.4) after(random() * 60_000, () => one.hangUp());
  }
  time.play();
  return judge(arbiter, devices, endedAt);
}

function judge(arbiter: RaceArbiter, devices: readonly RaceDevice[], endedAt: ReadonlyMap<CallId, number>): RaceOutcome {
  const violations = [...arbiter.violations];
  for (const call of arbiter.live) {
    if (call.state !== 'active') violations.push(`a call is ${call.state} for ever`);
  }
  for (const { device, current, hungUp } of devices) {
    const seat = arbiter.seats.get(device.deviceId) ?? null;
    if (seat !== current) violations.push(`${device.deviceId} believes ${current}, the arbiter says ${seat}`);
    for (const [callId, hungUpAt] of hungUp) {
      const found = arbiter.find(callId);
      // The person hung up on the call that the merge made of it as well.
      const call = found?.mergedInto ? arbiter.find(found.mergedInto) : found;
      const wasOurs = call && (call.callerDevice === device.deviceId || call.calleeDevice === device.deviceId);
      if (wasOurs && call.state !== 'ended') violations.push(`${device.deviceId} hung up and the call goes on`);
      if (wasOurs && (endedAt.get(call.callId) ?? 0) > hungUpAt + HEARD_WITHIN_MS)
        violations.push('a call went on long after it was hung up');
    }
  }
  const all = [...arbiter.calls.values()];
  return {
    violations,
    merged: all.some((call) => 'state' in call && call.mergedInto !== null),
    tombstones: all.some((call) => !('state' in call) || (call.endReason === 'cancelled' && call.version === 1)),
    active: arbiter.live.length > 0,
  };
}
