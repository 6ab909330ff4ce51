/** Pushes that get lost. Real: the calls service, PostgreSQL, NATS, the work queue, `CallManager`. Media connects as ICE does, without sound. */
import type { CallView } from '@rialto/contracts';
import type { SignalPayload } from '../src/calls/ports.ts';
import { type CallPerson, type CallScene, CallWorld, isActive, rings, signalTypeOf, until } from './call-world.ts';

let world: CallWorld;
let { engines, ana, ben, laptop, conversation } = {} as CallScene;

beforeAll(async () => {
  world = await CallWorld.start();
}, 60_000);
afterAll(() => world.stop());
beforeEach(async () => void ({ engines, ana, ben, laptop, conversation } = await world.scene()));

const callBen = () => ana.manager.start(conversation, { media: 'audio' });

test('lost pushes cost time, not the call', async () => {
  world.carries = (event) => event !== 'calls.callChanged';
  const call = await callBen();
  await ben.manager.handleOnline();
  await (await rings(ben)).answer();
  await Promise.all([isActive(ana), isActive(ben)]);
  expect(call.id).toBe(ben.manager.current?.id);
});

/** Loses the first push of a kind to each of these people, and lets all others pass. */
function loseFirst(event: string, ...to: readonly CallPerson[]): { readonly count: number } {
  return loseFirstThat((name) => name === event, to);
}
function loseFirstThat(
  isMeant: (event: string, payload: CallView | SignalPayload) => boolean,
  to: readonly CallPerson[],
): { readonly count: number } {
  const waiting = new Set(to);
  const lost = { count: 0 };
  world.carries = (name, payload, person) => {
    if (!isMeant(name, payload) || !waiting.delete(person)) return true;
    lost.count += 1;
    return false;
  };
  return lost;
}
const hasCandidates = (event: string, payload: CallView | SignalPayload): boolean =>
  event === 'calls.signal' && 'bytes' in payload && signalTypeOf(payload) === 'candidates';

test('an invite whose push was lost is announced again, and rings once', async () => {
  const lost = loseFirst('calls.callChanged', ben, laptop);
  const call = await callBen();
  const incoming = await rings(ben);
  expect(lost.count).toBe(2);
  await until(() => call.state === 'ringing');
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  expect([ben.incoming.length, laptop.incoming.length]).toEqual([1, 1]);
  await incoming.answer();
  await Promise.all([isActive(ana), isActive(ben)]);
}, 20_000);

test.each(['offer', 'answer'] as const)(
  'an %s that was lost costs seconds, not the call',
  async (lostKind) => {
    const lost = loseFirst('calls.signal', lostKind === 'offer' ? ben : ana);
    await callBen();
    await (await rings(ben)).answer();
    await Promise.all([isActive(ana), isActive(ben)]);
    expect(lost.count).toBe(1);
    // The description was sent twice and followed once.
    expect([engines.ben.accepted.length, engines.ana.accepted.length]).toEqual([1, 1]);
    expect([...ana.problems, ...ben.problems]).toEqual([]);
  },
  20_000,
);

test('candidates that were lost are said again, and the call connects without a restart', async () => {
  const lost = loseFirstThat(hasCandidates, [ana, ben]);
  await callBen();
  await (await rings(ben)).answer();
  const answeredAt = Date.now();
  await Promise.all([isActive(ana), isActive(ben)]);
  expect(lost.count).toBe(2);
  expect(Date.now() - answeredAt).toBeLessThan(2_500);
  expect([engines.ana, engines.ben].map(({ sessions }) => sessions[0]?.restarts)).toEqual([0, 0]);
  expect([engines.ana.sessions[0]?.offers, engines.ben.accepted.length]).toEqual([1, 1]);
  expect([...ana.problems, ...ben.problems]).toEqual([]);
}, 20_000);

test('video that is added reaches the other side although its first offer was lost', async () => {
  const call = await callBen();
  await (await rings(ben)).answer();
  await Promise.all([isActive(ana), isActive(ben)]);
  const before = engines.ben.accepted.length;
  const lost = loseFirst('calls.signal', ben);
  await call.upgradeToVideo();
  await until(() => engines.ben.accepted.length > before);
  await until(() => engines.ana.accepted.length > 1);
  expect(lost.count).toBe(1);
}, 20_000);
