import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Rialto, type RialtoClient, type Store } from '@rialto/client';
import { openFileStore } from '@rialto/client/node';
import { NodeMediaEngine } from '../media/engine.ts';
import { SoundMeter, tone } from '../media/sound.ts';

const STEP_TIMEOUT_MS = 20_000;
const LOOK_EVERY_MS = 40;

/** One person of the demo with a device of their own, kept in files as anybody's. */
export interface Actor {
  readonly name: string;
  readonly handle: string;
  readonly client: RialtoClient;
  readonly store: Store;
  /** What this person hears in calls. */
  readonly ear: SoundMeter;
  /** What this person says in calls. */
  readonly toneHz: number;
  readonly phrase: string;
}

/** A step failed: the demo ends with it. */
export class DemoFailure extends Error {}

/** Where the demo plays: prints steps with their times, keeps profiles in a directory of its own, and cleans up. */
export class Stage {
  readonly url: string;
  readonly #startedAt = Date.now();
  readonly #suffix = Math.random().toString(36).slice(2, 7);
  readonly #actors: Actor[] = [];
  readonly #problems: string[] = [];
  #directory: string | undefined;

  constructor(url: string) {
    this.url = url;
  }

  /** Runs one step and prints it with what it returns. */
  async step<T>(title: string, run: () => Promise<T>, tell: (value: T) => string = () => ''): Promise<T> {
    const began = Date.now();
    try {
      const value = await withLimit(run(), title);
      const told = tell(value);
      console.log(`  ✓ ${title}${told === '' ? '' : `: ${told}`}  ${dim(`${Date.now() - began} ms`)}`);
      return value;
    } catch (error) {
      console.log(`  ✗ ${title}`);
      throw error;
    }
  }

  chapter(title: string): void {
    console.log(`\n${title}`);
  }

  /** A person with a fresh account; the handle gets a random ending, so that the demo can be played again. */
  async enter(name: string, toneHz: number): Promise<Actor> {
    this.#directory ??= await mkdtemp(join(tmpdir(), 'rialto-demo-'));
    const handle = `${name.toLowerCase()}_${this.#suffix}`;
    const store = await openFileStore({ directory: join(this.#directory, handle) });
    const ear = new SoundMeter();
    const media = new NodeMediaEngine({ source: () => tone(toneHz), meter: ear, hostAddresses: ['127.0.0.1'] });
    const { client, recoveryPhrase } = await Rialto.register({ url: this.url, store, handle, displayName: name, media });
    client.on('problem', ({ code, detail }) =>
      this.#problems.push(`${name}: ${code}${detail === undefined ? '' : ` (${detail})`}`),
    );
    const actor = { name, handle, client, store, ear, toneHz, phrase: recoveryPhrase };
    this.#actors.push(actor);
    await client.whenOnline();
    return actor;
  }

  /** Nothing went wrong behind the scenes either. Throws `DemoFailure`. */
  demandNoProblems(): void {
    if (this.#problems.length > 0) throw new DemoFailure(`Problems were reported: ${this.#problems.join('; ')}`);
  }

  async clear(): Promise<void> {
    for (const { client } of this.#actors) await client.close();
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }

  get elapsedSeconds(): string {
    return ((Date.now() - this.#startedAt) / 1_000).toFixed(1);
  }
}

/** Looks until there is something. Throws `DemoFailure` when there is nothing in time. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false | null>): Promise<T> {
  const end = Date.now() + STEP_TIMEOUT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false && found !== null) return found;
    if (Date.now() > end) throw new DemoFailure(`${what} did not happen in ${STEP_TIMEOUT_MS / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** Throws `DemoFailure` with the sentence when something is not as it must be. */
export function demand(isTrue: boolean, sentence: string): void {
  if (!isTrue) throw new DemoFailure(sentence);
}

async function withLimit<T>(work: Promise<T>, title: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DemoFailure(`“${title}” took too long`)), 2 * STEP_TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

export const dim = (text: string): string => (process.stdout.isTTY ? `\u001B[2m${text}\u001B[0m` : text);
