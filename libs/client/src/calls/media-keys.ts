import type { CallId } from '@rialto/contracts';
import { EPOCH_CATCH_UP_MS, type MediaSession } from './media-engine.ts';
import type { CallConversation, Surroundings } from './ports.ts';

/** A log that could not be read is asked again after the deadline: until then nothing is sent. */
const ASK_AGAIN_MS = EPOCH_CATCH_UP_MS + 500;

/** A key of a new epoch that could not be made or set is tried again this often, so many times in all; then the call has to end. */
const KEY_AGAIN_MS = 1_000;
export const MAX_KEY_TRIES = 10;

/** Whose frames a session opens: the sender's leaf and the instance of its media worker. */
export interface PeerMedia {
  readonly leafIndex: number;
  readonly instance: Uint8Array;
}

/**
 * Gives a session its keys and follows the group's epochs with them. A newer epoch is followed within `EPOCH_CATCH_UP_MS`, or nothing is
 * sent until it is: who was removed must not hear on.
 */
export class MediaKeys {
  readonly #callId: CallId;
  readonly #conversation: CallConversation;
  readonly #session: MediaSession;
  readonly #surroundings: Surroundings;
  readonly #failed: (cause: unknown) => void;
  readonly #gaveUp: (cause: unknown) => void;
  readonly #unsubscribe: () => void;
  #peer: PeerMedia | undefined;
  #cancelDeadline: (() => void) | undefined;
  #cancelAnotherTry: (() => void) | undefined;
  #cancelFollowing: (() => void) | undefined;
  #isClosed = false;

  constructor(options: {
    callId: CallId;
    conversation: CallConversation;
    session: MediaSession;
    surroundings: Surroundings;
    /** A try failed; another follows. */
    failed: (cause: unknown) => void;
    /** Nothing is sent any more, and nothing more is tried. */
    gaveUp: (cause: unknown) => void;
  }) {
    this.#callId = options.callId;
    this.#conversation = options.conversation;
    this.#session = options.session;
    this.#surroundings = options.surroundings;
    this.#failed = options.failed;
    this.#gaveUp = options.gaveUp;
    this.#unsubscribe = options.conversation.onEpoch(() => this.#follow());
  }

  /** Keys for sending. Must be done before the first description leaves. */
  async start(): Promise<void> {
    await this.#renewSendKey();
  }

  /** Keys for what the other side sends; called again when its media worker was started anew. */
  async hear(peer: PeerMedia): Promise<void> {
    const isKnown = this.#peer?.leafIndex === peer.leafIndex && sameBytes(this.#peer.instance, peer.instance);
    if (isKnown) return;
    this.#peer = peer;
    try {
      await this.#renewReceiveKey();
    } catch (error) {
      this.#peer = undefined; // The next signal of the other side is another try.
      throw error;
    }
  }

  /** Frames of an epoch without a key arrive: read the log, or stop sending. */
  handleUnknownEpoch(): void {
    if (this.#cancelDeadline !== undefined || this.#isClosed) return;
    const before = this.#conversation.epoch;
    this.#startDeadline();
    this.#conversation
      .catchUp()
      .then(async () => {
        if (this.#conversation.epoch !== before || this.#isClosed) return;
        // Nothing newer there: the frames are old ones, and sending goes on, also when it had to stop until that was known.
        await this.#renewSendKey();
        this.#endDeadline();
      })
      .catch((cause: unknown) => {
        if (this.#isClosed) return;
        this.#failed(cause);
        this.#cancelAnotherTry?.();
        this.#cancelAnotherTry = this.#surroundings.after(ASK_AGAIN_MS, () => this.handleUnknownEpoch());
      });
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#endDeadline();
    this.#cancelAnotherTry?.();
    this.#cancelFollowing?.();
  }

  /** The deadline stops the sending meanwhile; a try that succeeds lets it go on. */
  #follow(tries = 1): void {
    if (this.#isClosed) return;
    this.#cancelFollowing?.();
    this.#startDeadline();
    Promise.all([this.#renewSendKey(), this.#renewReceiveKey()]).then(
      () => this.#endDeadline(),
      (cause: unknown) => {
        if (this.#isClosed) return;
        if (tries === 1) this.#failed(cause);
        if (tries < MAX_KEY_TRIES) {
          this.#cancelFollowing?.();
          this.#cancelFollowing = this.#surroundings.after(KEY_AGAIN_MS, () => this.#follow(tries + 1));
          return;
        }
        this.#session.stopSending();
        this.#gaveUp(cause);
      },
    );
  }

  #startDeadline(): void {
    this.#cancelDeadline ??= this.#surroundings.after(EPOCH_CATCH_UP_MS, () => {
      this.#cancelDeadline = undefined;
      if (!this.#isClosed) this.#session.stopSending();
    });
  }

  #endDeadline(): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
  }

  async #renewSendKey(): Promise<void> {
    const { leafIndex } = this.#conversation;
    const key = await this.#conversation.mediaKey({ callId: this.#callId, leafIndex, instance: this.#session.instance });
    if (!this.#isClosed) await this.#session.setSendKey(key);
    key.key.fill(0);
  }

  async #renewReceiveKey(): Promise<void> {
    if (this.#peer === undefined) return;
    const key = await this.#conversation.mediaKey({ callId: this.#callId, ...this.#peer });
    if (!this.#isClosed) await this.#session.addReceiveKey(key);
    key.key.fill(0);
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);
