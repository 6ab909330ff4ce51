import type { IceCandidate } from './media-engine.ts';
import type { Surroundings } from './ports.ts';
import { MAX_CANDIDATES_PER_SIGNAL } from './sealed-signal.ts';

/** Candidates found within this time travel in one signal. */
const BATCH_MS = 15;
/** A push may be lost: as long as no packets flow, what was found is said again after this time, so often in all. */
export const CANDIDATES_AGAIN_MS = 1_000;
const MAX_SENDS = 5;
/** Candidates of one side for one description; a machine has a handful. */
const MAX_CANDIDATES = 100;

const ICE_USER = /^a=ice-ufrag:(\S+)/m;
/** What names the ICE session that a description begins or goes on with (RFC 8839 section 5.4); a restart of ICE changes it. */
export const iceSessionOf = (sdp: string): string => ICE_USER.exec(sdp)?.[1] ?? '';

/**
 * This side's candidates of one ICE session: said as they are found, and all of them again until packets flow. Nobody acknowledges
 * candidates; that the connection stands is the acknowledgement.
 */
export class OwnCandidates {
  readonly #surroundings: Surroundings;
  readonly #say: (candidates: readonly IceCandidate[]) => void;
  #found: IceCandidate[] = [];
  /** How many of `#found` were said. */
  #said = 0;
  #isConnected = false;
  #cancelBatch: (() => void) | undefined;
  #cancelAgain: (() => void) | undefined;

  /** `say` gets at most as many as one signal holds. */
  constructor(surroundings: Surroundings, say: (candidates: readonly IceCandidate[]) => void) {
    this.#surroundings = surroundings;
    this.#say = say;
  }

  found(candidate: IceCandidate): void {
    if (this.#found.length >= MAX_CANDIDATES) return;
    this.#found.push(candidate);
    this.#cancelBatch ??= this.#surroundings.after(BATCH_MS, () => {
      this.#cancelBatch = undefined;
      this.#sayFrom(this.#said);
      this.#sayAgain(1);
    });
  }

  /** Another ICE session begins: what was found for the last one means nothing in it. */
  forget(): void {
    this.close();
    [this.#found, this.#said, this.#isConnected] = [[], 0, false];
  }

  /** Packets flow: what is still found is said, but not again. */
  connected(): void {
    this.#isConnected = true;
    this.#cancelAgain?.();
  }

  close(): void {
    this.#cancelBatch?.();
    this.#cancelAgain?.();
    this.#cancelBatch = undefined;
  }

  #sayFrom(first: number): void {
    for (let i = first; i < this.#found.length; i += MAX_CANDIDATES_PER_SIGNAL) {
      this.#say(this.#found.slice(i, i + MAX_CANDIDATES_PER_SIGNAL));
    }
    this.#said = this.#found.length;
  }

  #sayAgain(sends: number): void {
    this.#cancelAgain?.();
    if (this.#isConnected || sends >= MAX_SENDS) return;
    this.#cancelAgain = this.#surroundings.after(CANDIDATES_AGAIN_MS, () => {
      this.#sayFrom(0);
      this.#sayAgain(sends + 1);
    });
  }
}

/** The other side's candidates: each is given on once in an ICE session, and not before the description it belongs to. */
export class PeerCandidates {
  readonly #heard = new Set<string>();
  #waiting: IceCandidate[] = [];
  #session: string | undefined;

  /** Takes what came, and returns what is new and may be used now. */
  take(candidates: readonly IceCandidate[]): IceCandidate[] {
    const fresh = candidates.filter((candidate) => {
      const name = JSON.stringify([candidate.candidate, candidate.sdpMid, candidate.sdpMLineIndex]);
      if (this.#heard.has(name) || this.#heard.size >= MAX_CANDIDATES) return false;
      this.#heard.add(name);
      return true;
    });
    if (this.#session !== undefined) return fresh;
    this.#waiting.push(...fresh);
    return [];
  }

  /** A description of the other side was applied. Returns the candidates that have waited for it. */
  described(sdp: string): IceCandidate[] {
    const session = iceSessionOf(sdp);
    // A repeat of what came too early, for an engine that did not know the session yet, is good now.
    if (this.#session !== undefined && this.#session !== session) this.#heard.clear();
    this.#session = session;
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}
