import {
  decodeHeader,
  decryptFrame,
  deriveSframeKey,
  encryptFrame,
  SframeError,
  SframeReceiver,
  SframeSender,
} from '@rialto/crypto/sframe';
import { kidOf, MAX_CALL_TRACKS, OLD_RECEIVE_KEY_MS } from './media-engine.ts';

/** AES-256-GCM with SHA-512 (RFC 9605 section 4.5). */
const SUITE = 5;
const TRACK_BITS = 8n;
const NO_METADATA = new Uint8Array();

interface EpochKey {
  readonly epoch: number;
  /** The SFrame base key. It is read during the call and not kept. */
  readonly key: Uint8Array;
}

/**
 * Encrypts one side's frames. A track's counter begins once an epoch and never again: epochs only rise, and whoever starts a sealer
 * anew takes a new `instance`, hence other keys.
 */
export class FrameSealer {
  #epoch = -1;
  #senders: readonly SframeSender[] = [];
  #isSending = false;

  /** Sends under this key from now on. The same epoch again only ends a stop; an older one is ignored. */
  async setKey({ epoch, key }: EpochKey): Promise<void> {
    if (epoch > this.#epoch) {
      this.#epoch = epoch;
      const base = new Uint8Array(key);
      const senders = await Promise.all(
        trackNumbers().map(async (number) => new SframeSender(await deriveSframeKey(base, kidOf(epoch, number), SUITE))),
      );
      base.fill(0);
      if (epoch < this.#epoch) return; // A newer one came in between.
      this.#senders = senders;
    }
    if (epoch === this.#epoch && this.#senders.length > 0) this.#isSending = true;
  }

  stop(): void {
    this.#isSending = false;
  }

  /** Undefined when nothing may be sent now: then the frame must be dropped. */
  async seal(trackNumber: number, frame: Uint8Array, metadata: Uint8Array = NO_METADATA): Promise<Uint8Array | undefined> {
    const sender = this.#isSending ? this.#senders[trackNumber] : undefined;
    return sender && encryptFrame(sender, frame, metadata);
  }
}

export type Opened = { readonly frame: Uint8Array } | { readonly refused: 'unknown-epoch' | 'other-track' | 'not-authentic' };

/** Decrypts the other side's frames with the keys of this epoch, and for a while of the ones before. */
export class FrameOpener {
  readonly #receiver = new SframeReceiver();
  readonly #epochs = new Map<number, { print: string; timer: ReturnType<typeof setTimeout> | undefined }>();

  /** Adds a key; all others end after `OLD_RECEIVE_KEY_MS`. The same key again changes nothing, its memory of what was played above all. */
  async addKey({ epoch, key }: EpochKey): Promise<void> {
    const base = new Uint8Array(key);
    const print = Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', base))).join();
    const known = this.#epochs.get(epoch);
    if (known?.print === print) return;
    const keys = await Promise.all(trackNumbers().map((number) => deriveSframeKey(base, kidOf(epoch, number), SUITE)));
    base.fill(0);
    for (const each of keys) this.#receiver.addKey(each);
    clearTimeout(known?.timer);
    this.#epochs.set(epoch, { print, timer: undefined });
    for (const [other, state] of this.#epochs) {
      if (other !== epoch) state.timer ??= setTimeout(() => this.#drop(other, epoch), OLD_RECEIVE_KEY_MS);
    }
  }

  /** Opens a frame of a track. What is not authentic, not of this track, repeated or without a key is refused. */
  async open(trackNumber: number, bytes: Uint8Array, metadata: Uint8Array = NO_METADATA): Promise<Opened> {
    try {
      const { kid } = decodeHeader(bytes);
      if ((kid & ((1n << TRACK_BITS) - 1n)) !== BigInt(trackNumber)) return { refused: 'other-track' };
      return { frame: (await decryptFrame(this.#receiver, bytes, metadata)).frame };
    } catch (error) {
      if (!(error instanceof SframeError)) throw error;
      return { refused: error.problem === 'unknown-key' ? 'unknown-epoch' : 'not-authentic' };
    }
  }

  close(): void {
    for (const { timer } of this.#epochs.values()) clearTimeout(timer);
    this.#epochs.clear();
    for (const kid of this.#receiver.kids) this.#receiver.removeKey(kid);
  }

  #drop(epoch: number, newest: number): void {
    this.#epochs.delete(epoch);
    // Two epochs 256 apart share their KIDs; then the newer one has replaced the key already.
    if ((epoch & 0xff) === (newest & 0xff)) return;
    for (const number of trackNumbers()) this.#receiver.removeKey(kidOf(epoch, number));
  }
}

const trackNumbers = (): number[] => Array.from({ length: MAX_CALL_TRACKS }, (_, number) => number);
