import { MAX_HELD_PUSHES } from '../src/domain/dispatch-window.ts';
import { identity, MAX_CALLS_IN_FLIGHT, MAX_SOCKET_FRAME_BYTES, MAX_UNACKED_DISPATCHES, messaging } from '@rialto/contracts';
import { Push } from '@rialto/service';
import { testDevice, testToken, type TestDevice } from '@rialto/service/testing';
import { TestSocket, upgradeStatus } from './socket-client.ts';
import { ORIGIN, startWorld, type World } from './world.ts';

const conversationId = `cnv_${'0'.repeat(22)}` as never;
const { conversationChanged, message, welcome } = messaging.events;
const sendInput = (order: string) => ({
  conversationId,
  clientMessageId: `msg_${'0'.repeat(22)}`,
  epoch: 0,
  bytes: Buffer.from(order).toString('base64url'),
});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let world: World;
let push: Push;
const sockets: TestSocket[] = [];
const connect = (headers: Record<string, string> = {}) => {
  const socket = new TestSocket(world.socketUrl, headers);
  sockets.push(socket);
  return socket;
};
async function online(device: TestDevice) {
  const socket = connect();
  return { socket, ready: await socket.identify(device.token) };
}
const tell = (accountId: string, count: number) => {
  for (let index = 0; index < count; index++)
    push.toAccount(conversationChanged, accountId, { conversationId, standing: 'accepted' });
};

beforeAll(async () => {
  world = await startWorld({ RIALTO_LIMIT_DEVICE_PER_MINUTE: '3000', RIALTO_LIMIT_SOCKETS_PER_MINUTE: '10000' });
  push = new Push(await world.nats.linkAs('messaging'), { isChecked: true });
}, 60_000);
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.vanish();
});
afterAll(() => world.stop());

test('calls are answered by the same services as over HTTP', async () => {
  const { socket } = await online(await testDevice());
  socket.say({ op: 'call', id: 1, operation: 'messaging.sendMessage', input: sendInput('x') });
  expect(await socket.take('reply')).toMatchObject({ id: 1, ok: { seq: 1, duplicate: false } });
  socket.say({ op: 'call', id: 2, operation: 'messaging.sendMessage', input: sendInput('stale') });
  expect(await socket.take('error')).toMatchObject({ id: 2, code: 'stale-epoch', retryable: true, details: { epoch: 7 } });
  socket.say({ op: 'call', id: 3, operation: 'messaging.getReach', input: {} });
  expect(await socket.take('error')).toMatchObject({ id: 3, code: 'not-found' });
  socket.say({ op: 'call', id: 4, operation: 'messaging.listConversations', input: {} });
  expect(await socket.take('reply')).toMatchObject({ id: 4 });
  socket.say({ op: 'call', id: 5, operation: 'messaging.sendMessage', input: { ...sendInput('x'), more: 1 } });
  expect(await socket.take('error')).toMatchObject({ id: 5, code: 'invalid-input' });
  socket.say({ op: 'heartbeat' });
  await socket.take('heartbeat');
});

test('all devices of an account are told, and what is for one device reaches only that one', async () => {
  const [phone, laptop] = [await testDevice('a'.repeat(43)), await testDevice('a'.repeat(43))];
  const [first, second] = [await online(phone), await online(laptop)];
  tell(phone.accountId, 1);
  push.toDevice(welcome, phone.accountId, laptop.deviceId, { deviceId: laptop.deviceId, conversationId });
  tell(phone.accountId, 1);
  for (const seq of [1, 2])
    expect(await first.socket.take('dispatch')).toMatchObject({ seq, event: 'messaging.conversationChanged' });
  const events = [];
  for (let index = 0; index < 3; index++) events.push((await second.socket.take('dispatch')).event);
  expect(events).toEqual(['messaging.conversationChanged', 'messaging.welcome', 'messaging.conversationChanged']);
});

test('sockets of one device that come at the same moment all hear what is pushed', async () => {
  const device = await testDevice();
  const open = await Promise.all(Array.from({ length: 4 }, () => connect().open()));
  for (const socket of open) socket.say({ op: 'identify', token: device.token });
  await Promise.all(open.map((socket) => socket.take('ready')));
  tell(device.accountId, 1);
  for (const socket of open) expect(await socket.take('dispatch')).toMatchObject({ seq: 1 });
});

test("a service cannot push another's events", async () => {
  const device = await testDevice();
  const { socket } = await online(device);
  const calls = await world.nats.linkAs('calls');
  calls.connection.publish(
    `push.calls.${device.accountId}`,
    JSON.stringify({ event: 'messaging.conversationChanged', payload: {} }),
  );
  await calls.connection.flush();
  tell(device.accountId, 1);
  await socket.take('dispatch');
  await pause(100);
  expect(socket.frames).toEqual([]);
});

test('a socket that comes back misses nothing and gets nothing twice that it acknowledged', async () => {
  const device = await testDevice();
  const { socket, ready } = await online(device);
  tell(device.accountId, 5);
  for (let seq = 1; seq <= 5; seq++) expect((await socket.take('dispatch')).seq).toBe(seq);
  socket.say({ op: 'ack', upTo: 3 });
  await pause(50);
  socket.vanish();
  tell(device.accountId, 3);
  await pause(50);
  const again = await connect().open();
  again.say({ op: 'resume', token: device.token, sessionId: ready.sessionId, lastSeq: 4 });
  expect(await again.take('ready')).toMatchObject({ resumed: true, sessionId: ready.sessionId });
  for (let seq = 5; seq <= 8; seq++) expect((await again.take('dispatch')).seq).toBe(seq);
  await pause(50);
  expect(again.frames).toEqual([]);
});

test('a session of somebody else, an unknown one or a number that was never sent is not resumed', async () => {
  const [device, stranger] = [await testDevice(), await testDevice()];
  const { socket, ready } = await online(device);
  tell(device.accountId, 1);
  await socket.take('dispatch');
  const resume = async (token: string, sessionId: string, lastSeq: number) => {
    const other = await connect().open();
    other.say({ op: 'resume', token, sessionId, lastSeq });
    return (await other.take('ready')).resumed;
  };
  expect(await resume(stranger.token, ready.sessionId, 0)).toBe(false);
  expect(await resume(device.token, 'nothing', 0)).toBe(false);
  expect(await resume(device.token, ready.sessionId, 9)).toBe(false);
  expect(await resume(device.token, ready.sessionId, 0)).toBe(true);
  expect(await socket.closed()).toBe(4005); // One session, one socket: the older one goes.
});

test('no more than the window is sent before it is acknowledged', async () => {
  const device = await testDevice();
  const { socket } = await online(device);
  tell(device.accountId, MAX_UNACKED_DISPATCHES + 44);
  await socket.take('dispatch', ({ seq }) => seq === MAX_UNACKED_DISPATCHES);
  await pause(150);
  expect(socket.frames).toHaveLength(MAX_UNACKED_DISPATCHES - 1);
  socket.say({ op: 'ack', upTo: 10 });
  await socket.take('dispatch', ({ seq }) => seq === MAX_UNACKED_DISPATCHES + 10);
  socket.say({ op: 'ack', upTo: MAX_UNACKED_DISPATCHES });
  await socket.take('dispatch', ({ seq }) => seq === MAX_UNACKED_DISPATCHES + 44);
  socket.say({ op: 'ack', upTo: 100_000 });
  expect(await socket.closed()).toBe(4000);
});

test('who never acknowledges is dropped, and told to read the logs when it is back', async () => {
  const device = await testDevice();
  const { socket, ready } = await online(device);
  tell(device.accountId, MAX_HELD_PUSHES + 1);
  expect(await socket.closed()).toBe(4004);
  const again = await connect().open();
  again.say({ op: 'resume', token: device.token, sessionId: ready.sessionId, lastSeq: 0 });
  expect(await again.take('ready')).toMatchObject({ resumed: false, seq: 0 });
});

test('a reader that stopped costs little and loses nothing', async () => {
  const device = await testDevice();
  const { socket, ready } = await online(device);
  socket.ws.pause();
  const row = {
    conversationId,
    seq: 1,
    kind: 'application' as const,
    epoch: 0,
    senderAccount: device.accountId,
    senderDevice: device.deviceId,
    clientMessageId: `msg_${'0'.repeat(22)}` as never,
    bytes: 'A'.repeat(60_000),
    at: new Date().toISOString(),
  };
  const before = process.memoryUsage().rss;
  for (let index = 0; index < 60; index++) push.toAccount(message, device.accountId, row);
  await pause(300);
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1_048_576);
  socket.vanish();
  const again = await connect().open();
  again.say({ op: 'resume', token: device.token, sessionId: ready.sessionId, lastSeq: 0 });
  expect((await again.take('ready')).resumed).toBe(true);
  for (let seq = 1; seq <= 60; seq++) expect((await again.take('dispatch')).seq).toBe(seq);
});

test.each<[string, (socket: TestSocket) => void, number]>([
  ['not JSON', (socket) => socket.ws.send('hello'), 4000],
  ['not an object', (socket) => socket.ws.send('[]'), 4000],
  ['an unknown op', (socket) => socket.say({ op: 'shout' }), 4000],
  ['an unknown key', (socket) => socket.say({ op: 'heartbeat', more: 1 }), 4000],
  ['bytes', (socket) => socket.ws.send(Buffer.from('{"op":"heartbeat"}')), 4000],
  ['an id that is no number', (socket) => socket.say({ op: 'call', id: '1', operation: 'x', input: {} }), 4000],
  ['a deep frame', (socket) => socket.ws.send(`{"op":"call","id":1,"operation":"x","input":${'['.repeat(100_000)}`), 4000],
  ['an acknowledgement of nothing', (socket) => socket.say({ op: 'ack', upTo: 1 }), 4000],
  ['a second greeting', (socket) => socket.say({ op: 'identify', token: 'x' }), 4000],
  ['a frame that is too large', (socket) => socket.ws.send(`"${'x'.repeat(MAX_SOCKET_FRAME_BYTES)}"`), 4008],
  ['a frame that is far too large', (socket) => socket.ws.send('x'.repeat(MAX_SOCKET_FRAME_BYTES * 3)), 1009],
  [
    'bad UTF-8',
    (socket) =>
      (socket.ws as unknown as { _sender: { send(...args: unknown[]): void } })._sender.send(Buffer.from([0xff, 0xfe]), {
        binary: false,
        compress: false,
        fin: true,
        mask: true,
        opcode: 1,
        rsv1: false,
        readOnly: false,
      }),
    1007,
  ],
])('%s ends the socket with a code', async (_name, misbehave, code) => {
  const { socket } = await online(await testDevice());
  misbehave(socket);
  expect(await socket.closed()).toBe(code);
});

test('a deeply nested input is an error of that call only', async () => {
  const { socket } = await online(await testDevice());
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  socket.ws.send(`{"op":"call","id":1,"operation":"messaging.sendMessage","input":{"bytes":${deep}}}`);
  expect(await socket.take('error')).toMatchObject({ id: 1, code: 'invalid-input' });
});

test('tokens: none, bad, expired, of another device, renewed, revoked', async () => {
  const device = await testDevice();
  const closeOf = async (token: string) => {
    const socket = await connect().open();
    socket.say({ op: 'identify', token });
    return socket.closed();
  };
  expect(await closeOf('a.b.c')).toBe(4002);
  const about = { accountId: device.accountId, deviceId: device.deviceId, deviceKey: device.key.publicKey };
  expect(await closeOf(await testToken({ ...about, livesMs: -1_000 }))).toBe(4002);

  const early = await connect().open();
  early.say({ op: 'call', id: 1, operation: 'messaging.listConversations', input: {} });
  expect(await early.take('error')).toMatchObject({ id: 1, code: 'unauthenticated' });

  const short = connect();
  await short.identify(await testToken({ ...about, livesMs: 2_000 }));
  const renewing = connect();
  await renewing.identify(await testToken({ ...about, livesMs: 2_000 }));
  renewing.say({ op: 'renew', token: device.token });
  await renewing.take('renewed');
  expect(await short.closed()).toBe(4002);
  renewing.say({ op: 'call', id: 1, operation: 'messaging.listConversations', input: {} });
  await renewing.take('reply');
  renewing.say({ op: 'renew', token: (await testDevice()).token });
  expect(await renewing.closed()).toBe(4002);
}, 15_000);

test('a revoked device is off at once and stays off', async () => {
  const device = await testDevice();
  const { socket } = await online(device);
  new Push(await world.nats.linkAs('identity'), { isChecked: true }).revoked(device.accountId, device.deviceId);
  expect(await socket.closed()).toBe(4003);
  const again = await connect().open();
  again.say({ op: 'identify', token: device.token });
  expect(await again.closed()).toBe(4003);
  expect(identity.events.devicesChanged.audience).toBe('account');
});

test('many calls at once are all answered, one window after the other', async () => {
  const { socket } = await online(await testDevice());
  const count = MAX_CALLS_IN_FLIGHT + 200;
  for (let id = 0; id < count; id++) socket.say({ op: 'call', id, operation: 'messaging.listConversations', input: {} });
  const ids = new Set<number>();
  for (let index = 0; index < count; index++) ids.add((await socket.take('reply')).id);
  expect(ids.size).toBe(count);
});

test('one device cannot ask without end', async () => {
  const { socket } = await online(await testDevice());
  for (let round = 0; round < 4; round++) {
    for (let id = 0; id < 800; id++) socket.say({ op: 'call', id, operation: 'messaging.listConversations', input: {} });
    await pause(200);
  }
  expect(await socket.take('error')).toMatchObject({ code: 'rate-limited', retryable: true, retryAfterMs: expect.any(Number) });
}, 15_000);

test('only our own pages and programs may open a socket, at its own address', async () => {
  expect(await upgradeStatus(world.socketUrl)).toBe(101);
  expect(await upgradeStatus(world.socketUrl, { origin: ORIGIN })).toBe(101);
  for (const origin of ['http://evil.test', 'null', world.url])
    expect(await upgradeStatus(world.socketUrl, { origin })).toBe(403);
  expect(await upgradeStatus(world.socketUrl.replace('socket', 'other'))).toBe(404);
});

test('an account has a number of sockets', async () => {
  const device = await testDevice();
  for (let index = 0; index < 20; index++) await online(device);
  const socket = await connect().open();
  socket.say({ op: 'identify', token: device.token });
  expect(await socket.closed()).toBe(4009);
});
