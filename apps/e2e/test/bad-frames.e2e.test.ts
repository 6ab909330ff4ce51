import { MAX_SOCKET_FRAME_BYTES } from '@rialto/contracts';
import { codeOf } from '../src/call.ts';
import { RawSocket } from '../src/socket.ts';
import { until } from '../src/system.ts';
import { untouchedScene } from './untouched-scene.ts';

const here = untouchedScene();

const identified = () => RawSocket.identified(here.system.gateway(0), here.scene.ana.first.token);
test.each<[string, string | Buffer, number]>([
  ['no JSON', 'hello', 4000],
  ['broken JSON', '{"op":"call"', 4000],
  ['an array', '[]', 4000],
  ['a number', '5', 4000],
  ['null', 'null', 4000],
  ['an empty frame', '', 4000],
  ['no op', '{}', 4000],
  ['an unknown op', '{"op":"admin"}', 4000],
  ['an op of the server', '{"op":"hello","heartbeatMs":1,"maxUnacked":1}', 4000],
  ['an unknown field', '{"op":"heartbeat","more":1}', 4000],
  ['a call without an operation', '{"op":"call","id":1,"input":{}}', 4000],
  ['an id that is text', '{"op":"call","id":"1","operation":"payments.getWallet","input":{}}', 4000],
  ['an id below zero', '{"op":"call","id":-1,"operation":"payments.getWallet","input":{}}', 4000],
  ['a name that is too long', `{"op":"call","id":1,"operation":"${'a'.repeat(101)}","input":{}}`, 4000],
  ['an acknowledgement of what was never sent', '{"op":"ack","upTo":99}', 4000],
  ['a second greeting', '{"op":"identify","token":"a"}', 4000],
  ['a renewal with garbage', '{"op":"renew","token":"a"}', 4002],
  ['bytes', Buffer.from('{"op":"heartbeat"}'), 4000],
  ['a frame over the limit', ' '.repeat(MAX_SOCKET_FRAME_BYTES + 10), 4008],
  ['a frame far over the limit', ' '.repeat(MAX_SOCKET_FRAME_BYTES * 2 + 10), 1009],
  ['100,000 arrays as a frame', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 4000],
])('%s closes the socket', async (name, data, code) => {
  const socket = await identified();
  socket.sendRaw(data, { binary: Buffer.isBuffer(data) });
  expect({ name, code: await socket.whenClosed() }).toEqual({ name, code });
});

test('text that is not UTF-8 breaks the protocol', async () => {
  const socket = await identified();
  socket.sendRaw(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]));
  expect([1006, 1007]).toContain(await socket.whenClosed());
});

test('a call with a bad name or a bad input is refused, and the socket goes on', async () => {
  const socket = await identified();
  for (const name of [
    '',
    '__proto__',
    'constructor',
    'toString',
    'payments',
    'payments.',
    'payments.getwallet',
    'identity.getChain',
    'payments.receiveStripeEvent',
    'rpc.gateway.payments.getWallet',
  ]) {
    expect([name, await codeOf(socket.callByName(name, {}))]).toEqual([name, 'not-found']);
  }
  const inputs = [
    5,
    'text',
    [],
    true,
    { more: 1 },
    JSON.parse('{"__proto__":{"a":1}}'),
    JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`),
  ];
  for (const input of inputs) expect(await codeOf(socket.callByName('payments.getWallet', input))).toBe('invalid-input');
  expect(await codeOf(socket.callByName('payments.transfer', { signed: 'e30', signature: 'a' }))).toBe('invalid-input');
  expect(await codeOf(socket.callByName('payments.getWallet', {}))).toBe('ok');
  socket.close();
});

test('a call whose input is nested deeper than anything can follow is refused', async () => {
  const socket = await identified();
  for (const depth of [5_000, 20_000, 100_000]) {
    socket.sendRaw(
      `{"op":"call","id":${depth},"operation":"payments.getWallet","input":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`,
    );
    const reply = await until('a reply', () => socket.frames.find((frame) => 'id' in frame && frame.id === depth));
    expect(reply).toMatchObject({ op: 'error', code: 'invalid-input' });
  }
  socket.close();
});

test("another account's token does not renew, and another account's session does not resume", async () => {
  const socket = await identified();
  const session = { sessionId: socket.ready?.sessionId ?? '', lastSeq: 0 };
  socket.send({ op: 'renew', token: here.scene.eve.first.token });
  expect(await socket.whenClosed()).toBe(4002);
  const thief = await RawSocket.resumed(here.system.gateway(0), here.scene.eve.first.token, session);
  expect(thief.ready).toMatchObject({ resumed: false });
  expect(thief.ready?.sessionId).not.toBe(session.sessionId);
  thief.close();
});

test('calls beyond what one socket may have under way wait or are turned away, and none is half done', async () => {
  const socket = await identified();
  const ask = () => codeOf(socket.callByName('identity.checkHandle', { handle: 'ana' }));
  const outcomes = new Set(await Promise.all(Array.from({ length: 4_000 }, ask)));
  expect([...outcomes].filter((code) => !['ok', 'outcome-unknown', 'rate-limited', 'unavailable'].includes(code))).toEqual([]);
  socket.close();
  const next = await RawSocket.identified(here.system.gateway(0), here.scene.ben.first.token);
  expect(await codeOf(next.callByName('payments.getWallet', {}))).toBe('ok');
  next.close();
});
