import { AppError, type AccountId, type CallId, type CallView, type ConversationId } from '@rialto/contracts';
import type { CallState, CallSurface } from '../call-view.ts';
import type { CallOptions } from './call-options.ts';
import { MediaError, type Media, type MediaEvents, type MediaSession, type MediaStats } from './media-engine.ts';
import { Negotiation } from './negotiation.ts';
import { OwnMedia } from './own-media.ts';
import type { SignalPayload } from './ports.ts';
import { Reconnection } from './reconnection.ts';

/** Signals that arrive before this device knows that the call was accepted; they wait sealed and unread. */
const MAX_EARLY_SIGNALS = 200;
/** How often a call that is not active yet is asked for, since a push may be lost. */
const ASK_AGAIN_MS = 3_000;
/** An accepted call by what its connection does. */
const SHOWN = { none: 'connecting', connected: 'active', stalled: 'reconnecting' } as const;

/** One call on this device. The arbiter's views come in through `apply`, sealed signals through `handleSignal`. */
export class Call implements CallSurface {
  readonly conversationId: ConversationId;
  readonly peer: AccountId;
  readonly direction: 'incoming' | 'outgoing';
  #id: CallId;
  #media: Media;
  #state: CallState;
  #endReason: string | null = null;
  #version = -1;
  #isMuted = false;
  readonly #options: CallOptions;
  readonly #own: OwnMedia;
  #failure: MediaError | null = null;
  #negotiation: Negotiation | undefined;
  #early: SignalPayload[] = [];
  readonly #reconnection: Reconnection;
  #cancelTimers: (() => void)[] = [];

  constructor(options: CallOptions) {
    const { view, ports } = options;
    this.#options = options;
    this.#id = view.callId;
    this.#media = view.media;
    this.#own = new OwnMedia(ports);
    this.conversationId = view.conversationId;
    this.direction = view.caller === ports.me.accountId ? 'outgoing' : 'incoming';
    this.peer = this.direction === 'outgoing' ? view.callee : view.caller;
    this.#state = this.direction === 'outgoing' ? 'inviting' : 'ringing';
    this.#reconnection = new Reconnection(ports.surroundings, {
      restart: () => void this.#restartIce(),
      giveUp: () => this.#fail(new MediaError('connection-lost')),
    });
    this.#askAgain();
  }

  /** Changes once, when both sides called at the same time and the older call goes on. */
  get id(): CallId {
    return this.#id;
  }
  get media(): Media {
    return this.#media;
  }
  get state(): CallState {
    return this.#state;
  }
  get endReason(): string | null {
    return this.#endReason;
  }
  /** Why this side had to end the call, as a sentence; null when it did not. */
  get failure(): string | null {
    return this.#failure?.message ?? null;
  }
  get isMuted(): boolean {
    return this.#isMuted;
  }
  get isOver(): boolean {
    return this.#state === 'ended';
  }
  /** Whether two people are in it: another call then finds this device busy. */
  get isAnswered(): boolean {
    return this.#state === 'connecting' || this.#state === 'active' || this.#state === 'reconnecting';
  }
  get localTracks(): readonly unknown[] {
    return this.#own.session?.localTracks ?? [];
  }
  get remoteTracks(): readonly unknown[] {
    return this.#own.session?.remoteTracks ?? [];
  }
  get cameraError(): string | null {
    return this.#own.session?.cameraError?.message ?? null;
  }

  /** Takes the call on this device, the microphone first. Throws `call-ended`, `call-elsewhere`, `busy`, or `MediaError` when there is no microphone. */
  async answer(): Promise<void> {
    if (this.direction !== 'incoming' || this.#state !== 'ringing') return;
    const { engine, api } = this.#options.ports;
    engine.check();
    this.#options.conversation.demandTrust();
    await this.prepare();
    try {
      this.apply((await api.answerCall({ callId: this.#id })).call);
    } catch (error) {
      if (error instanceof AppError && error.code === 'call-elsewhere') this.finish('elsewhere');
      else if (error instanceof AppError && error.code === 'call-ended') await this.refresh();
      // Not answered, as far as this device knows: it does not listen. Another try opens the microphone again.
      if (!this.isOver && !this.isAnswered) this.#own.close();
      throw error;
    }
  }
  async decline(): Promise<void> {
    await this.#endAs('declined');
  }
  /** Hangs up, or cancels while it rings. */
  async hangUp(): Promise<void> {
    await this.#endAs(this.direction === 'incoming' && this.#state === 'ringing' ? 'declined' : 'hung-up');
  }
  setMuted(isMuted: boolean): void {
    this.#isMuted = isMuted;
    this.#own.session?.setMuted(isMuted);
    this.#options.changed(this);
  }
  async setCamera(isOn: boolean): Promise<void> {
    if (isOn && this.#media === 'audio') return this.upgradeToVideo();
    await (await this.#own.live()).setCamera(isOn);
    this.#options.changed(this);
  }
  /** Adds this side's camera to a voice call. The other side sees it and may add its own. */
  async upgradeToVideo(): Promise<void> {
    const session = await this.#own.live();
    await session.addLocal('video');
    this.#media = 'video';
    await this.#negotiation?.offer();
    this.#options.changed(this);
  }
  async stats(): Promise<MediaStats | null> {
    return this.#own.session === undefined ? null : this.#own.session.stats();
  }

  /** Asks for microphone and camera before anybody is rung. Throws `MediaError`, also when the call was cancelled meanwhile. */
  async askForDevices(): Promise<void> {
    await this.#own.ask(this.#media);
  }

  /** Opens the media session: while it rings for who calls, on the answer for who is called. Throws `MediaError`, `not-reachable`. */
  async prepare(): Promise<MediaSession> {
    if (this.isOver) throw new MediaError('session-closed');
    const session = await this.#own.open({ callId: this.#id, media: this.#media, events: this.#events() });
    session.setMuted(this.#isMuted);
    return session;
  }

  /** What the arbiter says. Older news changes nothing, and nothing follows the end. */
  apply(view: CallView): void {
    if (this.isOver) return;
    // Both sides called at once: this call goes on under the older one's id.
    if (view.callId !== this.#id) [this.#id, this.#version] = [view.callId, -1];
    else if (view.version <= this.#version) return;
    this.#version = view.version;
    if (view.state === 'ended' && view.mergedInto !== null) return;
    if (view.state === 'ended') return this.finish(view.endReason ?? 'failed');
    const { me } = this.#options.ports;
    const mine = view.caller === me.accountId ? view.callerDevice : view.calleeDevice;
    if (view.state === 'inviting' || view.state === 'ringing')
      return this.#show(this.direction === 'incoming' ? 'ringing' : view.state);
    if (mine !== me.deviceId) return this.finish('elsewhere');
    this.#show(SHOWN[this.#reconnection.state]);
    if (this.#negotiation === undefined) this.#negotiate(view);
  }

  handleSignal(signal: SignalPayload): void {
    if (this.isOver) return;
    if (this.#negotiation !== undefined) void this.#negotiation.handleSignal(signal);
    else if (this.#early.length < MAX_EARLY_SIGNALS) this.#early.push(signal);
  }

  /** Ends it here, whatever the arbiter knows. */
  finish(reason: string): void {
    if (this.isOver) return;
    this.#endReason = reason;
    for (const cancel of this.#cancelTimers.splice(0)) cancel();
    this.#reconnection.close();
    this.#negotiation?.close();
    this.#early = [];
    this.#own.close();
    this.#show('ended');
  }

  async #endAs(reason: 'hung-up' | 'declined' | 'failed'): Promise<void> {
    if (this.isOver) return;
    const callId = this.#id;
    const isCancel = reason === 'hung-up' && this.direction === 'outgoing' && !this.isAnswered;
    this.finish(isCancel ? 'cancelled' : reason);
    await this.#options.end(callId, reason);
  }

  #show(state: CallState): void {
    if (this.#state === state && state !== 'ended') return;
    this.#state = state;
    this.#options.changed(this);
  }

  /** The call is accepted and this device is in it: only now is anything of the other side opened. */
  #negotiate(view: CallView): void {
    const isCaller = view.caller === this.#options.ports.me.accountId;
    const peerDevice = isCaller ? view.calleeDevice : view.callerDevice;
    if (peerDevice === null) throw new Error('an accepted call names the device that answered');
    const { conversation, ports } = this.#options;
    this.prepare()
      .then(async (session) => {
        if (this.isOver || this.#negotiation !== undefined) return;
        const gaveUp = (cause: MediaError) => this.#fail(cause);
        this.#negotiation = new Negotiation({ callId: view.callId, peerDevice, isCaller, conversation, session, ports, gaveUp });
        await this.#negotiation.start();
        for (const signal of this.#early.splice(0)) void this.#negotiation.handleSignal(signal);
      })
      .catch((cause: unknown) => this.#fail(cause));
  }

  /** Ends the call because this side cannot go on with it, and says why. */
  #fail(cause: unknown): void {
    if (this.isOver) return;
    if (cause instanceof MediaError) this.#failure = cause;
    this.#options.ports.report({ callId: this.#id, code: this.#failure?.code ?? 'call-failed', cause });
    void this.#endAs('failed');
  }

  #events(): MediaEvents {
    return {
      candidate: (candidate) => this.#negotiation?.handleLocalCandidate(candidate),
      connection: (state) => this.#handleConnection(state),
      firstFrame: () => this.#options.changed(this),
      unknownEpoch: () => this.#negotiation?.keys.handleUnknownEpoch(),
      refusedTrack: (mid) =>
        this.#options.ports.report({ callId: this.#id, code: 'track-refused', cause: new Error(`media section ${mid}`) }),
      tracks: () => !this.isOver && this.#options.changed(this),
    };
  }

  #handleConnection(state: Parameters<MediaEvents['connection']>[0]): void {
    if (this.isOver) return;
    // A restart of ICE brings no dead worker back.
    if (state === 'broken') return this.#fail(new MediaError('media-broken'));
    if (state === 'connected') {
      const isFirst = this.#reconnection.connected();
      this.#negotiation?.handleConnected();
      this.#show('active');
      if (isFirst) this.#confirmConnected();
    } else if (state === 'failed') {
      this.#reconnection.failed();
    } else if (this.#reconnection.stalled()) {
      this.#show('reconnecting');
      // The other side may have hung up, and the push got lost.
      void this.refresh();
    }
  }

  /** With fresh relay credentials. Both sides may do it; the negotiation lets one win. A call that would show a hidden address ends. */
  async #restartIce(): Promise<void> {
    try {
      await this.#own.renewRelays(this.#id);
      if (!this.isOver) await this.#negotiation?.offer({ restartIce: true });
    } catch (cause) {
      if (cause instanceof MediaError || (cause instanceof AppError && cause.code === 'not-reachable')) this.#fail(cause);
      else if (!this.isOver) this.#options.ports.report({ callId: this.#id, code: 'reconnect-failed', cause });
    }
  }

  #confirmConnected(): void {
    this.#options.ports.api.confirmConnected({ callId: this.#id }).then(
      ({ call }) => this.apply(call),
      (cause: unknown) => {
        if (!this.isOver) this.#options.ports.report({ callId: this.#id, code: 'connected-not-confirmed', cause });
      },
    );
  }

  #askAgain(): void {
    this.#cancelTimers.push(
      this.#options.ports.surroundings.after(ASK_AGAIN_MS, () => {
        if (!this.isOver && this.#state !== 'active') void this.refresh().finally(() => this.#askAgain());
      }),
    );
  }

  /** Asks the arbiter how the call stands. */
  async refresh(): Promise<void> {
    try {
      const { call } = await this.#options.ports.api.getCall({ callId: this.#id });
      await this.#options.news(call);
    } catch (error) {
      // Not there yet, or the network is away: the next time will tell.
      if (!(error instanceof AppError)) throw error;
    }
  }
}
