import { FRAME_SAMPLES, SAMPLE_RATE, samples, SoundMeter, tone } from './sound.ts';
import { readWav, WavError } from './wav.ts';

function wav({ channels = 1, rate = SAMPLE_RATE, bits = 16, pcm = [1, -2, 300] } = {}): Uint8Array {
  const file = Buffer.alloc(44 + pcm.length * 2);
  file.write('RIFF', 0);
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(channels, 22);
  file.writeUInt32LE(rate, 24);
  file.writeUInt16LE(bits, 34);
  file.write('data', 36);
  file.writeUInt32LE(pcm.length * 2, 40);
  pcm.forEach((sample, i) => file.writeInt16LE(sample, 44 + i * 2));
  return file;
}

test('a WAV file becomes frames, the last one filled with silence', () => {
  const source = samples(readWav(wav()));
  expect([...(source.next() ?? [])].slice(0, 4)).toEqual([1, -2, 300, 0]);
  expect(source.next()).toBeNull();
});

test.each([{ channels: 2 }, { rate: 44_100 }, { bits: 8 }])('a file with %p is refused with a reason', (what) => {
  expect(() => readWav(wav(what))).toThrow(WavError);
});

test('what is no WAV file, or ends in the middle, does not crash', () => {
  expect(() => readWav(new Uint8Array(3))).toThrow(WavError);
  for (let length = 0; length < 44; length += 1) expect(() => readWav(wav().subarray(0, length))).toThrow(WavError);
});

test('the meter knows silence from a tone, and its pitch', () => {
  const meter = new SoundMeter();
  meter.hear(new Int16Array(FRAME_SAMPLES));
  expect(meter.energy).toBe(0);
  const source = tone(440);
  for (let i = 0; i < 100; i += 1) meter.hear(source.next() ?? new Int16Array());
  expect(meter.energy).toBeGreaterThan(0.01);
  expect(Math.abs(meter.pitchHz - 440)).toBeLessThan(6);
});
