import { createHash, randomInt } from 'node:crypto';
import { seedText } from './config.ts';

/** Numbers that look random and are the same for the same seed (mulberry32; good for choosing, worthless as a secret). */
export class Random {
  readonly seed: number;
  #state: number;
  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#state = this.seed;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
  /** An integer in [0, below). */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }
  chance(probability: number): boolean {
    return this.next() < probability;
  }
  of<T>(choices: readonly T[]): T {
    const chosen = choices[this.below(choices.length)];
    if (chosen === undefined) throw new RangeError('nothing to choose from');
    return chosen;
  }
  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)));
  }
  text(chars: number, alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'): string {
    return Array.from({ length: chars }, () => alphabet[this.below(alphabet.length)]).join('');
  }
  /** An independent stream, so that what one part draws does not shift another's. */
  fork(name: string): Random {
    return new Random(createHash('sha256').update(`${this.seed} ${name}`).digest().readUInt32LE());
  }
}

/** The seed of the run: the one given in `RIALTO_SEED`, else a new one. It is printed, so that a failure can be repeated. */
export function seededRandom(name: string): Random {
  const seed = seedText === undefined ? randomInt(2 ** 31) : Number(seedText);
  process.stderr.write(`${name}: RIALTO_SEED=${seed}\n`);
  return new Random(seed);
}
