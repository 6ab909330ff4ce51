import { AppError, idFrom, type CallId, type CallView, type ConversationId } from '@rialto/contracts';
import type { CallsSurface } from '../call-view.ts';
import { Emitter } from '../events.ts';
import type { CallOptions } from './call-options.ts';
import { Call } from './call.ts';
import type { Media } from './media-engine.ts';
import type { CallPorts, SignalPayload } from './ports.ts';

const ID_BYTES = 16;
/** Signals of calls that this device has not heard of yet; they wait sealed until the call's push comes. */
const MAX_ORPHAN_SIGNALS = 100;
/** How long a device in a call waits for another one of its account to ring, before it says that the person is busy. */
const BUSY_AFTER_MS = 2_000;
/** Ended calls that are remembered, so that late news of them is known as late. */
const MAX_REMEMBERED = 200;

export interface CallEvents {
  'call.incoming': Call;
  'call.changed': Call;
}
type End = Parameters<CallOptions['end']>;

/** All calls of this device. Holds nothing of the client: pushes come in through `handle…`, what happens goes out as events. */
export class CallManager implements CallsSurface {
  readonly #ports: CallPorts;
  readonly #events = new Emitter<CallEvents>();
  readonly #calls = new Map<CallId, Call>();
  /** Calls that are over on this device, or never were its business. */
  readonly #past = new Set<CallId>();
  readonly #unsentEnds = new Map<CallId, End>();
  /** Calls of the other side that met an own one head-on, by the own one: they ring when it ends before the arbiter has merged the two. */
  readonly #met = new Map<Call, CallId>();
  /** Calls that do not ring here because this device is in one; each waits for `BUSY_AFTER_MS`. */
  readonly #waiting = new Set<CallId>();
  #orphans: SignalPayload[] = [];
  #isClosed = false;

  constructor(ports: CallPorts) {
    this.#ports = ports;
  }

  on<N extends keyof CallEvents>(name: N, handler: (payload: CallEvents[N]) => void): () => void {
    return this.#events.on(name, handler);
  }

  /** The call that goes on or rings; the one in which two people talk before one that only rings. */
  get current(): Call | null {
    const live = [...this.#calls.values()].filter((call) => !call.isOver);
    return live.find((call) => call.isAnswered) ?? live.find((call) => call.direction === 'outgoing') ?? live[0] ?? null;
  }

  /**
   * Calls the other member of a conversation, once microphone and camera may be used. Resolves when it rings there or is about to, or with a
   * call that has ended when somebody ended it that quickly. Throws `busy`, `not-reachable`, `call-ended`, or `MediaError` when this device
   * cannot encrypt calls or has no microphone: then nothing rings.
   */
  async start(conversationId: ConversationId, { media }: { readonly media: Media }): Promise<Call> {
    const { engine, surroundings, me } = this.#ports;
    engine.check();
    if ([...this.#calls.values()].some((call) => !call.isOver && (call.isAnswered || call.direction === 'outgoing'))) {
      throw new AppError('busy');
    }
    const callId = idFrom<CallId>('cal', surroundings.random(ID_BYTES));
    const conversation = await this.#ports.conversation(conversationId);
    conversation.demandTrust();
    const call = this.#add({ callId, conversationId, media, caller: me.accountId, callee: conversation.peer }, conversation);
    this.#events.emit('call.changed', call);
    let isInvited = false;
    try {
      await call.askForDevices();
      isInvited = true;
      const answer = await this.#ports.api.startCall({ callId, conversationId, callee: conversation.peer, media });
      this.#follow(call, answer.call);
      await call.prepare();
    } catch (error) {
      if (call.isOver && isInvited && call.endReason !== 'failed') return call; // how it ended says more than that it is over
      if (call.isOver) throw error;
      call.finish('failed');
      // The invite may have arrived although its answer did not.
      if (isInvited) await this.#end(call.id, 'failed');
      throw error;
    }
    return call;
  }

  /** Calls of this account, newest first. */
  async history(page: { readonly before?: CallId; readonly limit?: number } = {}): Promise<readonly CallView[]> {
    return (await this.#ports.api.listCalls(page)).calls;
  }

  /** A push of the arbiter, or what a question to it brought. In any order, any number of times. */
  async handleCallChanged(view: CallView): Promise<void> {
    if (this.#isClosed || this.#past.has(view.callId)) return;
    const known = this.#calls.get(view.callId);
    if (known !== undefined) {
      if (view.mergedInto !== null) return this.#followMerge(known, view.mergedInto);
      known.apply(view);
      // Announced again, since nobody has said yet that it rings: perhaps this device could not.
      if (view.state === 'inviting' && known.state === 'ringing') await this.#confirmRinging(known);
      return;
    }
    if (view.state === 'ended') return this.#remember(view.callId);
    // Both called at once: the other side's call goes on and is answered by ours, be it that ours still asks for the microphone.
    const meeting = this.#findMeeting(view);
    if (meeting !== undefined) {
      if (view.calleeDevice === this.#ports.me.deviceId) this.#follow(meeting, view);
      else this.#met.set(meeting, view.callId);
      return;
    }
    if (view.callee === this.#ports.me.accountId && (view.state === 'inviting' || view.state === 'ringing'))
      await this.#ring(view);
  }

  handleSignal(signal: SignalPayload): void {
    if (this.#isClosed || (signal.toDevice !== null && signal.toDevice !== this.#ports.me.deviceId)) return;
    const call = this.#calls.get(signal.callId);
    if (call !== undefined) return call.handleSignal(signal);
    if (this.#past.has(signal.callId)) return;
    this.#orphans.push(signal);
    if (this.#orphans.length > MAX_ORPHAN_SIGNALS) this.#orphans.shift();
  }

  /** After each connect: ends what could not be ended, asks what was missed, and ends calls of this device that a crash has left. */
  async handleOnline(): Promise<void> {
    for (const [callId, reason] of [...this.#unsentEnds.values()]) await this.#end(callId, reason);
    for (const view of (await this.#ports.api.listCalls({})).calls) {
      if (view.state === 'ended') break;
      const mine = view.caller === this.#ports.me.accountId ? view.callerDevice : view.calleeDevice;
      const isLeftOver = mine === this.#ports.me.deviceId && !this.#calls.has(view.callId) && !this.#findMeeting(view);
      if (isLeftOver) await this.#end(view.callId, 'failed');
      else await this.handleCallChanged(view);
    }
    await Promise.all([...this.#calls.values()].map((call) => call.refresh()));
  }

  /** A conversation is different now. Whom this person has blocked, here or on another device, they do not talk with any longer. */
  async handleConversationChanged(id: ConversationId): Promise<void> {
    const isMeant = (call: Call) => call.conversationId === id && !call.isOver;
    if (![...this.#calls.values()].some(isMeant)) return;
    const { standing } = await this.#ports.conversation(id);
    if (standing !== 'blocked') return;
    await Promise.all([...this.#calls.values()].filter(isMeant).map((call) => call.hangUp()));
  }

  /** Hangs up and forgets. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#calls.values()].map((call) => call.hangUp()));
  }

  async #ring(view: CallView): Promise<void> {
    const { callId } = view;
    if (this.current?.isAnswered) return this.#letOthersRing(view);
    const conversation = await this.#ports.conversation(view.conversationId);
    if (this.#calls.has(callId) || this.#past.has(callId)) return;
    // Who rings must be the other member as the group has it, whatever the server says.
    if (conversation.peer !== view.caller) {
      this.#remember(callId);
      return this.#ports.report({ callId, code: 'caller-not-in-conversation' });
    }
    const call = this.#add(view, conversation);
    call.apply(view);
    this.#events.emit('call.incoming', call);
    this.#giveOrphans(call);
    await this.#confirmRinging(call);
  }

  /** In a call already: other devices of the account may ring. When none does, the person is busy; and what still rings when this one is free rings here. */
  #letOthersRing({ callId, state }: CallView): void {
    // It is announced again as long as it rings there.
    if (state === 'ringing' || this.#waiting.has(callId)) return;
    this.#waiting.add(callId);
    this.#ports.surroundings.after(BUSY_AFTER_MS, () => {
      this.#waiting.delete(callId);
      if (this.#isClosed || this.#past.has(callId)) return;
      void (this.current?.isAnswered ? this.#end(callId, 'busy') : this.#ringAfterAll(callId));
    });
  }

  async #confirmRinging(call: Call): Promise<void> {
    const { api, report } = this.#ports;
    try {
      call.apply((await api.confirmRinging({ callId: call.id })).call);
    } catch (cause) {
      if (cause instanceof AppError && cause.code === 'call-ended') await call.refresh();
      else report({ callId: call.id, code: 'ringing-not-confirmed', cause });
    }
  }

  #add(view: CallOptions['view'], conversation: CallOptions['conversation']): Call {
    const call = new Call({
      view,
      conversation,
      ports: this.#ports,
      changed: (changed) => {
        if (changed.isOver) this.#forget(changed);
        this.#events.emit('call.changed', changed);
      },
      news: (news) => this.handleCallChanged(news),
      end: (callId, reason) => this.#end(callId, reason),
    });
    this.#calls.set(view.callId, call);
    return call;
  }

  /** Applies the arbiter's answer; when it is another call, ours was merged into it and goes on under its id. */
  #follow(call: Call, view: CallView): void {
    if (call.isOver) {
      // Hung up before the answer came; the end that was sent under the old id follows the merge.
      return;
    }
    this.#met.delete(call);
    if (view.callId !== call.id) {
      this.#remember(call.id);
      this.#calls.delete(call.id);
      const ringing = this.#calls.get(view.callId);
      this.#calls.set(view.callId, call);
      if (ringing !== undefined && ringing !== call) ringing.finish('merged');
      this.#calls.set(view.callId, call);
      this.#past.delete(view.callId);
    }
    call.apply(view);
    this.#giveOrphans(call);
  }

  async #followMerge(call: Call, winner: CallId): Promise<void> {
    const { call: view } = await this.#ports.api.getCall({ callId: winner });
    if (!call.isOver && this.#calls.get(call.id) === call) this.#follow(call, view);
  }

  #findMeeting(view: CallView): Call | undefined {
    if (view.callee !== this.#ports.me.accountId) return undefined;
    return [...this.#calls.values()].find(
      (call) => call.direction === 'outgoing' && call.state === 'inviting' && call.conversationId === view.conversationId,
    );
  }

  #giveOrphans(call: Call): void {
    const mine = this.#orphans.filter(({ callId }) => callId === call.id);
    this.#orphans = this.#orphans.filter(({ callId }) => callId !== call.id);
    for (const signal of mine) call.handleSignal(signal);
  }

  /** An end that does not get through is sent again when the connection is back. */
  async #end(...[callId, reason]: End): Promise<void> {
    this.#unsentEnds.set(callId, [callId, reason]);
    try {
      await this.#ports.api.endCall({ callId, reason });
      this.#unsentEnds.delete(callId);
    } catch (cause) {
      if (cause instanceof AppError && !cause.retryable) this.#unsentEnds.delete(callId);
      this.#ports.report({ callId, code: 'end-not-sent', cause });
    }
  }

  #forget(call: Call): void {
    if (this.#calls.get(call.id) === call) this.#calls.delete(call.id);
    this.#remember(call.id);
    const met = this.#met.get(call);
    this.#met.delete(call);
    if (met !== undefined) void this.#ringAfterAll(met);
  }

  /** The own call came to nothing, so the other side's rings here, if it still rings at all. */
  async #ringAfterAll(callId: CallId): Promise<void> {
    try {
      await this.handleCallChanged((await this.#ports.api.getCall({ callId })).call);
    } catch (cause) {
      // It is announced again as long as nobody answers.
      this.#ports.report({ callId, code: 'ringing-late', cause });
    }
  }

  #remember(callId: CallId): void {
    this.#past.add(callId);
    for (const oldest of this.#past) {
      if (this.#past.size <= MAX_REMEMBERED) break;
      this.#past.delete(oldest);
    }
  }
}
