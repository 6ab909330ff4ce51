import type { AccountId, CallId, DeviceId } from '@rialto/contracts';
import { isUnanswered, type Call, type Device } from '../src/domain/call.ts';
import { CONVERSATION, type Answer, type Request } from './race-arbiter.ts';

/** How often a device asks for calls that it waits for, since a push may be lost. */
const ASK_AGAIN_MS = 4_000;
/** How long a device in a conversation waits for another one of its account to ring. */
const BUSY_AFTER_MS = 2_000;

export interface RaceSurroundings {
  /** 0 ≤ x < 1, from the run's seed. */
  random(): number;
  now(): number;
  after(delayMs: number, run: () => void): void;
  /** Over the lossy network, repeated until an answer comes, as the client does. */
  send(request: Request, answered: (answer: Answer) => void): void;
  newCallId(): CallId;
}

/** A person with a device: calls, answers, declines, cancels and hangs up at random moments, on what the device happens to know. */
export class RaceDevice {
  readonly device: Device;
  /** The call in which this device believes to be. */
  current: CallId | null = null;
  /** Calls that the person ended here, while they were this device's own. */
  readonly hungUp = new Map<CallId, number>();
  readonly #peer: AccountId;
  readonly #world: RaceSurroundings;
  readonly #views = new Map<CallId, Call>();
  readonly #decided = new Set<CallId>();
  readonly #connecting = new Set<CallId>();

  constructor(accountId: AccountId, deviceId: string, peer: AccountId, world: RaceSurroundings) {
    this.device = { accountId, deviceId: deviceId as DeviceId };
    this.#peer = peer;
    this.#world = world;
  }

  /** The person calls. Sometimes the cancel overtakes the call. */
  call(): void {
    if (this.current !== null) return;
    const callId = this.#world.newCallId();
    this.current = callId;
    const start = { callId, conversationId: CONVERSATION, callee: this.#peer, media: 'audio' as const, by: this.device };
    this.#world.send({ type: 'start', start }, (answer) => {
      if ('error' in answer || answer.ok === null) return this.#leave(callId);
      if (this.current === callId) this.current = answer.ok.callId;
      this.handle(answer.ok);
    });
    if (this.#world.random() < 0.3) this.#world.after(this.#world.random() * 3_000, () => this.hangUp());
    this.#watch();
  }

  hangUp(): void {
    const callId = this.current;
    if (callId === null) return;
    this.hungUp.set(callId, this.#world.now());
    this.current = null;
    this.#end(callId, 'hung-up');
  }

  /** News of a call: a push, or an answer. What is older than what is known changes nothing, but what is known may concern a new `current`. */
  handle(news: Call): void {
    const known = this.#views.get(news.callId);
    const call = known !== undefined && known.version >= news.version ? known : news;
    this.#views.set(call.callId, call);
    if (call.mergedInto !== null && this.current === call.callId) this.current = call.mergedInto;
    if (call.state === 'ended') return this.#leave(call.callId);
    if (this.current === call.callId) return this.#progress(call);
    if (call.callee === this.device.accountId && isUnanswered(call)) this.#ring(call);
  }

  #ring(call: Call): void {
    const { callId } = call;
    if (this.#decided.has(callId)) return;
    this.#decided.add(callId);
    // An own call to the same person that is still on its way is no conversation: the arbiter merges the two.
    const isTalking = () => {
      const current = this.current && this.#views.get(this.current);
      return Boolean(current && !isUnanswered(current));
    };
    if (isTalking()) return this.#world.after(BUSY_AFTER_MS, () => isTalking() && this.#end(callId, 'busy'));
    this.#event(callId, { type: 'ring', by: this.device });
    const { random, after } = this.#world;
    const mood = random();
    after(random() * 6_000, () => {
      if (mood < 0.5) this.#answer(callId);
      else if (mood < 0.7) this.#end(callId, 'declined');
    });
  }

  #answer(callId: CallId): void {
    const known = this.#views.get(callId);
    if (this.current !== null || known === undefined || !isUnanswered(known)) return;
    this.current = callId;
    this.#event(callId, { type: 'answer', by: this.device }, (answer) => {
      if ('error' in answer || answer.ok === null) return this.#leave(callId);
      this.handle(answer.ok);
    });
    this.#watch();
  }

  #progress(call: Call): void {
    const isMine = call.calleeDevice === this.device.deviceId || call.callerDevice === this.device.deviceId;
    if (call.state === 'accepted' || call.state === 'active') {
      if (!isMine) return this.#leave(call.callId);
      if (this.#connecting.has(call.callId)) return;
      this.#connecting.add(call.callId);
      const { random, after, send } = this.#world;
      if (random() < 0.95) after(random() * 1_000, () => send({ type: 'speak', callId: call.callId, by: this.device }, () => {}));
      if (random() < 0.9) after(random() * 3_000, () => this.#event(call.callId, { type: 'connect', by: this.device }));
      if (random() < 0.6) after(random() * 20_000, () => this.current === call.callId && this.hangUp());
    }
  }

  #leave(callId: CallId): void {
    if (this.current === callId) this.current = null;
  }

  #end(callId: CallId, reason: 'hung-up' | 'declined' | 'busy'): void {
    this.#event(callId, { type: 'end', by: this.device, reason });
  }

  #event(callId: CallId, event: Extract<Request, { type: 'event' }>['event'], answered?: (answer: Answer) => void): void {
    this.#world.send({ type: 'event', callId, event }, (answer) => {
      if (answered) answered(answer);
      else if ('ok' in answer && answer.ok) this.handle(answer.ok);
    });
  }

  /** Asks for the current call as long as there is one. */
  #watch(): void {
    this.#world.after(ASK_AGAIN_MS, () => {
      const callId = this.current;
      if (callId === null) return;
      this.#world.send({ type: 'get', callId, by: this.device }, (answer) => {
        if ('ok' in answer && answer.ok) this.handle(answer.ok);
      });
      this.#watch();
    });
  }
}
