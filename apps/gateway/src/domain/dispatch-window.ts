import { MAX_UNACKED_DISPATCHES } from '@rialto/contracts';

/** What one device may leave unacknowledged, sent or waiting. Beyond it the device reads the logs instead. */
export const MAX_HELD_PUSHES = 1_024;
export const MAX_HELD_CHARS = 4_194_304;

/**
 * The pushes of one session, numbered from 1. At most `MAX_UNACKED_DISPATCHES` are on their way; more wait here until acknowledgements make
 * room. What is not acknowledged stays, so that a socket that comes back gets it again.
 */
export class DispatchWindow {
  #held: string[] = [];
  #heldChars = 0;
  #acknowledged = 0;
  #sent = 0;

  /** The number of the last push that was sent. */
  get sent(): number {
    return this.#sent;
  }
  get isFull(): boolean {
    return this.#sent - this.#acknowledged >= MAX_UNACKED_DISPATCHES;
  }

  /** Takes a push, a JSON object as text. False when too much is held: the session is lost. */
  add(json: string): boolean {
    if (this.#held.length >= MAX_HELD_PUSHES || this.#heldChars + json.length > MAX_HELD_CHARS) return false;
    this.#held.push(json);
    this.#heldChars += json.length;
    return true;
  }

  /** The next frame to send; undefined when nothing waits or too much is unacknowledged. */
  next(): string | undefined {
    const json = this.isFull ? undefined : this.#held[this.#sent - this.#acknowledged];
    if (json === undefined) return undefined;
    this.#sent += 1;
    return `{"op":"dispatch","seq":${this.#sent},${json.slice(1)}`;
  }

  /** Everything up to a number has arrived. False when that was never sent. */
  acknowledge(upTo: number): boolean {
    if (upTo > this.#sent) return false;
    const count = upTo - this.#acknowledged;
    if (count <= 0) return true; // An old acknowledgement, overtaken by a newer one.
    for (const json of this.#held.splice(0, count)) this.#heldChars -= json.length;
    this.#acknowledged = upTo;
    return true;
  }

  /** A socket came back that has seen everything up to a number: what follows is sent again. False when that cannot be. */
  resumeAfter(lastSeq: number): boolean {
    if (lastSeq < this.#acknowledged || !this.acknowledge(lastSeq)) return false;
    this.#sent = lastSeq;
    return true;
  }
}
