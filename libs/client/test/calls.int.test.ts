/** Real: the calls service, PostgreSQL, NATS, the work queue, `CallManager`. Media connects by name without sound, and sealing only names the sender. */
import type { CallId } from '@rialto/contracts';
import type { CallSurface } from '../src/call-view.ts';
import { type CallPerson, type CallScene, CallWorld, isActive, isQuiet, rings, until } from './call-world.ts';
import { LoopbackEngine } from './loopback-engine.ts';

let world: CallWorld;
let { engines, ana, ben, laptop, conversation } = {} as CallScene;

beforeAll(async () => {
  world = await CallWorld.start();
}, 60_000);
afterAll(() => world.stop());
beforeEach(async () => void ({ engines, ana, ben, laptop, conversation } = await world.scene()));

const callBen = () => ana.manager.start(conversation, { media: 'audio' });

test('all devices ring, one answers, both talk with the same keys, and the others stop', async () => {
  const call = await callBen();
  const incoming = await rings(ben);
  const other = await rings(laptop);
  await until(() => call.state === 'ringing');
  expect(engines.ben.sessions).toEqual([]);
  await incoming.answer();
  await Promise.all([isActive(ana), isActive(ben), isQuiet(laptop)]);
  expect(other.endReason).toBe('elsewhere');
  const [one, two] = [engines.ana.sessions[0], engines.ben.sessions[0]];
  // Media may connect a moment before its keys are there; nothing is sent until then.
  await until(() => [one, two].every((session) => session?.keys.send && session.keys.receive));
  expect(one?.keys.send).toBe(two?.keys.receive);
  expect(one?.keys.receive).toBe(two?.keys.send);
  expect(one?.keys.send).not.toBe(one?.keys.receive);
  await incoming.hangUp();
  await isQuiet(ana);
  expect(call.endReason).toBe('hung-up');
  expect([...engines.ana.sessions, ...engines.ben.sessions].every(({ isClosed }) => isClosed)).toBe(true);
  expect((await laptop.manager.history())[0]).toMatchObject({ callId: call.id, endReason: 'hung-up' });
  expect([...ana.problems, ...ben.problems, ...laptop.problems]).toEqual([]);
});

test('nothing of the other side is opened or parsed before the call is accepted', async () => {
  const call = await callBen();
  const incoming = await rings(ben);
  for (const person of [ben, laptop]) {
    person.manager.handleSignal({
      callId: call.id,
      toDevice: null,
      fromAccount: ana.device.accountId,
      fromDevice: ana.device.deviceId,
      bytes: 'AAAA',
      at: '',
    });
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect([ben.opened, laptop.opened, engines.ben.accepted.length]).toEqual([0, 0, 0]);
  await incoming.answer();
  await isActive(ana);
  expect(laptop.opened).toBe(0);
});

test('who calls each other at once talks in one call', async () => {
  for (let i = 0; i < 5; i += 1) {
    const [mine, theirs] = await Promise.all([
      ana.manager.start(conversation, { media: 'audio' }),
      ben.manager.start(conversation, { media: 'audio' }),
    ]);
    await Promise.all([isActive(ana), isActive(ben)]);
    expect(mine.id).toBe(theirs.id);
    expect(ana.manager.current).toBe(mine);
    expect(ben.manager.current).toBe(theirs);
    await mine.hangUp();
    await isQuiet(ben);
  }
  expect([...ana.problems, ...ben.problems]).toEqual([]);
});

/** Ana is asked for her microphone when Ben calls her. */
async function askedWhileBenCalls(): Promise<{
  calling: Promise<CallSurface>;
  theirs: CallSurface;
  answer: (may: boolean) => void;
}> {
  let answer: (may: boolean) => void = () => {};
  engines.ana.mayUse = () => new Promise((resolve) => (answer = resolve));
  const calling = callBen();
  await until(() => ana.manager.current);
  const theirs = await ben.manager.start(conversation, { media: 'audio' });
  await new Promise((resolve) => setTimeout(resolve, 200));
  // Who calls is not rung by whom they call.
  expect([ana.incoming, ana.manager.current?.state]).toEqual([[], 'inviting']);
  engines.ana.mayUse = async () => true;
  return { calling, theirs, answer };
}

test('a call that comes in while the microphone is asked for is met by the own one, once it is allowed', async () => {
  const { calling, theirs, answer } = await askedWhileBenCalls();
  answer(true);
  const mine = await calling;
  await Promise.all([isActive(ana), isActive(ben)]);
  expect([mine.id, ana.manager.current, ana.incoming]).toEqual([theirs.id, mine, []]);
  await mine.hangUp();
  await isQuiet(ben);
  expect([...ana.problems, ...ben.problems]).toEqual([]);
});

test.each(['refuses', 'hangs up'] as const)('it rings at once when the person %s instead', async (what) => {
  const { calling, theirs, answer } = await askedWhileBenCalls();
  const failed = expect(calling).rejects.toMatchObject({ code: what === 'refuses' ? 'microphone-refused' : 'session-closed' });
  const endedAt = Date.now();
  if (what === 'refuses') answer(false);
  else await ana.manager.current?.hangUp();
  const rung = await rings(ana);
  // The next announcement would come later.
  expect([rung.id, Date.now() - endedAt < 1_000]).toEqual([theirs.id, true]);
  answer(true);
  await failed;
  await rung.answer();
  await Promise.all([isActive(ana), isActive(ben)]);
});

test('a call that ended meanwhile does not ring after the question', async () => {
  const { calling, theirs, answer } = await askedWhileBenCalls();
  await theirs.hangUp();
  answer(false);
  await expect(calling).rejects.toMatchObject({ code: 'microphone-refused' });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect([ana.incoming, ana.manager.current, ana.problems]).toEqual([[], null, []]);
});

/** Ben talks with Ana on one device, and somebody else calls him. */
async function calledWhileBenTalks() {
  await callBen();
  await (await rings(ben)).answer();
  await Promise.all([isActive(ana), isActive(ben), isQuiet(laptop)]);
  const carol = await world.person(new LoopbackEngine());
  return { carol, call: await carol.manager.start(world.introduce(carol, ben, laptop), { media: 'audio' }) };
}
const rung = (person: CallPerson, { id }: CallSurface) => until(() => person.incoming.find((each) => each.id === id));

test('who talks on the only device that is there is busy', async () => {
  laptop.isAway = true;
  const { call } = await calledWhileBenTalks();
  await until(() => call.state === 'ended');
  expect([call.endReason, ben.incoming.length]).toEqual(['busy', 1]);
});

test('who talks on one device is rung on the others, and may talk there too', async () => {
  const { carol, call } = await calledWhileBenTalks();
  const there = await rung(laptop, call);
  // Longer than the device that talks waits to say that it is busy.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect([call.state, ben.incoming.length]).toEqual(['ringing', 1]);
  await there.answer();
  await Promise.all([isActive(carol), isActive(laptop)]);
  expect([ana, ben].map((person) => person.manager.current?.state)).toEqual(['active', 'active']);
  expect([...carol.problems, ...ben.problems, ...laptop.problems]).toEqual([]);
});

test('what rings while a call ends rings on its device as well', async () => {
  const { call } = await calledWhileBenTalks();
  await rung(laptop, call);
  await ana.manager.current?.hangUp();
  await (await rung(ben, call)).answer();
  await until(() => call.state === 'active');
  await isQuiet(laptop);
});

test('a declined call ends on every device', async () => {
  const call = await callBen();
  await rung(ben, call);
  await (await rung(laptop, call)).decline();
  await Promise.all([isQuiet(ana), isQuiet(ben)]);
  expect(call.endReason).toBe('declined');
});

test.each([
  ['declined', () => ben.incoming[0]?.decline()],
  ['cancelled', () => ana.manager.current?.hangUp()],
])('a call that is %s while its media are still being opened is given as it ended', async (reason, end) => {
  let open: () => void = () => {};
  engines.ana.mayOpen = () => new Promise((resolve) => (open = resolve));
  const calling = callBen();
  await rings(ben);
  await end();
  await isQuiet(ana);
  open();
  const call = await calling;
  expect([call.state, call.endReason, engines.ana.sessions.map(({ isClosed }) => isClosed)]).toEqual(['ended', reason, [true]]);
  expect(ana.problems).toEqual([]);
});

test('a cancel stops the ringing', async () => {
  const call = await callBen();
  await rings(ben);
  await call.hangUp();
  await Promise.all([isQuiet(ben), isQuiet(laptop)]);
  expect(ben.incoming[0]?.endReason).toBe('cancelled');
  await expect(ben.incoming[0]?.answer()).resolves.toBeUndefined();
});

test('a process that died in a call ends it when it is back', async () => {
  await callBen();
  await (await rings(ben)).answer();
  await isActive(ana);
  await ben.crash();
  await isQuiet(ana);
  expect(ben.manager.current).toBeNull();
});

test('a stall restarts ICE with relay credentials that were asked for anew, and comes back', async () => {
  const call = await callBen();
  await (await rings(ben)).answer();
  await isActive(ana);
  const [session] = engines.ana.sessions;
  session?.breaks('stalled');
  expect(call.state).toBe('reconnecting');
  await until(() => (session?.offers ?? 0) > 1);
  await until(() => call.state === 'active');
  expect(session?.restarts).toBe(1);
});

test('who may not use a microphone rings nobody', async () => {
  engines.ana.mayUse = async () => false;
  await expect(callBen()).rejects.toMatchObject({ code: 'microphone-refused' });
  expect(await ben.manager.history()).toEqual([]);
  expect([ana.states.at(-1), ana.manager.current, ben.incoming.length]).toEqual(['ended', null, 0]);
  engines.ana.mayUse = async () => true;
  await callBen();
  await rings(ben);
});

test('nobody is rung while the browser asks, and who hangs up meanwhile never rings', async () => {
  let answer: (may: boolean) => void = () => {};
  engines.ana.mayUse = () => new Promise((resolve) => (answer = resolve));
  const calling = callBen();
  const call = await until(() => ana.manager.current);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await ben.manager.history()).toEqual([]);
  await call.hangUp();
  answer(true);
  await expect(calling).rejects.toMatchObject({ code: 'session-closed' });
  expect([engines.ana.sessions, ben.incoming]).toEqual([[], []]);
});

test('a call whose encryption dies ends on both sides, and this one says why', async () => {
  const call = await callBen();
  const incoming = await rings(ben).then(async (rung) => {
    await rung.answer();
    return rung;
  });
  await Promise.all([isActive(ana), isActive(ben)]);
  engines.ana.sessions[0]?.breaks('broken');
  expect([call.state, call.endReason, call.failure]).toEqual(['ended', 'failed', expect.stringContaining('Call again')]);
  await isQuiet(ben);
  expect([incoming.endReason, incoming.failure]).toEqual(['failed', null]);
  expect(ana.problems.map(({ code }) => code)).toEqual(['media-broken']);
});

test('a signal of a stranger or of the losing device changes nothing', async () => {
  const call = await callBen();
  const incoming = await rings(ben);
  await incoming.answer();
  await isActive(ana);
  const before = engines.ana.accepted.length;
  const plaintext = JSON.stringify({
    v: 1,
    callId: call.id,
    sentAt: Date.now(),
    type: 'offer',
    offer: 9,
    sdp: 'x',
    media: { instance: '00'.repeat(16), tracks: [] },
  });
  for (const forger of [laptop, await world.person(new LoopbackEngine())]) {
    const { accountId, deviceId } = forger.device;
    const bytes = Buffer.from(JSON.stringify({ account: accountId, device: deviceId, plaintext })).toString('base64url');
    ana.manager.handleSignal({
      callId: call.id,
      toDevice: null,
      fromAccount: ben.device.accountId,
      fromDevice: ben.device.deviceId,
      bytes,
      at: '',
    });
  }
  await until(() => ana.problems.filter(({ code }) => code === 'signal-from-stranger').length === 2);
  expect(engines.ana.accepted.length).toBe(before);
});

test('late news of a call that is over rings nobody', async () => {
  const call = await callBen();
  await rings(ben);
  const id: CallId = call.id;
  await call.hangUp();
  await isQuiet(ben);
  const count = ben.incoming.length;
  const { createdAt } = (await ben.manager.history())[0] ?? {};
  await ben.manager.handleCallChanged({
    callId: id,
    conversationId: conversation,
    media: 'audio',
    caller: ana.device.accountId,
    callerDevice: ana.device.deviceId,
    callee: ben.device.accountId,
    calleeDevice: null,
    state: 'ringing',
    endReason: null,
    mergedInto: null,
    version: 1,
    createdAt: createdAt ?? '',
    answeredAt: null,
    endedAt: null,
  });
  expect(ben.incoming.length).toBe(count);
});
