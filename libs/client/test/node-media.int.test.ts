/**
 * The terminal's media. Real: werift, Opus and coturn; in the call also the calls service, PostgreSQL, NATS and `CallManager`. All of it is
 * one file because Opus is native code that keeps its buffers once a process: a second file in the same worker would hear nothing.
 */
import { startTurn } from '@rialto/engines';
import { NodeMediaEngine } from '../../../apps/cli/src/media/engine.ts';
import { OPUS_PAYLOAD_TYPE } from '../../../apps/cli/src/media/peer-connection.ts';
import { FRAME_SAMPLES, SoundMeter, tone, type SoundSource } from '../../../apps/cli/src/media/sound.ts';
import { FrameSealer } from '../src/calls/frame-encryption.ts';
import type { IceServer } from '../src/calls/media-engine.ts';
import { CallWorld, until } from './call-world.ts';
import { turnServer } from './media-pages.ts';

const TRACK = 0;
/** Of a call: four seconds. */
const FRAMES = 200;
/** What is sent before the connection stands is lost. */
const MAX_BAD_FRAMES = 200;
/** Of two bytes: 63 frames of a length that is not there (RFC 6716 section 3.2.5). */
const NO_OPUS = new Uint8Array([0xff, 0xff]);
const KEY = { epoch: 1, key: new Uint8Array(64).fill(7) };

async function terminal(options: { meter?: SoundMeter; iceServers?: readonly IceServer[]; isRelayOnly?: boolean }) {
  const { meter = new SoundMeter(), iceServers = [], isRelayOnly = false } = options;
  const candidates: string[] = [];
  const session = await new NodeMediaEngine({ meter }).open({
    iceServers,
    isRelayOnly,
    events: {
      candidate: ({ candidate }) => candidates.push(candidate),
      connection: () => {},
      firstFrame: () => {},
      unknownEpoch: () => {},
      refusedTrack: () => {},
      tracks: () => {},
    },
  });
  await session.addLocal('audio');
  return { session, meter, candidates };
}

/** Everything that the terminal says about where it is: its candidates, and those in its description. */
async function placesSaid(iceServers: readonly IceServer[]) {
  const { session, candidates } = await terminal({ iceServers, isRelayOnly: true });
  const { sdp } = await session.createOffer();
  session.close();
  return { sdp, said: [...candidates, ...(sdp.match(/candidate:.*/g) ?? [])] };
}

test('a relay-only call names the relay, and nothing of this machine', async () => {
  const turn = await startTurn();
  try {
    const { sdp, said } = await placesSaid([turnServer(turn)]);
    expect(sdp).toMatch(/a=candidate:.* typ relay /);
    for (const candidate of said) expect(candidate).toMatch(/ typ relay raddr 0\.0\.0\.0 rport 0/);
  } finally {
    await turn.stop();
  }
});

test('a relay-only call without a relay names no place at all', async () => {
  expect((await placesSaid([])).said).toEqual([]);
});

/** One packet of RTP (RFC 3550 section 5.1) without extensions. */
function rtp(sequence: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(0x80, 0);
  header.writeUInt8(OPUS_PAYLOAD_TYPE, 1);
  header.writeUInt16BE(sequence, 2);
  header.writeUInt32BE(sequence * FRAME_SAMPLES, 4);
  return Buffer.concat([header, payload]);
}

test('sealed frames that are no Opus are refused, and the frames after them are heard', async () => {
  const [ana, ben] = [await terminal({}), await terminal({})];
  const sealer = new FrameSealer();
  try {
    await Promise.all([sealer.setKey(KEY), ben.session.addReceiveKey(KEY)]);
    const offer = await ana.session.createOffer();
    ben.session.expect(ana.session.announcement());
    const answer = await ben.session.accept(offer);
    if (answer !== null) await ana.session.accept(answer);

    // Ana's own microphone has no key yet, so that nothing but these frames leaves.
    const [track] = ana.session.localTracks as readonly { writeRtp(packet: Buffer): void }[];
    const refused = async () => (await ben.session.stats()).framesRefused;
    for (let sequence = 1; sequence < MAX_BAD_FRAMES && (await refused()) === 0; sequence += 1) {
      track?.writeRtp(rtp(sequence, (await sealer.seal(TRACK, NO_OPUS)) ?? NO_OPUS));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await refused()).toBeGreaterThan(0);
    expect(await ben.session.stats()).toMatchObject({ framesOpened: 0, audioEnergy: 0 });

    await ana.session.setSendKey(KEY);
    await until(() => ben.meter.energy > 0);
    expect((await ben.session.stats()).framesOpened).toBeGreaterThan(0);
  } finally {
    ana.session.close();
    ben.session.close();
  }
});

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
  const world = await CallWorld.start();
  try {
    await hearEachOther(world);
  } finally {
    await world.stop();
  }
}, 60_000);

async function hearEachOther(world: CallWorld): Promise<void> {
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
}
