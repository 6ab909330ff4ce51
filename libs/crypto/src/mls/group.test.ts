import { createCommit, processPublicMessage, emptyPskIndex, createGroupInfoWithExternalPubAndRatchetTree } from 'ts-mls';
import { failureOf } from '../../test/attacks.ts';
import { Account, Conversation, entry, must, rawState } from '../../test/world.ts';
import { ChainMissing, Chains } from '../device-chain.ts';
import { randomBytes, toBase64url, utf8 } from '../primitives.ts';
import { seal, verifyReport } from './application-message.ts';
import { classicSuite, type Suite, xwingSuite } from './cipher-suite.ts';
import { commitPolicy } from './commit-policy.ts';
import { CommitRefused } from './engine.ts';
import { leaveStatement } from './evidence.ts';
import { Group } from './group.ts';
import { decodeSnapshot, GroupStateError, storedAfter, wipeSnapshot } from './group-state.ts';
import { newMessageId } from './message-id.ts';
import { openKeyPackage } from './own-key-package.ts';
import { decodePin, encodePin } from './pin.ts';
import { decodeMessage, encodeGroupInfo } from './public-group.ts';

jest.setTimeout(60_000); // a busy machine is no failure

let suites: { xwing: Suite; classic: Suite };
beforeAll(async () => {
  suites = { xwing: await xwingSuite(), classic: await classicSuite() };
});

async function dmOf(suite: Suite) {
  const [alice, ben] = [new Account(suite), new Account(suite)];
  const dm = await Conversation.open(suite, { kind: 'dm', accounts: [alice, ben] });
  return { alice, ben, dm, a: dm.seat(alice.first), b: dm.seat(ben.first) };
}

describe.each(['xwing', 'classic'] as const)('with the %s suite', (name) => {
  test('a message shows its sender from the verified leaf, and its report convinces a third party', async () => {
    const suite = suites[name];
    const { alice, dm, a, b } = await dmOf(suite);
    await dm.send(a, utf8('one'));
    const messageId = newMessageId();
    const { bytes } = dm.take(a, await a.group.send(utf8('two'), messageId));
    await dm.catchUp(b);
    const received = await dm.receive(b, bytes);
    if (received.kind !== 'message') throw new Error('message');
    const { sender, epoch, generation, mark, plaintext, report } = received.message;
    expect([sender.account, sender.device, epoch, generation]).toEqual([alice.id, alice.first.id, 1n, 1]);
    expect(mark).toEqual({ epoch: 1n, leaf: 0, messageId });
    expect(Buffer.from(plaintext).toString()).toBe('two');
    expect(await verifyReport(report, alice.first.mlsKey.publicKey, suite)).toBe(true);
    report.signedContent[60] = must(report.signedContent[60]) ^ 1;
    expect(await verifyReport(report, alice.first.mlsKey.publicKey, suite)).toBe(false);
  });

  test('add a device, remove a revoked one, rejoin, change the policy, leave', async () => {
    const suite = suites[name];
    const [alice, ben, carol] = [new Account(suite), new Account(suite), new Account(suite)];
    const group = await Conversation.open(suite, { kind: 'group', accounts: [alice, ben] });
    const [a, b] = [group.seat(alice.first), group.seat(ben.first)];
    const tablet = ben.addDevice(suite);
    await group.add(a, [tablet]); // anyone may add a device of an account in the roster
    await group.everyoneCatchesUp();
    group.know(carol);
    await group.add(a, [carol.first], { roster: { set: [entry(carol, false)] } });
    await group.everyoneCatchesUp();
    expect(b.group.members).toHaveLength(4);

    ben.revoke(tablet);
    const roster = { set: [entry(ben, false, 2)] };
    await group.commit(b, { remove: [{ account: ben.id, device: tablet.id }], roster, evidence: { chains: [ben.chain] } });
    await group.everyoneCatchesUp();
    expect(group.seats).toHaveLength(3);

    await group.rejoin(b);
    await group.everyoneCatchesUp();
    expect(a.group.members.filter((leaf) => leaf.account === ben.id)).toHaveLength(1);

    await group.commit(a, { roster: { set: [entry(carol, true)] } });
    await group.everyoneCatchesUp();
    expect(b.group.policy.roster.find(({ account }) => account === carol.id)?.role).toBe('admin');

    const c = group.seat(carol.first);
    const { groupId } = c.group.publicGroup.groupContext;
    const leave = { groupId, account: ben.id, device: ben.first.id, epoch: c.group.epoch };
    const leaving = [leaveStatement(leave, ben.first.deviceKey.privateKey)];
    await group.commit(c, { roster: { set: [entry(carol, false)] } }); // an admin steps down ...
    await group.commit(c, {
      remove: [{ account: ben.id }],
      roster: { drop: [ben.id] },
      evidence: { chains: [ben.chain], leaving },
    });
    await group.everyoneCatchesUp(); // ... and as a member may still clear away an account that asked to leave
    expect(new Set(a.group.members.map((leaf) => leaf.account))).toEqual(new Set([alice.id, carol.id]));
    expect(a.group.epochAuthenticator).toEqual(c.group.epochAuthenticator);
    await group.send(c, utf8('still here'));
    expect((await group.catchUp(a)).at(-1)?.kind).toBe('message');
  });

  test('a removed member cannot derive the next epoch, whichever way it tries', async () => {
    const suite = suites[name];
    const [alice, ben, carol] = [new Account(suite), new Account(suite), new Account(suite)];
    const group = await Conversation.open(suite, { kind: 'group', accounts: [alice, ben, carol] });
    await group.everyoneCatchesUp();
    const [a, c] = [group.seat(alice.first), group.seat(carol.first)];
    const before = rawState(c);
    const { commit } = await group.commit(a, { remove: [{ account: carol.id }], roster: { drop: [carol.id] } });
    const message = decodeMessage(commit);
    if (message.wireformat !== 'mls_public_message') throw new Error('commit');
    expect(message.publicMessage.content.contentType === 'commit' && message.publicMessage.content.commit.path).toBeTruthy();
    const processed = await processPublicMessage(before, message.publicMessage, emptyPskIndex, suite);
    expect(processed.newState.groupActiveState.kind).toBe('removedFromGroup');
    expect(toBase64url(processed.newState.keySchedule.exporterSecret)).not.toBe(
      toBase64url(rawState(a).keySchedule.exporterSecret),
    );
    const asMember = { ...before, privatePath: { ...before.privatePath, leafIndex: 1 } }; // pretends to be the one who stays
    const guess = await processPublicMessage(asMember, message.publicMessage, emptyPskIndex, suite).catch(() => undefined);
    expect(guess).toBeUndefined();
    await group.everyoneCatchesUp();
    expect(group.seats).toHaveLength(2);
    expect(() => c.group.epoch).toThrow('removed from the group');
    const sealed = await group.send(a, utf8('without carol'));
    await expect(Group.load(carol.first.engine, c.stored).receive(sealed)).rejects.toThrow('epoch-out-of-window');
  });
});

test('a group of own devices, and a dm with several devices a side', async () => {
  const suite = suites.classic;
  const { alice, ben, dm, a, b } = await dmOf(suite);
  const [laptop, phone] = [alice.addDevice(suite), ben.addDevice(suite)];
  await dm.add(a, [laptop]);
  await dm.add(b, [phone]);
  await dm.everyoneCatchesUp();
  await dm.send(dm.seat(phone), utf8('from the phone'));
  for (const seat of [a, b, dm.seat(laptop)]) expect((await dm.catchUp(seat)).at(-1)?.kind).toBe('message');
  const self = await Conversation.open(suite, { kind: 'self', accounts: [alice] });
  await self.add(self.seat(alice.first), [laptop]);
  const foreign = await ben.first.keyPackage();
  const adding = self.seat(alice.first).group.commit({ add: [foreign.publicBytes], evidence: { chains: [ben.chain] } });
  expect(await failureOf(adding, CommitRefused)).toBe('not-in-roster');
});

test('of two concurrent commits one wins and the other is rebased; messages in between survive both', async () => {
  const { dm, a, b } = await dmOf(suites.classic);
  const [mine, yours] = [dm.take(a, await a.group.commit({})), dm.take(b, await b.group.commit({}))];
  await dm.send(b, utf8('sent while the commit was pending'));
  expect(await dm.submit(b, yours)).toEqual({ accepted: true });
  expect(await dm.submit(a, mine)).toEqual({ accepted: false, reason: 'stale-epoch' });
  const received = await dm.catchUp(a);
  expect(received.map((item) => item.kind)).toEqual(['message', 'commit']);
  expect(received[1]).toMatchObject({ kind: 'commit', own: false, lostPending: true });
  expect(a.group.hasPendingCommit).toBe(false);
  await dm.commit(a, {});
  await dm.everyoneCatchesUp();
  expect(a.group.epochAuthenticator).toEqual(b.group.epochAuthenticator);
});

test('a pending commit can be dropped when it was refused for good', async () => {
  const { dm, a, b } = await dmOf(suites.classic);
  dm.take(a, await a.group.commit({}));
  await expect(a.group.commit({})).rejects.toThrow('already pending');
  dm.take(a, await a.group.dropPending());
  dm.reload(a);
  await dm.commit(a, {});
  await dm.everyoneCatchesUp();
  expect(b.group.epoch).toBe(2n);
});

test('a key used while a commit waits is gone after the merge, and the next one still opens', async () => {
  const { dm, a, b } = await dmOf(suites.classic);
  const mine = dm.take(a, await a.group.commit({}));
  const [one, two] = [dm.take(b, await b.group.send(utf8('1'))), dm.take(b, await b.group.send(utf8('2')))];
  expect((await dm.receive(a, one.bytes)).kind).toBe('message');
  dm.reload(a);
  expect(await dm.receive(a, mine.commit)).toMatchObject({ kind: 'commit', own: true });
  expect((await dm.receive(a, two.bytes)).kind).toBe('message');
  await expect(a.group.receive(one.bytes)).rejects.toThrow('unreadable');
});

test('state is owned: one step at a time, a step ends once, a reloaded group goes on', async () => {
  const { alice, dm, a, b } = await dmOf(suites.classic);
  const step = await a.group.send(utf8('never saved'));
  await expect(a.group.send(utf8('too early'))).rejects.toThrow('neither settled nor abandoned');
  step.abandon(); // the write failed and nothing left: the same state may be used again
  expect(() => step.settle()).toThrow('this step is over');
  await dm.send(a, utf8('saved'));
  a.group = Group.load(alice.first.engine, a.stored);
  await dm.send(a, utf8('after a restart'));
  const pending = dm.take(a, await a.group.commit({}));
  a.group = Group.load(alice.first.engine, a.stored); // a crash between commit and answer
  expect(await dm.submit(a, pending)).toEqual({ accepted: true });
  const texts = (await dm.catchUp(b)).map((item) =>
    item.kind === 'message' ? Buffer.from(item.message.plaintext).toString() : item.kind,
  );
  expect(texts).toEqual(['saved', 'after a restart', 'commit']);
  await dm.catchUp(a);
  await dm.send(b, utf8('hello'));
  expect((await dm.catchUp(a)).at(-1)?.kind).toBe('message');
});

test('the tree is written when the epoch changes and not with every message; parts of different writes are refused', async () => {
  const { alice, ben, dm, a, b } = await dmOf(suites.xwing);
  const first = await a.group.send(utf8('x'));
  expect(first.save?.tree).toBeUndefined();
  expect(must(first.save).state.length).toBeLessThan(2_000);
  dm.take(a, first);
  const received = await b.group.receive(first.result.bytes);
  expect(received.save?.tree).toBeUndefined();
  dm.take(b, received);
  const old = b.stored;
  const late = dm.take(a, await a.group.send(utf8('late'))).bytes;
  const commit = await b.group.commit({});
  expect(commit.save?.tree?.epoch).toBe(1n); // the pending commit lies beside the tree
  expect(await dm.submit(b, dm.take(b, commit))).toEqual({ accepted: true });
  const merged = await b.group.receive(commit.result.commit);
  expect(merged.save?.tree?.epoch).toBe(2n);
  dm.take(b, merged);
  const past = await b.group.receive(late); // opens with a past epoch's keys, which lie beside the tree
  expect(past.save?.tree?.epoch).toBe(2n);
  dm.take(b, past);
  dm.reload(b);
  expect(b.group.epoch).toBe(2n);
  expect(() => Group.load(ben.first.engine, { state: b.stored.state, tree: old.tree })).toThrow(GroupStateError);
  expect(() => storedAfter(undefined, must(first.save))).toThrow(GroupStateError);
  expect(alice.devices).toHaveLength(1);
});

test('wiping zeroes what only the old state held, and at the end everything', async () => {
  const { alice, dm } = await dmOf(suites.classic);
  const { snapshot: old } = decodeSnapshot(dm.seat(alice.first).stored, alice.first.engine.chains);
  const next = { ...old, state: (await seal(old.state, utf8('x'), newMessageId(), suites.classic)).next };
  const [used, kept] = [old, next].map(({ state }) => state.secretTree[0]?.application.secret ?? new Uint8Array());
  const { initSecret } = old.state.keySchedule;
  const zero = (bytes: Uint8Array | undefined) => bytes?.every((byte) => byte === 0);
  wipeSnapshot(old, next);
  expect([zero(used), zero(kept), zero(initSecret)]).toEqual([true, false, false]);
  wipeSnapshot(next, undefined);
  expect([zero(kept), zero(initSecret)]).toEqual([true, true]);
});

test('being removed does not wipe the device key, which other groups use', async () => {
  const suite = suites.classic;
  const [alice, ben] = [new Account(suite), new Account(suite)];
  const group = await Conversation.open(suite, { kind: 'group', accounts: [alice, ben] });
  await group.commit(group.seat(alice.first), { remove: [{ account: ben.id }], roster: { drop: [ben.id] } });
  const [removed] = await group.catchUp(group.seat(ben.first));
  expect(removed).toMatchObject({ kind: 'removed', by: { account: alice.id } });
  expect(ben.first.mlsKey.privateKey.some((byte) => byte !== 0)).toBe(true);
});

test('a missing chain is no refusal: with the chain, the same welcome and the same commit are taken', async () => {
  const suite = suites.classic;
  const { alice, ben, dm, a } = await dmOf(suite);
  const laptop = alice.addDevice(suite);
  const own = await laptop.keyPackage();
  const bundle = await dm.commit(a, { add: [own.publicBytes], evidence: { chains: [alice.chain] } });
  const joining = () => Group.join(laptop.engine, own, must(bundle.welcome), { conversationId: dm.id });
  await expect(joining()).rejects.toThrow(ChainMissing);
  for (const account of [alice, ben]) laptop.engine.chains.learn(account.chain.bytes);
  expect((await joining()).group.members).toHaveLength(3);
  expect(() => new Chains().find(alice.id)).toThrow(ChainMissing);
});

test('a welcome to another conversation is refused', async () => {
  const suite = suites.classic;
  const { alice, ben, dm, a } = await dmOf(suite);
  const laptop = alice.addDevice(suite);
  const own = await laptop.keyPackage();
  const { welcome } = await dm.commit(a, { add: [own.publicBytes], evidence: { chains: [alice.chain] } });
  for (const account of [alice, ben]) laptop.engine.chains.learn(account.chain.bytes);
  const joining = Group.join(laptop.engine, own, must(welcome), { conversationId: 'another' });
  expect(await failureOf(joining, CommitRefused)).toBe('other-group');
});

test('a welcome that names another suite than the key package is refused', async () => {
  const suite = suites.classic;
  const { alice, ben, dm, a } = await dmOf(suite);
  const laptop = alice.addDevice(suite);
  const own = await laptop.keyPackage();
  const welcome = must((await dm.commit(a, { add: [own.publicBytes], evidence: { chains: [alice.chain] } })).welcome);
  for (const account of [alice, ben]) laptop.engine.chains.learn(account.chain.bytes);
  const suiteAt = 4; // behind version and wire format
  const renamed = Uint8Array.from(welcome, (byte, place) => (place === suiteAt ? byte ^ 0xc0 : byte));
  await expect(Group.join(laptop.engine, own, renamed, { conversationId: dm.id })).rejects.toThrow('another suite');
  expect((await Group.join(laptop.engine, own, welcome, { conversationId: dm.id })).group.members).toHaveLength(3);
});

test('media keys: equal for all members, different for each call, leaf, instance and epoch', async () => {
  const { alice, dm, a, b } = await dmOf(suites.classic);
  const [instance, callId] = [randomBytes(16), 'call'];
  const key = async (group: Group, changes: object = {}) =>
    toBase64url(await group.mediaKey({ callId, leafIndex: 0, instance, ...changes }));
  const shared = await key(a.group);
  expect(await key(b.group)).toBe(shared);
  const others = [{ callId: 'call2' }, { leafIndex: 1 }, { instance: randomBytes(16) }];
  const keys = await Promise.all(others.map((changes) => key(a.group, changes)));
  await dm.commit(dm.seat(alice.first), {});
  keys.push(shared, await key(a.group));
  expect(new Set(keys).size).toBe(5);
  expect([a.group.ownLeafIndex, b.group.ownLeafIndex]).toEqual([0, 1]);
});

test('a pin survives its encoding, and group info that was signed by a leaver is not trusted', async () => {
  const { dm, a } = await dmOf(suites.classic);
  const { pin } = a.group;
  expect(decodePin(encodePin(pin))).toEqual(pin);
  const stranger = { ...pin, accounts: [] };
  const evidence = { chains: [a.device.account.chain] };
  const from = { groupInfo: dm.sequencer.groupInfo, pin: stranger, evidence };
  const rejoining = Group.rejoin(a.device.engine, await a.device.keyPackage(), from);
  expect(await failureOf(rejoining, CommitRefused)).toBe('group-info-untrusted: untrusted-signer');
});

test('the verdict names the committing device and who needs a welcome', async () => {
  const suite = suites.classic;
  const { alice, ben, a, b } = await dmOf(suite);
  const phone = ben.addDevice(suite);
  const before = b.group.publicGroup;
  const step = await b.group.commit({ add: [(await phone.keyPackage()).publicBytes], evidence: { chains: [ben.chain] } });
  const verdict = await commitPolicy(before, step.result.commit, suite);
  if (!verdict.ok) throw new Error(verdict.reason);
  expect(verdict.by).toMatchObject(ben.first.name);
  expect(verdict.added).toEqual([phone.credential()]);
  expect(verdict.chains.map((chain) => chain.account)).toEqual([ben.id]);
  expect(a.group.members[0]).toMatchObject(alice.first.name);
});

test('group info of a state that another commit led to does not match', async () => {
  const suite = suites.classic;
  const { dm, a } = await dmOf(suite);
  const bundle = dm.take(a, await a.group.commit({}));
  const { newState } = await createCommit({ state: rawState(a), cipherSuite: suite });
  const other = encodeGroupInfo(await createGroupInfoWithExternalPubAndRatchetTree(newState, [], suite));
  expect(await dm.submit(a, { ...bundle, groupInfo: other })).toEqual({ accepted: false, reason: 'group-info' });
  expect(openKeyPackage(await a.device.keyPackage()).publicPackage.cipherSuite).toBe(suite.name);
});
