import { CALL_GIVE_UP_MS } from '@rialto/contracts';
import type { Surroundings } from './ports.ts';

/** Until a restart of ICE has brought nothing and is tried again. */
const RESTART_AGAIN_MS = 5_000;

/**
 * What to do when packets stop. The engine says `stalled` after `CALL_STALL_MS` of silence; ICE is then restarted at once and again
 * every few seconds, until packets flow or `CALL_GIVE_UP_MS` are over.
 */
export class Reconnection {
  readonly #surroundings: Surroundings;
  readonly #act: { restart(): void; giveUp(): void };
  #state: 'none' | 'connected' | 'stalled' = 'none';
  #timers: (() => void)[] = [];

  constructor(surroundings: Surroundings, act: { restart(): void; giveUp(): void }) {
    this.#surroundings = surroundings;
    this.#act = act;
  }

  get state(): 'none' | 'connected' | 'stalled' {
    return this.#state;
  }

  /** Whether it is the first time. */
  connected(): boolean {
    const isFirst = this.#state === 'none';
    this.#state = 'connected';
    this.#endTimers();
    return isFirst;
  }

  /** Whether it is news. Before the first connection it is not: the arbiter ends a call that does not connect in time. */
  stalled(): boolean {
    if (this.#state !== 'connected') return false;
    this.#state = 'stalled';
    this.#restart();
    this.#timers.push(this.#surroundings.after(CALL_GIVE_UP_MS, () => this.#act.giveUp()));
    return true;
  }

  /** This connection will not come back by itself. */
  failed(): void {
    if (this.#state === 'none') this.#act.restart();
  }

  close(): void {
    this.#endTimers();
  }

  #restart(): void {
    this.#act.restart();
    this.#timers.push(this.#surroundings.after(RESTART_AGAIN_MS, () => this.#restart()));
  }

  #endTimers(): void {
    for (const cancel of this.#timers.splice(0)) cancel();
  }
}
