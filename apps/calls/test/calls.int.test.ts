/**
 * Real: PostgreSQL, NATS with its permissions, two replicas of the calls service, the work queue. Messaging's answers about who may
 * reach whom are given by the test, under messaging's own credential.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { calls, idFrom, type AccountId, type AppError, type CallId, type CallView, type ConversationId } from '@rialto/contracts';
import { readPush, type NatsClient, type RunningService } from '@rialto/service';
import {
  createTestDatabase,
  startTestNats,
  startTestService,
  testDevice,
  type TestDatabase,
  type TestDevice,
  type TestNats,
} from '@rialto/service/testing';
import { MAX_SIGNALS_PER_WINDOW } from '../src/call-table.ts';
import { MAX_ANNOUNCEMENTS } from '../src/deadlines.ts';
import { callsService } from '../src/service.ts';
import { randomFrom } from './race-world.ts';

const TURN_SECRET = 'a secret for this test only';
const TURN_URL = 'turn:127.0.0.1:3478?transport=udp';
const operations = calls.operations;

let database: TestDatabase;
let nats: TestNats;
let replicas: RunningService[];
let gateway: NatsClient;
let ana: TestDevice;
let ben: TestDevice;
let benLaptop: TestDevice;
const reach = { isBlocked: false, isAccepted: true, areBothMembers: true };
const pushes: { account: string; event: string; payload: Record<string, unknown> }[] = [];

beforeAll(async () => {
  [database, nats] = await Promise.all([createTestDatabase(['calls']), startTestNats()]);
  const messaging = await nats.linkAs('messaging');
  messaging.connection.subscribe('rpc.calls.messaging.getReach', {
    callback: (_error, message) => void message.respond(JSON.stringify({ ok: reach })),
  });
  const identity = await nats.linkAs('identity');
  identity.connection.subscribe('rpc.calls.identity.listRevocations', {
    callback: (_error, message) => void message.respond(JSON.stringify({ ok: { devices: [] } })),
  });
  const watcher = await nats.linkAs('gateway');
  watcher.connection.subscribe('push.*.*', {
    callback: (error, message) => {
      if (error) throw error;
      const { event, payload } = JSON.parse(readPush(message.string()).json);
      pushes.push({ account: message.subject, event, payload });
    },
  });
  const env = { RIALTO_TURN_URLS: TURN_URL, RIALTO_TURN_SECRET: TURN_SECRET };
  replicas = [
    await startTestService(callsService, { database, nats, env }),
    await startTestService(callsService, { database, nats, env }),
  ];
  gateway = await nats.connectAs('gateway');
}, 60_000);
afterAll(async () => {
  for (const replica of replicas) await replica.stop();
  await nats.stop();
  await database.drop();
});
beforeEach(async () => {
  Object.assign(reach, { isBlocked: false, isAccepted: true, areBothMembers: true });
  pushes.length = 0;
  // Other people for each test, so that no test sees another's calls.
  [ana, ben] = await Promise.all([testDevice(), testDevice()]);
  benLaptop = await testDevice(ben.accountId);
  conversationId = idFrom<ConversationId>('cnv', randomBytes(16));
});

let conversationId: ConversationId;
const newCallId = () => idFrom<CallId>('cal', randomBytes(16));
const start = (from: TestDevice, callee: AccountId, callId: CallId, media: 'audio' | 'video' = 'audio') =>
  gateway.call(operations.startCall, { callId, conversationId, callee, media }, { token: from.token });
const ring = (by: TestDevice, callId: CallId) => gateway.call(operations.confirmRinging, { callId }, { token: by.token });
const answer = (by: TestDevice, callId: CallId) => gateway.call(operations.answerCall, { callId }, { token: by.token });
const connect = (by: TestDevice, callId: CallId) => gateway.call(operations.confirmConnected, { callId }, { token: by.token });
const end = (by: TestDevice, callId: CallId, reason: 'hung-up' | 'declined' | 'busy' | 'failed' = 'hung-up') =>
  gateway.call(operations.endCall, { callId, reason }, { token: by.token });
const get = async (by: TestDevice, callId: CallId) =>
  (await gateway.call(operations.getCall, { callId }, { token: by.token })).call;
const signal = (by: TestDevice, callId: CallId) =>
  gateway.call(operations.sendSignal, { callId, bytes: 'c2VhbGVk' }, { token: by.token });
const page = async (by: TestDevice, { limit, before }: { limit?: number; before?: CallId | undefined }) => {
  const input = { ...(limit === undefined ? {} : { limit }), ...(before === undefined ? {} : { before }) };
  return (await gateway.call(operations.listCalls, input, { token: by.token })).calls.map(({ callId }) => callId);
};
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'ok',
    (error: AppError) => error.code,
  );
async function until<T>(look: () => Promise<T | undefined> | T | undefined, timeoutMs = 8_000): Promise<T> {
  for (const late = Date.now() + timeoutMs; Date.now() < late; await new Promise((resolve) => setTimeout(resolve, 25))) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error('it did not happen in time');
}
/** Lets a deadline of a call be now. */
const makeDue = (callId: CallId, deadline: string) =>
  database.admin.query(`update calls.work set due_at = now() where key = $1`, [`${callId}/${deadline}`]);
const isEnded = async (callId: CallId) => {
  const call = await get(ana, callId);
  return call.state === 'ended' ? call : undefined;
};

test('a call rings, is answered, connects and ends, and both sides hear each step', async () => {
  const callId = newCallId();
  expect((await start(ana, ben.accountId, callId, 'video')).call).toMatchObject({
    state: 'inviting',
    version: 0,
    media: 'video',
  });
  expect((await ring(ben, callId)).call.state).toBe('ringing');
  expect((await answer(ben, callId)).call).toMatchObject({ state: 'accepted', calleeDevice: ben.deviceId });
  expect((await connect(ana, callId)).call.state).toBe('active');
  expect((await connect(ben, callId)).call.state).toBe('active');
  expect((await end(ben, callId)).call).toMatchObject({ state: 'ended', endReason: 'hung-up' });
  const states = (account: AccountId) =>
    pushes
      .filter((push) => push.event === 'calls.callChanged' && push.account.endsWith(account))
      .map(({ payload }) => payload['state']);
  await until(() => (states(ben.accountId).length === 5 ? true : undefined));
  for (const { accountId } of [ana, ben])
    expect(states(accountId)).toEqual(['inviting', 'ringing', 'accepted', 'active', 'ended']);
  const { calls: history } = await gateway.call(operations.listCalls, {}, { token: benLaptop.token });
  expect(history).toMatchObject([{ callId, endReason: 'hung-up', answeredAt: expect.any(String), endedAt: expect.any(String) }]);
});

test('one device wins, and the other cannot end what it lost', async () => {
  const callId = newCallId();
  await start(ana, ben.accountId, callId);
  const both = await Promise.allSettled([answer(ben, callId), answer(benLaptop, callId)]);
  const codes = both.map((each) => (each.status === 'fulfilled' ? 'won' : (each.reason as AppError).code)).sort();
  expect(codes).toEqual(['call-elsewhere', 'won']);
  const loser = both[0]?.status === 'fulfilled' ? benLaptop : ben;
  expect((await end(loser, callId, 'declined')).call?.state).toBe('accepted');
  expect(await codeOf(signal(loser, callId))).toBe('forbidden');
});

test('a cancel that overtakes its call ends it at once, and a repeated start changes nothing', async () => {
  const callId = newCallId();
  expect(await end(ana, callId)).toEqual({ call: null });
  const late = start(ana, ben.accountId, callId);
  await expect(late).rejects.toMatchObject({ code: 'call-ended', details: { call: { endReason: 'cancelled' } } });
  expect(await codeOf(start(ana, ben.accountId, callId))).toBe('call-ended');
  expect(await codeOf(answer(ben, callId))).toBe('call-ended');
  const again = newCallId();
  await start(ana, ben.accountId, again);
  expect((await start(ana, ben.accountId, again)).call.version).toBe(0);
  expect(await codeOf(start(ana, ben.accountId, again, 'video'))).toBe('conflict');
});

test('who meets head-on talks in the older call, and hanging up either id ends it', async () => {
  for (const hangUp of ['older', 'newer'] as const) {
    const [one, other] = [newCallId(), newCallId()];
    const [mine, theirs] = await Promise.all([start(ana, ben.accountId, one), start(ben, ana.accountId, other)]);
    const view = [mine.call, theirs.call].find(({ state }) => state === 'accepted') as CallView;
    const merged = view.callId === one ? other : one;
    expect((await get(ana, view.callId)).state).toBe('accepted');
    expect(await get(ben, merged)).toMatchObject({ state: 'ended', endReason: 'merged', mergedInto: view.callId });
    await end(ana, hangUp === 'older' ? view.callId : merged);
    expect((await get(ben, view.callId)).state).toBe('ended');
  }
});

test('a device is in one call at a time', async () => {
  const [first, second] = [newCallId(), newCallId()];
  await start(ana, ben.accountId, first);
  expect(await codeOf(start(ana, ben.accountId, newCallId()))).toBe('busy');
  await answer(ben, first);
  const carol = await testDevice();
  await start(carol, ben.accountId, second);
  expect(await codeOf(answer(ben, second))).toBe('busy');
  expect((await end(ben, second, 'busy')).call).toMatchObject({ state: 'ended', endReason: 'busy' });
  await end(ana, first);
  expect(await codeOf(start(ana, ben.accountId, newCallId()))).toBe('ok');
});

test('a device that is busy ends no call that rings on another of its account', async () => {
  const callId = newCallId();
  await start(ana, ben.accountId, callId);
  await ring(benLaptop, callId);
  expect((await end(ben, callId, 'busy')).call).toMatchObject({ state: 'ringing', endReason: null });
  expect((await end(ben, callId, 'declined')).call).toMatchObject({ state: 'ended', endReason: 'declined' });
});

const deadlines: readonly (readonly [string, (callId: CallId) => Promise<unknown>, string])[] = [
  ['invite', async () => {}, 'missed'],
  ['ring', (callId) => ring(ben, callId), 'missed'],
  ['accept', (callId) => answer(ben, callId), 'timed-out'],
  ['connect', (callId) => answer(ben, callId), 'timed-out'],
];
test.each(deadlines)('the %s deadline ends the call', async (deadline, prepare, reason) => {
  const callId = newCallId();
  await start(ana, ben.accountId, callId);
  await prepare(callId);
  await makeDue(callId, deadline);
  expect((await until(() => isEnded(callId))).endReason).toBe(reason);
  await until(() => pushes.find(({ payload }) => payload['endReason'] === reason));
});

test('an unanswered call is announced again, so often and no oftener, and an answered one is not', async () => {
  const waiting = async (callId: CallId) => {
    const { rows } = await database.admin.query<{ key: string }>(
      `select key from calls.work where kind = 'call-announcement' and key like $1`,
      [`${callId}/%`],
    );
    return rows[0]?.key.split('/')[1];
  };
  const invites = (callId: CallId) =>
    pushes.filter(({ account, payload }) => account.endsWith(ben.accountId) && payload['callId'] === callId).length;
  const callId = newCallId();
  await start(ana, ben.accountId, callId);
  for (let announced = 1; announced < MAX_ANNOUNCEMENTS; announced += 1) {
    expect(await waiting(callId)).toBe(String(announced));
    await makeDue(callId, String(announced));
    await until(async () => ((await waiting(callId)) === String(announced) ? undefined : true));
  }
  expect(await waiting(callId)).toBeUndefined();
  await until(() => (invites(callId) === MAX_ANNOUNCEMENTS ? true : undefined));
  await end(ana, callId);
  const answered = newCallId();
  await start(ana, ben.accountId, answered);
  await answer(ben, answered);
  await makeDue(answered, '1');
  await until(async () => ((await waiting(answered)) === undefined ? true : undefined));
  expect(invites(answered)).toBe(2); // the invite, and that it was answered
});

test('a deadline of a state that has passed does nothing', async () => {
  const callId = newCallId();
  await start(ana, ben.accountId, callId);
  await answer(ben, callId);
  await signal(ana, callId);
  for (const deadline of ['invite', 'accept']) await makeDue(callId, deadline);
  const waits = () => database.admin.query(`select key from calls.work where key like $1 and due_at <= now()`, [`${callId}/%`]);
  await until(async () => ((await waits()).rowCount === 0 ? true : undefined));
  expect((await get(ana, callId)).state).toBe('accepted');
});

test('a signal reaches the other party while the call lives, is stored nowhere, and there are not too many', async () => {
  const callId = newCallId();
  await start(ana, ben.accountId, callId);
  expect(await codeOf(signal(await testDevice(), callId))).toBe('not-found');
  await answer(ben, callId);
  expect(await signal(ana, callId)).toEqual({ relayed: true });
  const pushed = await until(() => pushes.find(({ event }) => event === 'calls.signal'));
  expect(pushed.payload).toMatchObject({ toDevice: ben.deviceId, fromDevice: ana.deviceId, bytes: 'c2VhbGVk' });
  const { rows } = await database.admin.query(`select to_jsonb(call)::text as row from calls.call call where call_id = $1`, [
    callId,
  ]);
  expect(rows[0].row).not.toContain('c2VhbGVk');
  const codes = await Promise.all(Array.from({ length: MAX_SIGNALS_PER_WINDOW }, () => codeOf(signal(ana, callId))));
  expect(codes.filter((code) => code === 'ok')).toHaveLength(MAX_SIGNALS_PER_WINDOW - 1);
  expect(codes.filter((code) => code === 'rate-limited')).toHaveLength(1);
  await end(ana, callId);
  expect(await codeOf(signal(ben, callId))).toBe('call-ended');
});

test('nobody rings who may not, and strangers see nothing', async () => {
  for (const no of [{ isBlocked: true }, { isAccepted: false }, { areBothMembers: false }]) {
    Object.assign(reach, { isBlocked: false, isAccepted: true, areBothMembers: true }, no);
    expect(await codeOf(start(ana, ben.accountId, newCallId()))).toBe('not-reachable');
  }
  Object.assign(reach, { isBlocked: false, isAccepted: true, areBothMembers: true });
  expect(await codeOf(start(ana, ana.accountId, newCallId()))).toBe('not-reachable');
  const callId = newCallId();
  await start(ana, ben.accountId, callId);
  const stranger = await testDevice();
  for (const call of [answer, ring, connect, get]) expect(await codeOf(call(stranger, callId))).toBe('not-found');
  expect(await codeOf(end(stranger, callId))).toBe('not-found');
  expect(await codeOf(answer(ana, callId))).toBe('forbidden');
  expect((await gateway.call(operations.listCalls, {}, { token: stranger.token })).calls).toEqual([]);
});

test('relay credentials are those that coturn checks, and addresses stay hidden unless both have accepted', async () => {
  const callId = newCallId();
  await start(ana, ben.accountId, callId);
  const ask = (by: TestDevice) => gateway.call(operations.getIceServers, { callId }, { token: by.token });
  const { iceServers, isRelayOnly, expiresAt } = await ask(ben);
  expect(isRelayOnly).toBe(false);
  const [server] = iceServers;
  expect(server?.urls).toEqual([TURN_URL]);
  expect(server?.username).toMatch(/^\d+:[\w-]+$/);
  expect(server?.credential).toBe(
    createHmac('sha1', TURN_SECRET)
      .update(server?.username ?? '')
      .digest('base64'),
  );
  expect(Math.abs(Number(server?.username?.split(':')[0]) * 1_000 - Date.parse(expiresAt))).toBeLessThan(1_000);
  reach.isAccepted = false;
  expect((await ask(ana)).isRelayOnly).toBe(true);
  await end(ana, callId);
  expect(await codeOf(ask(ana))).toBe('call-ended');
});

test('history comes in pages, newest first, without the calls that were merged away', async () => {
  const made: CallId[] = [];
  for (let i = 0; i < 5; i += 1) {
    const callId = newCallId();
    await start(ana, ben.accountId, callId);
    await end(ana, callId);
    made.unshift(callId);
  }
  const live = newCallId();
  await start(ana, ben.accountId, live);
  const first = await page(ben, { limit: 3 });
  expect(first).toEqual([live, made[0], made[1]]);
  expect(await page(ben, { limit: 3, before: first[2] })).toEqual(made.slice(2));
});

test('calls of one instant are told once each, wherever a page ends', async () => {
  const made: CallId[] = [];
  for (let i = 0; i < 6; i += 1) {
    const callId = newCallId();
    await (i % 2 === 0 ? start(ana, ben.accountId, callId) : start(ben, ana.accountId, callId));
    await end(i % 2 === 0 ? ana : ben, callId);
    made.push(callId);
  }
  // Four of one microsecond, and one that only microseconds tell from them.
  await database.admin.query(`update calls.call set created_at = '2026-01-01 12:00:00.000500+00' where call_id = any($1)`, [
    made,
  ]);
  await database.admin.query(`update calls.call set created_at = '2026-01-01 12:00:00.000499+00' where call_id = $1`, [made[0]]);
  await database.admin.query(`update calls.call set created_at = '2026-01-01 12:00:00.000501+00' where call_id = $1`, [made[1]]);
  for (const limit of [1, 2, 3, 4, 5]) {
    const seen: CallId[] = [];
    for (
      let next = await page(ana, { limit });
      next.length > 0 && seen.length <= made.length;
      next = await page(ana, { limit, before: seen.at(-1) })
    ) {
      seen.push(...next);
    }
    expect([seen.at(0), seen.at(-1)]).toEqual([made[1], made[0]]);
    expect(seen.toSorted()).toEqual(made.toSorted());
  }
});

test('a page goes on only after a call of one’s own', async () => {
  const callId = newCallId();
  await start(ana, ben.accountId, callId);
  const stranger = await testDevice();
  expect(await codeOf(page(stranger, { before: callId }))).toBe('not-found');
  expect(await codeOf(page(ana, { before: newCallId() }))).toBe('not-found');
  await end(ana, callId);
  expect(await page(ana, { before: callId })).toEqual([]);
});

test('random races over two replicas end in one agreed state', async () => {
  const seed = Number(process.env['RIALTO_TEST_SEED'] ?? 4_711);
  process.stderr.write(`races over PostgreSQL: seed ${seed}\n`);
  const random = randomFrom(seed);
  for (let run = 0; run < 60; run += 1) {
    const [one, other] = [await testDevice(), await testDevice()];
    const laptop = await testDevice(other.accountId);
    conversationId = idFrom<ConversationId>('cnv', randomBytes(16));
    const [mine, theirs] = [newCallId(), newCallId()];
    const actions = [
      () => start(one, other.accountId, mine),
      () => start(one, other.accountId, mine),
      () => start(other, one.accountId, theirs),
      () => answer(other, mine),
      () => answer(laptop, mine),
      () => answer(one, theirs),
      () => end(laptop, mine, 'declined'),
      () => end(one, mine),
      () => connect(one, mine),
    ].filter(() => random() < 0.7);
    await Promise.all(
      actions.map(async (act) => {
        await new Promise((resolve) => setTimeout(resolve, random() * 30));
        const code = await codeOf(act());
        if (['internal', 'unavailable', 'outcome-unknown'].includes(code)) throw new Error(`run ${run}: ${code}`);
      }),
    );
    const { rows } = await database.admin.query(
      `select call_id, state, callee_device, caller_device, (select array_agg(device_id order by device_id) from calls.seat where seat.call_id = call.call_id) as seats
       from calls.call where call_id = any($1)`,
      [[mine, theirs]],
    );
    const live = rows.filter(({ state }) => state !== 'ended');
    for (const row of live)
      expect(row.seats).toEqual(
        [row.caller_device, row.callee_device]
          .filter((each: string | null) => each !== null)
          .toSorted((a: string, b: string) => (a < b ? -1 : 1)),
      );
    for (const row of rows) if (row.state === 'ended') expect(row.seats).toBeNull();
    expect(live.filter(({ state }) => state === 'inviting' || state === 'ringing').length).toBeLessThan(2);
  }
}, 60_000);
