/** Real: the calls service, PostgreSQL, NATS, `CallManager`, and between the two sides WebRTC (werift) with Opus in SFrame. */
import { NodeMediaEngine } from '../../../apps/cli/src/media/engine.ts';
import { FRAME_SAMPLES, SoundMeter, tone, type SoundSource } from '../../../apps/cli/src/media/sound.ts';
import { CallWorld, until } from './call-world.ts';

const FRAMES = 200;
let world: CallWorld;

beforeAll(async () => {
  world = await CallWorld.start();
}, 60_000);
afterAll(() => world.stop());

/** A tone that counts what it gave. */
class CountedTone implements SoundSource {
  given = 0;
  readonly #tone: SoundSource;
  constructor(frequencyHz: number) {
    this.#tone = tone(frequencyHz);
  }
  next(): Int16Array {
    this.given += 1;
    return this.#tone.next() ?? new Int16Array(FRAME_SAMPLES);
  }
}

test(`two terminals hear each other: ${FRAMES} of ${FRAMES} frames`, async () => {
  const sounds = { ana: new CountedTone(440), ben: new CountedTone(880) };
  const meters = { ana: new SoundMeter(), ben: new SoundMeter() };
  const ana = await world.person(new NodeMediaEngine({ source: () => sounds.ana, meter: meters.ana }));
  const ben = await world.person(new NodeMediaEngine({ source: () => sounds.ben, meter: meters.ben }));
  const conversation = world.introduce(ana, ben);
  const startedAt = performance.now();
  const call = await ana.manager.start(conversation, { media: 'audio' });
  const incoming = await until(() => ben.incoming[0]);
  await incoming.answer();
  await Promise.all([until(() => call.state === 'active'), until(() => incoming.state === 'active')]);
  const activeMs = Math.round(performance.now() - startedAt);
  await until(() => sounds.ana.given >= FRAMES && sounds.ben.given >= FRAMES, 15_000);
  const given = { ana: sounds.ana.given, ben: sounds.ben.given };
  await new Promise((resolve) => setTimeout(resolve, 300));
  const [heardByAna, heardByBen] = [await call.stats(), await incoming.stats()];
  process.stderr.write(
    `node call: active after ${activeMs} ms; ${JSON.stringify({ given, ana: heardByAna, ben: heardByBen })}\n`,
  );
  expect(heardByBen?.framesOpened).toBeGreaterThanOrEqual(given.ana);
  expect(heardByAna?.framesOpened).toBeGreaterThanOrEqual(given.ben);
  expect([heardByAna?.framesRefused, heardByBen?.framesRefused]).toEqual([0, 0]);
  expect(heardByBen?.audioEnergy).toBeGreaterThan(0);
  expect(Math.abs(meters.ben.pitchHz - 440)).toBeLessThan(15);
  expect(Math.abs(meters.ana.pitchHz - 880)).toBeLessThan(25);
  await call.hangUp();
  await until(() => incoming.state === 'ended');
  expect([...ana.problems, ...ben.problems]).toEqual([]);
}, 30_000);
