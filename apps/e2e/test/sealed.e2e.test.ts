import { randomBytes } from 'node:crypto';
import type { ConversationId } from '@rialto/contracts';
import { closeAgents } from '../src/http.ts';
import { type Capture, captureNats } from '../src/nats.ts';
import { ScriptedMedia } from '../src/scripted-media.ts';
import { System, until } from '../src/system.ts';
import { dumpDatabase, findInFiles, findTraces } from '../src/traces.ts';
import { introduce, shown, type Someone, whenShown, World } from '../src/world.ts';

const MESSAGES = 50;
/** One text in everything that must be sealed, and another in something that need not be: the control. */
const SECRET = `canary-${randomBytes(8).toString('hex')}`;
const CONTROL = `control-${randomBytes(8).toString('hex')}`;

let system: System;
let world: World;
let capture: Capture;
let mark: ReadonlyMap<string, number>;
let ana: Someone;
let ben: Someone;
let id: ConversationId;
const media = { ana: new ScriptedMedia(SECRET), ben: new ScriptedMedia(SECRET) };

beforeAll(async () => {
  system = new System();
  await system.whenReady();
  world = new World(system);
  mark = system.logMark();
  capture = await captureNats(system);
  [ana, ben] = [
    await world.enter('ana', { media: media.ana }),
    await world.enter('ben', { media: media.ben, url: system.gateway(1) }),
  ];
  id = await introduce(ana, ben);
});
afterAll(async () => {
  await world.close();
  await capture.stop();
  await system.close();
  closeAgents();
});

test('fifty messages, replies, reactions, a memo and a call say the secret, and the other side hears it', async () => {
  const [anas, bens] = [await ana.client.conversations.get(id), await ben.client.conversations.get(id)];
  let last = '';
  for (let number = 0; number < MESSAGES; number += 1) {
    const conversation = number % 2 === 0 ? anas : bens;
    const replyTo = number % 5 === 4 ? { replyTo: last } : {};
    last = (await conversation.send({ text: `${SECRET} ${number} ${'è'.repeat(number * 7)}`, ...replyTo })).id;
    await whenShown(number % 2 === 0 ? ben : ana, id, number + 1, 20);
  }
  expect((await whenShown(ana, id, MESSAGES)).toSorted()).toEqual((await whenShown(ben, id, MESSAGES)).toSorted());
  await bens.react(last, SECRET);
  await until(
    'the reaction',
    async () => (await shown(ana, id)).find(({ reactions }) => reactions.some(({ emoji }) => emoji === SECRET)),
    20_000,
  );
  await world.fund(ana, 5_000n);
  await anas.sendMoney({ amountMinor: 1_200n, currency: 'EUR', memo: `for ${SECRET}` });
  const card = await until(
    'the card',
    async () => (await shown(ben, id)).find(({ body }) => body.type === 'payment' && body.state === 'settled'),
    20_000,
  );
  expect(card.body).toMatchObject({ memo: `for ${SECRET}`, amountMinor: 1_200n });
});

test('a call tells the other side of the network under seal', async () => {
  const call = await ana.client.calls.start(id, { media: 'audio' });
  const ringing = await until('the ringing', () => ben.client.calls.current ?? undefined, 20_000);
  await ringing.answer();
  for (const { heard } of [media.ana, media.ben]) {
    await until('the description', () => heard.find((words) => words.includes(`a=note:${SECRET}`)), 20_000);
    await until('the address', () => heard.find((words) => words.startsWith('candidate:') && words.includes(SECRET)), 20_000);
  }
  await call.hangUp();
});

test('what is told in the clear is found in the database and on NATS: the search works', async () => {
  await ana.client.setDisplayName(CONTROL);
  expect(findTraces(CONTROL, await dumpDatabase(system))).toEqual(['identity.account']);
  const onNats = () => capture.messages.map(({ subject, data }) => ({ where: subject, data }));
  expect(findTraces(CONTROL, onNats())).toContain('rpc.gateway.identity.setProfile');
  const subjects = new Set(capture.messages.map(({ subject }) => subject.split('.').slice(0, 4).join('.')));
  // All that was done above passed by the capture: it is whole.
  for (const subject of [
    'rpc.gateway.messaging.sendMessage',
    'rpc.gateway.calls.sendSignal',
    'rpc.gateway.payments.transfer',
    'rpc.payments.identity.getChain',
  ]) {
    expect(subjects).toContain(subject);
  }
  expect(onNats().some(({ where }) => where.startsWith('push.messaging.'))).toBe(true);
  expect(onNats().some(({ where }) => where.startsWith('_INBOX.gateway.'))).toBe(true);
  const sealed = capture.messages.filter(({ subject }) => subject === 'rpc.gateway.messaging.sendMessage');
  expect(sealed.length).toBeGreaterThanOrEqual(MESSAGES);
  expect(findInFiles(CONTROL, system.state.dataDir).length).toBeGreaterThan(0);
});

test('the secret is found nowhere: not in a dump of the database, not on NATS, not in a log, not in a file', async () => {
  expect(findTraces(SECRET, await dumpDatabase(system))).toEqual([]);
  expect(
    findTraces(
      SECRET,
      capture.messages.map(({ subject, data }) => ({ where: subject, data })),
    ),
  ).toEqual([]);
  const logs = system.logsSince(mark).map(({ process, line }) => ({ where: process, data: Buffer.from(line) }));
  expect(logs.length).toBeGreaterThan(0);
  expect(findTraces(SECRET, logs)).toEqual([]);
  // The files of the database with its write-ahead log, the logs, the simulator's memory: all that a thief of the disk would have.
  expect(findInFiles(SECRET, system.state.dataDir)).toEqual([]);
});

test('no recovery phrase, token, handle or name is in a log', async () => {
  const logs = system.logsSince(mark).map(({ process, line }) => ({ where: process, data: Buffer.from(line) }));
  for (const text of [ana.phrase, ben.phrase, ana.handle, ben.handle, CONTROL]) expect(findTraces(text, logs)).toEqual([]);
  for (const phrase of [ana.phrase, ben.phrase]) expect(findInFiles(phrase, system.state.dataDir)).toEqual([]);
  const tokens = capture.messages.flatMap(({ data }) => /"token":"([^"]+)"/.exec(data.toString('latin1'))?.[1] ?? []);
  expect(tokens.length).toBeGreaterThan(0);
  for (const token of new Set(tokens)) expect(logs.filter(({ data }) => data.includes(token))).toEqual([]);
});

test('neither client saw anything wrong', () => {
  expect([ana.problems, ben.problems]).toEqual([[], []]);
});
