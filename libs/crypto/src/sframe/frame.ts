import { decodeHeader, encodeHeader, MAX_SFRAME_INTEGER } from './header.ts';
import { NONCE_BYTES, type SframeKey, TAG_BITS } from './key.ts';
import { SframeError } from './sframe-error.ts';

/** How many counters behind the newest a frame may be: some seconds of video. */
export const REPLAY_WINDOW = 1024;

const none = new Uint8Array();

/**
 * Sends under one key. It owns the counter, so no two frames get one: a key belongs to one sender, and a sender is never made twice
 * for one key (a new start of the media worker has a new `instance`, hence a new key).
 */
export class SframeSender {
  readonly key: SframeKey;
  #next = 0n;

  constructor(key: SframeKey) {
    this.key = key;
  }

  /** Takes a counter. Throws `SframeError('out-of-range')` when all are used. */
  takeCounter(): bigint {
    if (this.#next > MAX_SFRAME_INTEGER) throw new SframeError('out-of-range');
    const counter = this.#next;
    this.#next += 1n;
    return counter;
  }
}

/** Receives under any number of keys, and remembers for each which counters it has played. */
export class SframeReceiver {
  #keys = new Map<bigint, { key: SframeKey; played: ReplayWindow }>();

  /** Replaces the key of the same id, with its memory of counters. */
  addKey(key: SframeKey): void {
    this.#keys.set(key.kid, { key, played: new ReplayWindow() });
  }

  removeKey(kid: bigint): void {
    this.#keys.delete(kid);
  }

  get kids(): bigint[] {
    return [...this.#keys.keys()];
  }

  /** Throws `SframeError('unknown-key')`. */
  find(kid: bigint): { key: SframeKey; played: ReplayWindow } {
    const found = this.#keys.get(kid);
    if (!found) throw new SframeError('unknown-key');
    return found;
  }
}

/** Which of the last counters were seen. Constant memory. */
export class ReplayWindow {
  #newest = -1n;
  #slots: (bigint | undefined)[] = Array.from({ length: REPLAY_WINDOW });

  isNew(counter: bigint): boolean {
    return counter > this.#newest - BigInt(REPLAY_WINDOW) && this.#slots[slot(counter)] !== counter;
  }

  /** Whether the counter was new; it is not afterwards. */
  take(counter: bigint): boolean {
    if (!this.isNew(counter)) return false;
    this.#slots[slot(counter)] = counter;
    if (counter > this.#newest) this.#newest = counter;
    return true;
  }
}

const slot = (counter: bigint): number => Number(counter % BigInt(REPLAY_WINDOW));

/** RFC 9605 section 4.4.3: header, ciphertext, tag. `metadata` is authenticated and not sent. */
export async function encryptFrame(sender: SframeSender, frame: Uint8Array, metadata: Uint8Array = none): Promise<Uint8Array> {
  return encryptAt(sender.key, sender.takeCounter(), frame, metadata);
}

/** RFC 9605 section 4.4.4. Throws `SframeError`; a frame that fails is never marked as played. */
export async function decryptFrame(
  receiver: SframeReceiver,
  bytes: Uint8Array,
  metadata: Uint8Array = none,
): Promise<{ frame: Uint8Array; kid: bigint; counter: bigint }> {
  const { kid, counter, size } = decodeHeader(bytes);
  const { key, played } = receiver.find(kid);
  if (!played.isNew(counter)) throw new SframeError('replayed');
  const parameters = gcm(key, counter, bytes.subarray(0, size), metadata);
  const sealed = new Uint8Array(bytes.subarray(size));
  const frame = await crypto.subtle.decrypt(parameters, key.aead, sealed).catch(() => {
    throw new SframeError('not-authentic');
  });
  if (!played.take(counter)) throw new SframeError('replayed'); // two copies at once
  return { frame: new Uint8Array(frame), kid, counter };
}

/** With a counter of the caller's choice: for test vectors. One counter used twice gives the key away. */
export async function encryptAt(key: SframeKey, counter: bigint, frame: Uint8Array, metadata: Uint8Array): Promise<Uint8Array> {
  const header = encodeHeader(key.kid, counter);
  const sealed = new Uint8Array(
    await crypto.subtle.encrypt(gcm(key, counter, header, metadata), key.aead, new Uint8Array(frame)),
  );
  return joined(header, sealed);
}

function gcm({ salt }: SframeKey, counter: bigint, header: Uint8Array, metadata: Uint8Array) {
  const iv = new Uint8Array(salt); // salt XOR counter, the counter in the last eight of twelve bytes
  const last = new DataView(iv.buffer, NONCE_BYTES - 8);
  last.setBigUint64(0, last.getBigUint64(0) ^ counter);
  return { name: 'AES-GCM', iv, additionalData: joined(header, metadata), tagLength: TAG_BITS };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
