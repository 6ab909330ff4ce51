import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inherited } from './config.ts';
import type { Say } from './measure.ts';

const PROGRAM = fileURLToPath(new URL('../../start/start.mjs', import.meta.url));
const READY = 'Rialto is ready';
const READY_WITHIN_MS = 180_000;
const KB_A_MB = 1_024;
const ENGINES: readonly string[] = ['nats', 'postgres', 'turn'];

/** A data directory on which `npm start`'s program runs again and again. */
export class StartedByCommand {
  readonly #parent: string;
  readonly #port: number;

  private constructor(parent: string, port: number) {
    this.#parent = parent;
    this.#port = port;
  }

  static async place(port: number): Promise<StartedByCommand> {
    const parent = mkdtempSync(join(tmpdir(), 'rialto-bench-'));
    chmodSync(parent, 0o711); // As root, PostgreSQL runs as another user that must get through here.
    return new StartedByCommand(parent, port);
  }

  get #dataDir(): string {
    return join(this.#parent, 'data');
  }

  /** Resolves when it says that it is ready. Throws with its last words when it ends instead. */
  async start(say: Say = () => {}): Promise<RunningByCommand> {
    const env = { ...inherited, RIALTO_PORT: String(this.#port), RIALTO_DATA_DIR: this.#dataDir };
    const began = performance.now();
    const child = spawn(process.execPath, [PROGRAM], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    await whenReady(child, say);
    return new RunningByCommand(child, (performance.now() - began) / 1_000, join(this.#dataDir, 'system.json'));
  }

  remove(): void {
    rmSync(this.#parent, { recursive: true, force: true });
  }
}

class RunningByCommand {
  readonly #child: ChildProcess;
  readonly #stateFile: string;
  readonly readyAfterS: number;
  constructor(child: ChildProcess, readyAfterS: number, stateFile: string) {
    this.#child = child;
    this.readyAfterS = readyAfterS;
    this.#stateFile = stateFile;
  }

  /** PSS by process: memory that several share counts in parts, so the sum is what they take together. The start itself is one of them. */
  memoryMb(): Map<string, number> {
    const { processes } = JSON.parse(readFileSync(this.#stateFile, 'utf8')) as { processes: { name: string; pid: number }[] };
    const own = processes.filter(({ name }) => !ENGINES.includes(name));
    return new Map([...own, { name: 'start', pid: this.#child.pid ?? 0 }].map(({ name, pid }) => [name, pssMb(pid)]));
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGINT');
    await ended;
  }
}

function pssMb(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`the kernel does not say how much memory process ${pid} takes`);
  return Number(kilobytes) / KB_A_MB;
}

function whenReady(child: ChildProcess, say: Say): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => reject(new Error(`not ready after ${READY_WITHIN_MS} ms:\n${output}`)), READY_WITHIN_MS);
    const read = (chunk: Buffer) => {
      output += chunk.toString('utf8');
      for (const line of chunk.toString('utf8').trim().split('\n')) say(line);
      if (!output.includes(READY)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', (code) => reject(new Error(`the start ended with ${code}:\n${output}`)));
  });
}
