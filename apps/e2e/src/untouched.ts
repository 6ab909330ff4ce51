import type { Fingerprint, System } from './system.ts';

/** What the system holds and has said before something bad is sent to it. */
export class Untouched {
  readonly #system: System;
  readonly #mark: ReadonlyMap<string, number>;
  #before: Fingerprint;

  private constructor(system: System, before: Fingerprint) {
    this.#system = system;
    this.#mark = system.logMark();
    this.#before = before;
  }
  static async watch(system: System): Promise<Untouched> {
    return new Untouched(system, await system.fingerprint());
  }

  /** Takes what is stored by now as it should be: the test itself did something good. */
  async accept(): Promise<void> {
    this.#before = await this.#system.fingerprint();
  }

  /** The tables that hold something else than before, and the errors that our processes wrote. Nothing bad may cause either. */
  async changes(): Promise<{ tables: string[]; errors: string[] }> {
    const after = await this.#system.fingerprint();
    const names = new Set([...this.#before.keys(), ...after.keys()]);
    const tables = [...names].filter((name) => this.#before.get(name) !== after.get(name));
    return { tables, errors: this.#system.errorsSince(this.#mark) };
  }
}
export const NO_CHANGES = { tables: [], errors: [] };
