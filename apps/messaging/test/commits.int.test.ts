// Real: PostgreSQL, nats-server, two replicas, MLS groups of the production suite. Identity is played.
import { Group, type Intent, toBase64url } from '@rialto/crypto';
import { MAX_REQUEST_COMMITS } from '../src/commits.ts';
import type { Device, Person } from './people.ts';
import { code, type Dm, eventually, newMessageId, operations, take, wire, World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
}, 60_000);
afterAll(() => world.stop());

const groupOf = (dm: Dm, device: Device): Group => {
  const group = dm.groups.get(device);
  if (group === undefined) throw new Error('the device is not in the group');
  return group;
};
async function prepared(dm: Dm, device: Device, intent: Intent = {}) {
  const group = groupOf(dm, device);
  const epoch = Number(group.epoch);
  const bundle = take(await group.commit(intent));
  return { bundle, input: { conversationId: dm.id, clientMessageId: newMessageId(), epoch, ...wire(bundle) } };
}
/** Takes everything that the log has after a row into every group. */
async function catchUp(dm: Dm, device: Device, after: number): Promise<void> {
  const { rows } = await world.call(operations.listMessages, { conversationId: dm.id, after }, device);
  for (const row of rows) take(await groupOf(dm, device).receive(Buffer.from(row.bytes, 'base64url')));
}

test('a commit moves the epoch, the group info and the log together; a retry gives the first answer', async () => {
  const [ana, ben] = (await world.people(2)) as [Person, Person];
  const dm = await world.acceptedDm(ana, ben);
  const pushes = await world.pushes(ben);
  const { input } = await prepared(dm, ana.first);
  expect(await world.call(operations.commit, input, ana)).toEqual({ seq: 2, epoch: 2, duplicate: false });
  expect(await world.call(operations.commit, input, ana)).toEqual({ seq: 2, epoch: 2, duplicate: true });
  expect(await world.call(operations.getGroupInfo, { conversationId: dm.id }, ben)).toEqual({
    epoch: 2,
    groupInfo: input.groupInfo,
  });
  await catchUp(dm, ana.first, 1);
  await catchUp(dm, ben.first, 1);
  expect(toBase64url(groupOf(dm, ben.first).epochAuthenticator)).toBe(toBase64url(groupOf(dm, ana.first).epochAuthenticator));
  await eventually(() =>
    expect(pushes).toMatchObject([
      { event: 'messaging.message', payload: { seq: 2, kind: 'commit', epoch: 1, bytes: input.commit } },
    ]),
  );
  await expect(
    world.call(operations.sendMessage, { ...input, bytes: input.commit, epoch: 2 } as never, ana),
  ).rejects.toMatchObject(code('invalid-input'));
});

test('of eight commits in one epoch one wins, and the losers read it and win the next', async () => {
  const [ana, ben] = (await world.people(2)) as [Person, Person];
  const others = Array.from({ length: 7 }, () => ben.addDevice());
  for (const device of others) await world.signIn(device);
  const dm = await world.acceptedDm(ana, ben, { joiners: [ben.first, ...others] });
  const devices = [ben.first, ...others];
  const commits = await Promise.all(devices.map((device) => prepared(dm, device)));
  const results = await Promise.allSettled(
    commits.map(({ input }, index) => world.call(operations.commit, input, devices[index] as Device)),
  );
  const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []));
  expect(winners).toHaveLength(1);
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(code('stale-epoch'));
  expect(
    await world.one('select count(*)::int from messaging.message where conversation_id = $1 and epoch = 1 and is_commit', [
      dm.id,
    ]),
  ).toBe(1);
  for (const device of [ana.first, ...devices]) await catchUp(dm, device, 1);
  const authenticators = new Set([ana.first, ...devices].map((device) => toBase64url(groupOf(dm, device).epochAuthenticator)));
  expect(authenticators.size).toBe(1);
  const loser = devices[winners[0] === 0 ? 1 : 0] as Device;
  const { input } = await prepared(dm, loser);
  expect(await world.call(operations.commit, input, loser)).toMatchObject({ epoch: 3 });
}, 60_000);

test('only the session of the committing leaf, the right epoch, group info and welcome are accepted', async () => {
  const [ana, ben] = (await world.people(2)) as [Person, Person];
  const dm = await world.acceptedDm(ana, ben);
  const { input } = await prepared(dm, ana.first);
  const { groupInfo } = await world.call(operations.getGroupInfo, { conversationId: dm.id }, ana);
  const refused: [object, object][] = [
    [{ groupInfo }, code('commit-refused', { reason: 'group-info' })],
    [{ commit: dm.draft.input.commit }, code('stale-epoch')],
    [{ epoch: 0 }, code('stale-epoch', { epoch: 1, lastSeq: 1 })],
    [{ epoch: 2 }, code('stale-epoch', { epoch: 1 })],
    [{ welcome: dm.draft.input.welcome }, code('commit-refused', { reason: 'welcome' })],
    [{ commit: 'AAAA' }, code('commit-refused')],
    [{ commit: '' }, code('commit-refused')],
    [{ clientMessageId: dm.draft.input.clientMessageId }, { seq: 1, duplicate: true }],
  ];
  for (const [change, outcome] of refused) {
    const result = await world.call(operations.commit, { ...input, ...change }, ana).catch((error: unknown) => error);
    expect({ change: Object.keys(change), result }).toMatchObject({ change: Object.keys(change), result: outcome });
  }
  await expect(world.call(operations.commit, input, ben)).rejects.toMatchObject(
    code('commit-refused', { reason: 'not-the-committer' }),
  );
  expect(await world.call(operations.commit, input, ana)).toMatchObject({ seq: 2 });
});

test('an id that a message has is a conflict for a commit', async () => {
  const [ana, ben] = (await world.people(2)) as [Person, Person];
  const dm = await world.acceptedDm(ana, ben);
  const sealed = await world.sealed(dm, ana.first);
  await world.call(operations.sendMessage, sealed, ana);
  const { input } = await prepared(dm, ana.first);
  await expect(world.call(operations.commit, { ...input, clientMessageId: sealed.clientMessageId }, ana)).rejects.toMatchObject(
    code('conflict'),
  );
});

test('a device that is added finds its welcome until it acknowledges; a revoked one is removed with its cursor', async () => {
  const [ana, ben] = (await world.people(2)) as [Person, Person];
  const dm = await world.acceptedDm(ana, ben);
  await world.send(dm, ana.first);
  const second = ben.addDevice();
  await world.signIn(second);
  const pushes = await world.pushes(ben);
  const own = await second.keyPackage();
  for (const device of [ben.first, ana.first]) device.engine.chains.learn(ben.chain.bytes);
  const { input } = await prepared(dm, ben.first, { add: [own.publicBytes], evidence: { chains: [ben.chain] } });
  await expect(world.call(operations.commit, { ...input, welcome: null }, ben)).rejects.toMatchObject(
    code('commit-refused', { reason: 'welcome' }),
  );
  const { seq } = await world.call(operations.commit, input, ben);
  const { welcomes } = await world.call(operations.listWelcomes, {}, second);
  expect(welcomes).toEqual([{ conversationId: dm.id, seq, epoch: 2, from: ben.id, welcome: input.welcome }]);
  expect(await world.call(operations.getConversation, { conversationId: dm.id }, second)).toMatchObject({ cursor: seq - 1 });
  const welcomed = () => pushes.filter(({ event }) => event === 'messaging.welcome').map(({ deviceId }) => deviceId);
  await eventually(() => expect(welcomed()).toEqual([second.id]));
  for (const person of [ana, ben]) second.engine.chains.learn(person.chain.bytes);
  await Group.join(second.engine, own, Buffer.from(input.welcome ?? '', 'base64url'), { conversationId: dm.id });

  expect(await world.call(operations.acknowledge, { conversationId: dm.id, upTo: seq - 1 }, second)).toEqual({ cursor: seq - 1 });
  expect((await world.call(operations.listWelcomes, {}, second)).welcomes).toHaveLength(1);
  expect(await world.call(operations.acknowledge, { conversationId: dm.id, upTo: seq }, second)).toEqual({ cursor: seq });
  expect((await world.call(operations.listWelcomes, {}, second)).welcomes).toEqual([]);

  await catchUp(dm, ben.first, seq - 1);
  ben.revoke(second);
  const chainSeq = ben.chain.heads.length - 1;
  const removal = await prepared(dm, ben.first, {
    remove: [{ account: ben.id, device: second.id }],
    roster: { set: [{ account: ben.id, role: 'admin', minChainSeq: chainSeq }] },
    evidence: { chains: [ben.chain] },
  });
  await world.call(operations.commit, removal.input, ben);
  const cursors = await world.one<string[]>(
    'select array_agg(device_id order by device_id) from messaging.device_cursor where conversation_id = $1',
    [dm.id],
  );
  expect(cursors).toEqual([ana.first.id, ben.first.id].sort());
  // The account is still a member; its device that is no leaf has nothing to acknowledge.
  expect(await world.call(operations.acknowledge, { conversationId: dm.id, upTo: 3 }, second)).toEqual({ cursor: 0 });
});

test('a message is pushed to its own account only while another device of that is in the group', async () => {
  const [ana, ben] = (await world.people(2)) as [Person, Person];
  const dm = await world.acceptedDm(ana, ben);
  const pushes = await world.pushes(ben);
  const numbers = () => pushes.filter(({ event }) => event === 'messaging.message').map(({ payload }) => payload['seq']);
  await world.send(dm, ben.first);
  await world.send(dm, ana.first); // Whatever came of the one before would have come by now.
  await eventually(() => expect(numbers()).toEqual([3]));
  const second = ben.addDevice();
  await world.signIn(second);
  const own = await second.keyPackage();
  for (const device of [ben.first, ana.first]) device.engine.chains.learn(ben.chain.bytes);
  const { input } = await prepared(dm, ben.first, { add: [own.publicBytes], evidence: { chains: [ben.chain] } });
  await world.call(operations.commit, input, ben);
  take(await groupOf(dm, ben.first).receive(Buffer.from(input.commit, 'base64url')));
  await world.send(dm, ben.first);
  await eventually(() => expect(numbers()).toEqual([3, 4, 5]));
});

test('a device comes back by an external commit', async () => {
  const [ana, ben] = (await world.people(2)) as [Person, Person];
  const dm = await world.acceptedDm(ana, ben);
  const { groupInfo } = await world.call(operations.getGroupInfo, { conversationId: dm.id }, ben);
  const rejoined = await Group.rejoin(ben.first.engine, await ben.first.keyPackage(), {
    groupInfo: Buffer.from(groupInfo, 'base64url'),
    pin: groupOf(dm, ben.first).pin,
    evidence: { chains: [ben.chain] },
  });
  const input = { conversationId: dm.id, clientMessageId: newMessageId(), epoch: 1, ...wire(rejoined.bundle) };
  expect(await world.call(operations.commit, input, ben)).toEqual({ seq: 2, epoch: 2, duplicate: false });
  dm.groups.set(ben.first, rejoined.group);
  await catchUp(dm, ana.first, 1);
  expect(await world.send(dm, ben.first)).toMatchObject({ seq: 3 });
});

test('a conversation that nobody accepted takes few commits', async () => {
  const [ana, ben] = (await world.people(2)) as [Person, Person];
  const dm = await world.dm(ana, ben);
  for (let count = 0; count < MAX_REQUEST_COMMITS; count += 1) {
    const { input, bundle } = await prepared(dm, ana.first);
    await world.call(operations.commit, input, ana);
    take(await groupOf(dm, ana.first).receive(bundle.commit));
  }
  const { input } = await prepared(dm, ana.first);
  await expect(world.call(operations.commit, input, ana)).rejects.toMatchObject(code('rate-limited'));
  await world.call(operations.acceptConversation, { conversationId: dm.id }, ben);
  await world.call(operations.commit, input, ana);
}, 60_000);
