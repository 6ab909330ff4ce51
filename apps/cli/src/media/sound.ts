/** Opus at 48 kHz in frames of 20 ms, one channel. */
export const SAMPLE_RATE = 48_000;
export const FRAME_SAMPLES = 960;
export const FRAME_MS = 20;
const FULL_SCALE = 32_768;

/** Gives the next 20 ms of sound, 960 samples; null when there is no more. */
export interface SoundSource {
  next(): Int16Array | null;
}

/** A sine tone without end. */
export function tone(frequencyHz: number, loudness = 0.25): SoundSource {
  let phase = 0;
  return {
    next() {
      const frame = new Int16Array(FRAME_SAMPLES);
      for (let i = 0; i < FRAME_SAMPLES; i += 1, phase += 1) {
        frame[i] = loudness * (FULL_SCALE - 1) * Math.sin((phase * 2 * Math.PI * frequencyHz) / SAMPLE_RATE);
      }
      return frame;
    },
  };
}

/** Samples one after the other; the last frame is filled up with silence. */
export function samples(all: Int16Array): SoundSource {
  let at = 0;
  return {
    next() {
      if (at >= all.length) return null;
      const frame = new Int16Array(FRAME_SAMPLES);
      frame.set(all.subarray(at, at + FRAME_SAMPLES));
      at += FRAME_SAMPLES;
      return frame;
    },
  };
}

/** Measures what is heard. */
export class SoundMeter {
  #crossings = 0;
  #samples = 0;
  #last = 0;
  /** Sum of squared loudness over seconds, as WebRTC's `totalAudioEnergy`. */
  energy = 0;

  hear(pcm: Int16Array): void {
    let squares = 0;
    for (const sample of pcm) {
      if (this.#last < 0 && sample >= 0) this.#crossings += 1;
      this.#last = sample;
      squares += (sample / FULL_SCALE) ** 2;
    }
    this.#samples += pcm.length;
    this.energy += squares / SAMPLE_RATE;
  }

  /** The pitch by zero crossings, in hertz: right for one tone, rough for anything else. */
  get pitchHz(): number {
    return this.#samples === 0 ? 0 : Math.round((this.#crossings * SAMPLE_RATE) / this.#samples);
  }
}
