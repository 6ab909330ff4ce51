import { AppError, type CallId, type DeviceId } from '@rialto/contracts';
import { fromBase64url, toBase64url } from '@rialto/crypto';
import { iceSessionOf, OwnCandidates, PeerCandidates } from './candidates.ts';
import { MediaError, type Description, type IceCandidate, type MediaSession } from './media-engine.ts';
import { MediaKeys } from './media-keys.ts';
import type { CallConversation, CallPorts, SignalPayload } from './ports.ts';
import { decodeAnnouncement, decodeSignal, encodeAnnouncement, encodeSignal, type Signal } from './sealed-signal.ts';

/** A push may be lost: an offer without an answer is sent again after this time, so often in all. A stall restarts ICE with a new one. */
const OFFER_AGAIN_MS = 3_000;
const MAX_OFFER_SENDS = 5;

type Unsent = Signal extends infer S ? (S extends Signal ? Omit<S, 'v' | 'callId' | 'sentAt'> : never) : never;
type UnsentAnswer = Extract<Unsent, { type: 'answer' }>;
type UnsentOffer = Extract<Unsent, { type: 'offer' }>;
export interface NegotiationOptions {
  readonly callId: CallId;
  readonly peerDevice: DeviceId;
  /** The caller offers first, and its offer wins when both offer at once. */
  readonly isCaller: boolean;
  readonly conversation: CallConversation;
  readonly session: MediaSession;
  readonly ports: Pick<CallPorts, 'api' | 'surroundings' | 'report'>;
  /** The call cannot go on: it has to end, with the words of the error. */
  readonly gaveUp: (cause: MediaError) => void;
}

/**
 * Agrees with the other device on how media flows. Every description and candidate is sealed by the group, and what comes is used only when
 * its MLS sender is the other device of this call: so the DTLS fingerprints are authentic whatever the server does. One thing at a
 * time, in order ("perfect negotiation", W3C WebRTC section 10.7).
 */
export class Negotiation {
  readonly keys: MediaKeys;
  readonly #options: NegotiationOptions;
  readonly #ownCandidates: OwnCandidates;
  readonly #peerCandidates = new PeerCandidates();
  #incoming: Promise<void> = Promise.resolve();
  #outgoing: Promise<void> = Promise.resolve();
  #lastOffer = 0;
  #pendingOffer: number | undefined;
  /** The answer to the newest offer that came. */
  #lastAnswer: UnsentAnswer | undefined;
  #cancelOfferAgain: (() => void) | undefined;
  #wantsOffer: { restartIce: boolean } | undefined;
  /** The ICE session of the other side's last description. */
  #peerSession: string | undefined;
  #isClosed = false;

  constructor(options: NegotiationOptions) {
    this.#options = options;
    const { callId, conversation, session, ports } = options;
    this.#ownCandidates = new OwnCandidates(ports.surroundings, (candidates) =>
      this.#send({ type: 'candidates', candidates: [...candidates] }),
    );
    this.keys = new MediaKeys({
      callId,
      conversation,
      session,
      surroundings: ports.surroundings,
      failed: (cause) => this.#report('media-key-failed', cause),
      gaveUp: (cause) => options.gaveUp(new MediaError('keys-unavailable', cause)),
    });
  }

  /** Makes the sending key, and the caller's offer beside it: without a key nothing is sent yet. Throws `MediaError('keys-unavailable')`. */
  async start(): Promise<void> {
    const keyed = this.keys.start().catch((cause: unknown) => {
      throw new MediaError('keys-unavailable', cause);
    });
    await Promise.all([keyed, this.#options.isCaller ? this.offer() : undefined]);
  }

  /** Offers what this side has by now. While an offer is under way, the next follows it. */
  offer({ restartIce = false } = {}): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#pendingOffer !== undefined) {
        this.#wantsOffer = { restartIce: restartIce || this.#wantsOffer?.restartIce === true };
        // A restart must not wait for an answer that got lost.
        if (!restartIce) return;
        this.#wantsOffer = undefined;
      }
      const { session } = this.#options;
      if (restartIce) this.#ownCandidates.forget();
      const description = await session.createOffer({ restartIce });
      this.#pendingOffer = this.#lastOffer += 1;
      const media = encodeAnnouncement(session.announcement());
      this.#sendOffer({ type: 'offer', offer: this.#pendingOffer, sdp: description.sdp, media }, 1);
    });
  }

  /** Sealed anew each time, since the ratchet opens nothing twice; what is in it stays the same. */
  #sendOffer(offer: UnsentOffer, sends: number): void {
    this.#send(offer);
    this.#cancelOfferAgain?.();
    if (sends >= MAX_OFFER_SENDS) return;
    this.#cancelOfferAgain = this.#options.ports.surroundings.after(OFFER_AGAIN_MS, () => {
      if (!this.#isClosed && this.#pendingOffer === offer.offer) this.#sendOffer(offer, sends + 1);
    });
  }

  handleLocalCandidate(candidate: IceCandidate): void {
    if (!this.#isClosed) this.#ownCandidates.found(candidate);
  }

  /** Packets flow: the other side has all the candidates it needs. */
  handleConnected(): void {
    this.#ownCandidates.connected();
  }

  /** Opens a signal and follows it. What is not from the other device of this call, or not readable, is reported and ignored. */
  handleSignal({ bytes }: Pick<SignalPayload, 'bytes'>): Promise<void> {
    return this.#inTurn(async () => {
      const { callId, conversation, peerDevice, ports } = this.#options;
      const { sender, plaintext } = await conversation.openEphemeral(fromBase64url(bytes));
      if (sender.accountId !== conversation.peer || sender.deviceId !== peerDevice) return this.#report('signal-from-stranger');
      await this.#follow(decodeSignal(plaintext, { callId, nowMs: ports.surroundings.now() }), sender.leafIndex);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelOfferAgain?.();
    this.#ownCandidates.close();
    this.keys.close();
  }

  async #follow(signal: Signal, leafIndex: number): Promise<void> {
    if (signal.type === 'candidates') return this.#addCandidates(this.#peerCandidates.take(signal.candidates));
    const media = decodeAnnouncement(signal.media);
    if (signal.type === 'answer') {
      // An answer to an offer that was taken back, or a second one.
      if (signal.offer !== this.#pendingOffer) return;
      await Promise.all([this.#hear(leafIndex, media), this.#accept({ type: 'answer', sdp: signal.sdp })]);
      this.#pendingOffer = undefined;
      return this.#offerAgain();
    }
    const answered = this.#lastAnswer;
    // The same offer again: its answer was lost, or is on its way. An older one was overtaken.
    if (answered?.offer === signal.offer) return this.#send(answered);
    if (answered !== undefined && signal.offer < answered.offer) return;
    const hasCollision = this.#pendingOffer !== undefined;
    if (hasCollision && this.#options.isCaller) return;
    // Frames come a round trip later at the earliest, so the keys may be made meanwhile.
    const [, answer] = await Promise.all([
      this.#hear(leafIndex, media),
      this.#accept({ type: 'offer', sdp: signal.sdp }, hasCollision),
    ]);
    if (answer === null) throw new MediaError('negotiation-failed');
    if (hasCollision) this.#wantsOffer ??= { restartIce: false };
    this.#pendingOffer = undefined;
    this.#lastAnswer = {
      type: 'answer',
      offer: signal.offer,
      sdp: answer.sdp,
      media: encodeAnnouncement(this.#options.session.announcement()),
    };
    this.#send(this.#lastAnswer);
    this.#offerAgain();
  }

  /** The announcement counts at once, before any track comes; the key follows. */
  async #hear(leafIndex: number, media: ReturnType<typeof decodeAnnouncement>): Promise<void> {
    this.#options.session.expect(media);
    await this.keys.hear({ leafIndex, instance: media.instance });
  }

  async #accept(description: Description, rollback = false): Promise<Description | null> {
    const { session } = this.#options;
    const peerSession = iceSessionOf(description.sdp);
    // An offer of another ICE session begins one here too; an answer belongs to the one that this side's offer began.
    if (description.type === 'offer' && peerSession !== this.#peerSession) this.#ownCandidates.forget();
    const answer = await session.accept(description, { rollback });
    this.#peerSession = peerSession;
    await this.#addCandidates(this.#peerCandidates.described(description.sdp));
    return answer;
  }

  /** One that the engine refuses does not take the others with it. */
  async #addCandidates(candidates: readonly IceCandidate[]): Promise<void> {
    for (const candidate of candidates) {
      await this.#options.session.addCandidate(candidate).catch((cause: unknown) => this.#report('candidate-refused', cause));
    }
  }

  #offerAgain(): void {
    const wanted = this.#wantsOffer;
    this.#wantsOffer = undefined;
    if (wanted) void this.offer(wanted);
  }

  /** Seals and sends in the order of the calls; sealing is a step of the ratchet. */
  #send(signal: Unsent): void {
    const { callId, conversation, peerDevice, ports } = this.#options;
    this.#outgoing = this.#outgoing.then(async () => {
      if (this.#isClosed) return;
      try {
        const plaintext = encodeSignal({ v: 1, callId, sentAt: ports.surroundings.now(), ...signal });
        const bytes = toBase64url(await conversation.sealEphemeral(plaintext));
        await ports.api.sendSignal({ callId, toDevice: peerDevice, bytes });
      } catch (error) {
        // The call's end is told by the arbiter; here it only means that nobody listens any more.
        if (!(error instanceof AppError && error.code === 'call-ended')) this.#report('signal-not-sent', error);
      }
    });
  }

  #inTurn(run: () => Promise<void>): Promise<void> {
    this.#incoming = this.#incoming.then(async () => {
      if (this.#isClosed) return;
      try {
        await run();
      } catch (error) {
        this.#report('negotiation-failed', error);
      }
    });
    return this.#incoming;
  }

  #report(code: string, cause?: unknown): void {
    if (!this.#isClosed) this.#options.ports.report({ callId: this.#options.callId, code, cause });
  }
}
