import { Decoder, Encoder } from '@evan/opus';
import { FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE, type SoundMeter, type SoundSource } from './sound.ts';

/** After a pause of the process, frames that are later than this are left out instead of sent in a burst. */
const MAX_LAG_MS = 200;

/** Speaks: a frame every 20 ms, encoded as Opus. Silence while muted or when the source is at its end. */
export class Microphone {
  isMuted = false;
  readonly #source: SoundSource;
  readonly #encoder = new Encoder({ channels: 1, sample_rate: SAMPLE_RATE, application: 'voip' });
  #timer: NodeJS.Timeout | undefined;

  constructor(source: SoundSource) {
    this.#source = source;
  }

  /** `take` gets each encoded frame with its number since the start; the numbers go on through frames that were left out. */
  start(take: (frame: Uint8Array, number: number) => void): void {
    if (this.#timer !== undefined) return;
    const startedAt = performance.now();
    let number = 0;
    const beat = () => {
      const lateMs = performance.now() - (startedAt + number * FRAME_MS);
      if (lateMs > MAX_LAG_MS) number += Math.floor(lateMs / FRAME_MS);
      take(this.#encode(), number);
      number += 1;
      this.#timer = setTimeout(beat, Math.max(0, startedAt + number * FRAME_MS - performance.now()));
    };
    this.#timer = setTimeout(beat, 0);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #encode(): Uint8Array {
    const sound = this.#source.next() ?? new Int16Array(FRAME_SAMPLES);
    // The encoder's memory is reused by the next call.
    return new Uint8Array(this.#encoder.encode(this.isMuted ? new Int16Array(FRAME_SAMPLES) : sound));
  }
}

/** Hears: decodes Opus frames and measures them. */
export class Loudspeaker {
  readonly #decoder = new Decoder({ channels: 1, sample_rate: SAMPLE_RATE });
  readonly #meter: SoundMeter;

  constructor(meter: SoundMeter) {
    this.#meter = meter;
  }

  /** False when the frame is not Opus: whoever sealed it is to blame, and the frames after it are heard. */
  play(frame: Uint8Array): boolean {
    const bytes = this.#decoded(frame);
    if (bytes === undefined) return false;
    this.#meter.hear(new Int16Array(bytes.buffer, 0, Math.floor(bytes.length / 2)));
    return true;
  }

  /** The decoder throws for whatever it cannot read, and nothing else runs in here. */
  #decoded(frame: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    try {
      return new Uint8Array(this.#decoder.decode(frame));
    } catch {
      return undefined;
    }
  }
}
