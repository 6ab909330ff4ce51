import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@rialto/engines';
import { startSystem, type System as StartedSystem } from '@rialto/start';
import { System } from '../../../apps/e2e/src/system.ts';
import type { Say } from './measure.ts';
import type { ProcessGroups } from './processor-time.ts';

/** So many that no load of ours meets them: the limits are not what is measured. */
const NO_LIMIT = '100000000';
export const UNLIMITED = {
  RIALTO_LIMIT_ANYONE_PER_MINUTE: NO_LIMIT,
  RIALTO_LIMIT_DEVICE_PER_MINUTE: NO_LIMIT,
  RIALTO_LIMIT_SOCKETS_PER_MINUTE: NO_LIMIT,
  RIALTO_LIMIT_WEBHOOKS_PER_MINUTE: NO_LIMIT,
  RIALTO_LOG_LEVEL: 'warn',
};
const ENGINES: readonly string[] = ['nats', 'postgres', 'turn'];

/** A whole system with data of its own, one process of each kind, as `npm start` brings it up; gone with all data after `stop`. */
export class MeasuredSystem {
  readonly #started: StartedSystem;
  readonly #parent: string;
  readonly port: number;
  /** The same, as the end-to-end tests look at it. */
  readonly system: System;

  private constructor(started: StartedSystem, parent: string, port: number) {
    this.#started = started;
    this.#parent = parent;
    this.port = port;
    this.system = new System(started.stateFile);
  }

  static async start(say: Say, env: Record<string, string> = UNLIMITED): Promise<MeasuredSystem> {
    const parent = mkdtempSync(join(tmpdir(), 'rialto-bench-'));
    chmodSync(parent, 0o711); // As root, PostgreSQL runs as another user that must get through here.
    try {
      const port = await freePort();
      const started = await startSystem({ port, dataDir: join(parent, 'data'), env, web: false, say });
      return new MeasuredSystem(started, parent, port);
    } catch (error) {
      rmSync(parent, { recursive: true, force: true });
      throw error;
    }
  }

  /** Process ids by what they are; PostgreSQL's is the one that starts all others. */
  get processes(): ProcessGroups {
    const groups: Record<string, number[]> = { gateway: [], messaging: [], nats: [], postgres: [], others: [] };
    for (const { name, pid } of this.system.state.processes) {
      if (name !== 'turn') (groups[name] ?? groups['others'] ?? []).push(pid);
    }
    return groups;
  }

  /** Our own processes without the engines. */
  get ownProcesses(): { readonly name: string; readonly pid: number }[] {
    return this.system.state.processes.filter(({ name }) => !ENGINES.includes(name));
  }

  async stop(): Promise<void> {
    await this.system.admin.end();
    await this.#started.stop();
    rmSync(this.#parent, { recursive: true, force: true });
  }
}
