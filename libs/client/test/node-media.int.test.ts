/**
 * The terminal's media. Real: werift, Opus and coturn; in the call also the calls service, PostgreSQL, NATS and `CallManager`. All of it is
 * one file because Opus is native code that keeps its buffers once a process: a second file in the same worker would hear nothing.
 */
import { createSocket } from 'node:dgram';
import { startTurn } from '@rialto/engines';
import { NodeMediaEngine } from '../../../apps/cli/src/media/engine.ts';
import { OPUS_PAYLOAD_TYPE } from '../../../apps/cli/src/media/peer-connection.ts';
import { FRAME_SAMPLES, SoundMeter, tone, type SoundSource } from '../../../apps/cli/src/media/sound.ts';
import { FrameSealer } from '../src/calls/frame-encryption.ts';
import { MediaError, type IceServer } from '../src/calls/media-engine.ts';
import { CallWorld, signalTypeOf, until } from './call-world.ts';
import { turnServer } from './media-pages.ts';
import { watchTraffic } from './net-traffic.ts';

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

const SETTLES_WITHIN_MS = 1_500;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** An answer to an offer, of somebody who gives these places to be reached at. They never answer a check. */
function answerTo(offer: string, candidates: readonly string[]): string {
  const kept = offer.split('\r\n').filter((line) => !/^a=(candidate|end-of-candidates)/.test(line));
  const said = kept.map((line) =>
    line
      .replace(/^a=setup:.*/, 'a=setup:active')
      .replace(/^a=ice-ufrag:.*/, 'a=ice-ufrag:peer')
      .replace(/^a=ice-pwd:.*/, 'a=ice-pwd:peerpeerpeerpeerpeerpeer'),
  );
  return [...said.filter((line) => line !== ''), ...candidates.map((each) => `a=${each}`), ''].join('\r\n');
}
const place = (address: string, port: number) =>
  `candidate:1 1 udp 2130706431 ${address} ${port} typ host generation 0 ufrag peer`;

test('behind a relay nothing leaves this machine but to the relay, wherever the other side says it is', async () => {
  const turn = await startTurn();
  const listener = createSocket('udp4');
  const heardFrom = new Set<number>();
  listener.on('message', (_bytes, { port }) => heardFrom.add(port));
  await new Promise<void>((resolve) => listener.bind(0, '127.0.0.1', resolve));
  const traffic = watchTraffic();
  const { session } = await terminal({ iceServers: [turnServer(turn)], isRelayOnly: true });
  try {
    const { sdp } = await session.createOffer();
    const there = place('127.0.0.1', listener.address().port);
    await session.accept({ type: 'answer', sdp: answerTo(sdp, [place('in-the-answer.example', 9)]) });
    for (const candidate of [place('by-candidate.example', 9), place('0a1b2c3d.local', 9), there]) {
      await session.addCandidate({ candidate, sdpMid: '0', sdpMLineIndex: 0 });
    }
    // The relay passes the checks on, so the session does try to connect.
    await until(() => heardFrom.size > 0);
    await pause(SETTLES_WITHIN_MS);
    expect([...traffic.destinations]).toEqual([`127.0.0.1:${turn.port}`]);
    expect(traffic.names).toEqual([]);
  } finally {
    traffic.stop();
    session.close();
    listener.close();
    await turn.stop();
  }
});

test.each([
  ['no server at all', []],
  ['a server that only tells addresses', [{ urls: ['stun:127.0.0.1:9'] }]],
  ['a relay without its password', [{ urls: ['turn:127.0.0.1:9'] }]],
  ['a relay that cannot be used from here', [{ urls: ['turns:'], username: 'u', credential: 'c' }]],
])('a relay-only call is not opened with %s', async (_name, iceServers) => {
  const traffic = watchTraffic();
  try {
    await expect(terminal({ iceServers, isRelayOnly: true })).rejects.toMatchObject({ code: 'no-relay' });
    expect([[...traffic.destinations], traffic.names]).toEqual([[], []]);
  } finally {
    traffic.stop();
  }
});

test('a relay that does not answer leaves a relay-only call without any place, also when ICE restarts', async () => {
  const dead = { urls: ['turn:127.0.0.1:9?transport=udp'], username: 'u', credential: 'c' };
  const traffic = watchTraffic();
  const { session, candidates } = await terminal({ iceServers: [dead], isRelayOnly: true });
  try {
    expect(() => session.setIceServers([])).toThrow(MediaError);
    for (const restartIce of [false, true]) {
      const { sdp } = await session.createOffer({ restartIce });
      expect([candidates, sdp.match(/a=candidate:.*/g)]).toEqual([[], null]);
    }
    expect([...traffic.destinations]).toEqual(['127.0.0.1:9']);
  } finally {
    traffic.stop();
    session.close();
  }
}, 60_000);

test('an open call asks no server that nobody has named', async () => {
  const traffic = watchTraffic();
  const startedAt = Date.now();
  const { session } = await terminal({});
  try {
    const { sdp } = await session.createOffer();
    expect(sdp).toMatch(/a=candidate:.* typ host/);
    // Nothing is waited for that cannot come.
    expect(Date.now() - startedAt).toBeLessThan(SETTLES_WITHIN_MS);
    await session.accept({ type: 'answer', sdp: answerTo(sdp, [place('in-the-answer.example', 9)]) });
    await pause(SETTLES_WITHIN_MS);
    expect(traffic.names).toEqual([]);
    const isHere = (destination: string) => /^127\.0\.0\.1:/.test(destination);
    expect([...traffic.destinations].filter((destination) => !isHere(destination))).toEqual([]);
  } finally {
    traffic.stop();
    session.close();
  }
});

test('a restart of ICE uses the relay that was named last', async () => {
  const [first, second] = [await startTurn(), await startTurn()];
  const { session } = await terminal({ iceServers: [turnServer(first)], isRelayOnly: true });
  const traffic = watchTraffic();
  try {
    await session.createOffer();
    session.setIceServers([turnServer(second)]);
    const { sdp } = await session.createOffer({ restartIce: true });
    expect(sdp).toMatch(/ typ relay /);
    expect([...traffic.destinations]).toContain(`127.0.0.1:${second.port}`);
  } finally {
    traffic.stop();
    session.close();
    await Promise.all([first.stop(), second.stop()]);
  }
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

async function inWorld(run: (world: CallWorld) => Promise<void>): Promise<void> {
  const world = await CallWorld.start();
  try {
    await run(world);
  } finally {
    await world.stop();
  }
}

test(`two terminals hear each other: ${FRAMES} of ${FRAMES} frames`, () => inWorld(hearEachOther), 60_000);

test('a key that comes a second late costs the frames before it, and no restart', () => inWorld(hearLate), 60_000);

async function hearLate(world: CallWorld): Promise<void> {
  const ana = await world.person(new NodeMediaEngine());
  const ben = await world.person(new NodeMediaEngine());
  const conversation = world.introduce(ana, ben);
  ana.peerKeyDelayMs = 1_000;
  let offers = 0;
  world.carries = (event, payload) => {
    if (event === 'calls.signal' && 'bytes' in payload && signalTypeOf(payload) === 'offer') offers += 1;
    return true;
  };
  const call = await ana.manager.start(conversation, { media: 'audio' });
  await (await until(() => ben.incoming[0])).answer();
  await until(() => call.state === 'active');
  let heard = await call.stats();
  for (const late = Date.now() + 10_000; (heard?.framesOpened ?? 0) === 0 && Date.now() < late; await pause(50)) {
    heard = await call.stats();
  }
  expect(heard?.framesOpened).toBeGreaterThan(0);
  expect(heard?.framesRefused).toBeGreaterThan(0);
  expect([...ana.states, ...ben.states]).not.toContain('reconnecting');
  // The first offer, and no other.
  expect(offers).toBe(1);
  expect([...ana.problems, ...ben.problems]).toEqual([]);
}

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
