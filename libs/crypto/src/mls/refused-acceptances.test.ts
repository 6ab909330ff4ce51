// What ts-mls 1.6.4 accepts as it comes, probe by probe (P1 to P18), and what else an attacker may try: the sequencer and every
// client refuse it, nothing changes, and the group goes on.
import {
  createApplicationMessage,
  createCommit,
  createGroup,
  createGroupInfoWithExternalPubAndRatchetTree,
  createProposal,
  emptyPskIndex,
  encodeExternalSender,
  encodeMlsMessage,
  processPublicMessage,
  proposeAddExternal,
  type Proposal,
  type PublicKey,
} from 'ts-mls';
import { defaultClientConfig } from 'ts-mls/clientConfig.js';
import { createContentCommitSignature } from 'ts-mls/framedContent.js';
import { protect, unprotectPrivateMessage } from 'ts-mls/messageProtection.js';
import { getHpkePublicKey } from 'ts-mls/ratchetTree.js';
import {
  encodePublicMessage,
  expectRefused,
  expectStillTalking,
  expectUnreadable,
  externalCommit,
  failureOf,
  groupInfoIn,
  rawCommit,
  rosterProposal,
  scene,
} from '../../test/attacks.ts';
import { Conversation, entry, must, rawState, Sequencer } from '../../test/world.ts';
import { utf8 } from '../primitives.ts';
import { OpenError } from './application-message.ts';
import { classicSuite, type Suite, xwingSuite } from './cipher-suite.ts';
import { commitPolicy } from './commit-policy.ts';
import { encodeCredential } from './credential.ts';
import { CommitRefused } from './engine.ts';
import { Group } from './group.ts';
import { openKeyPackage } from './own-key-package.ts';
import { capabilities, groupExtensions, groupIdOf, selfPolicy } from './policy.ts';
import { decodeMessage, encodeGroupInfo } from './public-group.ts';
import { openGroup } from './sequencer.ts';
import { readSealedMessage } from './sealed-message.ts';

jest.setTimeout(60_000); // a busy machine is no failure

let suite: Suite;
beforeAll(async () => {
  suite = await classicSuite(); // the rules do not depend on the suite; X-Wing runs them in the last test and in the random runs
});

const privateMessage = (
  message: Extract<ReturnType<typeof decodeMessage>, { wireformat: 'mls_private_message' }>['privateMessage'],
) => encodeMlsMessage({ version: 'mls10', wireformat: 'mls_private_message', privateMessage: message });

test('P1: a stranger with the stored group info joins by external commit', async () => {
  const { group, mal } = await scene(suite);
  await expectRefused(group, await externalCommit(group, mal.first), 'not-in-roster');
});

test('P2: a stranger proposes itself and waits for an honest commit; a member proposes alone', async () => {
  const { group, mal, c, a } = await scene(suite);
  const own = openKeyPackage(await mal.first.keyPackage());
  const proposal = await proposeAddExternal(groupInfoIn(group.sequencer.groupInfo), own.publicPackage, own.privatePackage, suite);
  await expectRefused(group, encodeMlsMessage(proposal), 'not-a-public-commit');
  const alone = await createProposal(rawState(c), true, { proposalType: 'add', add: { keyPackage: own.publicPackage } }, suite);
  await expectRefused(group, encodeMlsMessage(alone.message), 'not-a-public-commit');
  expect(a.group.members).toHaveLength(3);
});

test('P3: a joiner removes somebody else, also when it may join itself', async () => {
  const { group, ben, carol, mal } = await scene(suite);
  await expectRefused(group, await externalCommit(group, mal.first, { evict: ben.first }), 'not-in-roster');
  const second = carol.addDevice(suite);
  await expectRefused(group, await externalCommit(group, second, { evict: ben.first }), 'removes-another');
});

test('P5: a member renames its own leaf, also into a device of another account', async () => {
  const { group, alice, carol, c } = await scene(suite);
  await expectRefused(
    group,
    await rawCommit(c, [], { leaf: { credential: encodeCredential(alice.first.credential()) } }),
    'duplicate',
  );
  const other = encodeCredential({ ...alice.first.credential(), device: carol.first.id });
  await expectRefused(group, await rawCommit(c, [], { leaf: { credential: other } }), 'leaf-changed');
  const invented = encodeCredential({ ...carol.first.credential(), chainSeq: 9 });
  await expectRefused(group, await rawCommit(c, [], { leaf: { credential: invented } }), 'not-certified');
});

test('a member adds an own device under the id of somebody else’s', async () => {
  const { group, ben, carol, c } = await scene(suite);
  const twin = carol.addDevice(suite, ben.first.id);
  const { publicPackage } = openKeyPackage(await twin.keyPackage());
  const add: Proposal = { proposalType: 'add', add: { keyPackage: publicPackage } };
  await expectRefused(group, await rawCommit(c, [add], { evidence: { chains: [carol.chain] } }), 'duplicate');
});

test('P6: a removed member sends into the epoch that it still knows', async () => {
  const { group, carol, a, c } = await scene(suite);
  const late = await createApplicationMessage(rawState(c), utf8('I never left'), suite, new Uint8Array(16));
  await group.commit(a, { remove: [{ account: carol.id }], roster: { drop: [carol.id] } });
  await group.everyoneCatchesUp();
  await expectUnreadable(group, privateMessage(late.privateMessage), 'late-from-removed');
  await expectStillTalking(group);
});

test('P7: a member freezes the group with ReInit, with and without a path', async () => {
  const { group, c } = await scene(suite);
  const { groupId, version, cipherSuite } = rawState(c).groupContext;
  const reinit: Proposal = { proposalType: 'reinit', reinit: { groupId, version, cipherSuite, extensions: [] } };
  const bare = await rawCommit(c, [reinit]);
  await expectRefused(group, bare, 'no-path');
  const message = decodeMessage(await rawCommit(c, []));
  if (message.wireformat !== 'mls_public_message' || message.publicMessage.content.contentType !== 'commit')
    throw new Error('commit');
  const { content } = message.publicMessage;
  const commit = { ...content.commit, proposals: [{ proposalOrRefType: 'proposal' as const, proposal: reinit }] };
  await expectRefused(group, encodePublicMessage({ ...message.publicMessage, content: { ...content, commit } }), 'proposal');
});

test('P8: a member rewrites the group context, without a path, or with nothing left in it', async () => {
  const { group, carol, a, c } = await scene(suite);
  const { policy } = c.group;
  const roster = policy.roster.map((item) => (item.account === carol.id ? { ...item, role: 'admin' as const } : item));
  await expectRefused(group, await rawCommit(c, [rosterProposal({ ...policy, roster })]), 'not-admin');
  const empty: Proposal = { proposalType: 'group_context_extensions', groupContextExtensions: { extensions: [] } };
  await expectRefused(group, await rawCommit(a, [empty]), 'policy-fixed');
  await expectRefused(group, await rawCommit(a, [rosterProposal({ ...a.group.policy, kind: 'dm' })]), 'policy-fixed');
  await expectRefused(group, await rawCommit(a, [rosterProposal({ ...a.group.policy, resetSeq: 1 })]), 'policy-fixed');
  const message = decodeMessage(await rawCommit(a, [rosterProposal({ ...policy, roster })]));
  if (message.wireformat !== 'mls_public_message' || message.publicMessage.content.contentType !== 'commit')
    throw new Error('commit');
  const { content } = message.publicMessage;
  const pathless = { ...content, commit: { ...content.commit, path: undefined } };
  await expectRefused(group, encodePublicMessage({ ...message.publicMessage, content: pathless }), 'no-path');
});

test('P9: a commit hides in a PrivateMessage', async () => {
  const { group, c } = await scene(suite);
  const bytes = await rawCommit(c, [], { asPublic: false });
  const { groupInfo } = group.sequencer;
  expect(await group.submit(c, { commit: bytes, groupInfo })).toEqual({ accepted: false, reason: 'not-a-public-commit' });
  expect(() => readSealedMessage(bytes)).toThrow('not an application message');
  await expectUnreadable(group, bytes, 'not-an-application-message');
  await expectStillTalking(group);
});

test('P10, P11: a rejoin or a welcome offers a fabricated, a stale, a garbled group', async () => {
  const { group, alice, ben, carol, mal, a, b } = await scene(suite);
  const stale = group.sequencer.groupInfo;
  await group.commit(a, { remove: [{ account: carol.id }], roster: { drop: [carol.id] } });
  await group.everyoneCatchesUp();
  const { pin, policy } = b.group;
  const roster = [...policy.roster, { ...entry(mal, true), since: 0n }];
  const own = openKeyPackage(await mal.first.keyPackage());
  const extensions = groupExtensions({ ...policy, roster });
  let fake = await createGroup(groupIdOf(policy), own.publicPackage, own.privatePackage, extensions, suite);
  for (let round = 0; round < 5; round += 1) fake = (await createCommit({ state: fake, cipherSuite: suite })).newState;
  const alices = await alice.first.keyPackage();
  const add: Proposal[] = [{ proposalType: 'add', add: { keyPackage: openKeyPackage(alices).publicPackage } }];
  const trap = await createCommit({ state: fake, cipherSuite: suite }, { extraProposals: add, ratchetTreeExtension: true });
  const welcome = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_welcome', welcome: must(trap.welcome) });
  const expected = { conversationId: group.id, pin: a.group.pin };
  const joining = Group.join(alice.first.engine, alices, welcome, expected);
  expect(await failureOf(joining, CommitRefused)).toBe('welcome-untrusted: untrusted-signer');
  const fabricated = encodeGroupInfo(await createGroupInfoWithExternalPubAndRatchetTree(trap.newState, [], suite));
  const garbled = group.sequencer.groupInfo.slice();
  garbled[garbled.length - 5] = must(garbled[garbled.length - 5]) ^ 1;
  const evidence = { chains: [ben.chain] };
  for (const [groupInfo, reason] of [
    [fabricated, 'untrusted-signer'],
    [stale, 'stale'],
    [garbled, 'group-info-invalid'],
  ] as const) {
    const rejoining = Group.rejoin(ben.first.engine, await ben.first.keyPackage(), { groupInfo, pin, evidence });
    expect(await failureOf(rejoining, CommitRefused)).toBe(`group-info-untrusted: ${reason}`);
  }
  await expectStillTalking(group);
  await group.rejoin(b);
  await group.everyoneCatchesUp();
  await expectStillTalking(group);
});

test('a message of another conversation, or of an epoch too far back or ahead', async () => {
  const [one, two] = [await scene(suite), await scene(suite)];
  const foreign = one.group.take(one.a, await one.a.group.send(utf8('for one'))).bytes;
  await expectUnreadable(two.group, foreign, 'wrong-conversation');
  for (let epoch = 0; epoch < 3; epoch += 1) await one.group.commit(one.b, {});
  expect(await failureOf(one.group.receive(one.b, foreign), OpenError)).toBe('epoch-out-of-window');
  const ahead = one.group.take(one.b, await one.b.group.send(utf8('from the future'))).bytes;
  expect(await failureOf(one.group.receive(one.c, ahead), OpenError)).toBe('epoch-out-of-window');
});

test('P14, P17: a device rejoins and leaves its old leaf behind, which would stop every later commit', async () => {
  const { group, ben } = await scene(suite);
  await expectRefused(group, await externalCommit(group, ben.first), 'duplicate');
});

test("P15: a member re-encrypts another's signed message under the next generation", async () => {
  const { group, a, b, c } = await scene(suite);
  const { bytes } = group.take(b, await b.group.send(utf8('yes, send it')));
  const spy = rawState(c);
  const message = decodeMessage(bytes);
  if (message.wireformat !== 'mls_private_message') throw new Error('message');
  const { senderDataSecret } = spy.keySchedule;
  const { keyRetentionConfig, paddingConfig } = spy.clientConfig;
  const { groupContext, ratchetTree } = spy;
  const sealed = message.privateMessage;
  const read = await unprotectPrivateMessage(
    senderDataSecret,
    sealed,
    spy.secretTree,
    ratchetTree,
    groupContext,
    keyRetentionConfig,
    suite,
  );
  const { content, auth } = read.content;
  if (content.contentType !== 'application' || auth.contentType !== 'application' || content.sender.senderType !== 'member')
    throw new Error('content');
  const { leafIndex } = content.sender;
  const body = { ...content, auth };
  const id = content.authenticatedData;
  const forged = await protect(senderDataSecret, id, groupContext, read.tree, body, leafIndex, paddingConfig, suite);
  const replay = privateMessage(forged.privateMessage);
  expect((await group.receive(a, bytes)).kind).toBe('message');
  expect(await failureOf(group.receive(a, replay), OpenError)).toBe('message-replayed');
  const unguarded = await a.group.receive(replay); // without a look at the table, the mark is the same: its unique index refuses it
  expect(unguarded.result).toMatchObject({ message: { mark: { epoch: 1n, leaf: leafIndex } } });
  unguarded.abandon();
  expect(await failureOf(group.receive(a, bytes), OpenError)).toBe('unreadable'); // the key is gone
  const next = group.take(b, await b.group.send(utf8('the real next one')));
  expect((await group.receive(a, next.bytes)).kind).toBe('message');
});

test('P18: the server becomes an external sender', async () => {
  const { group, mal, a } = await scene(suite);
  const signaturePublicKey = mal.first.mlsKey.publicKey;
  const sender = encodeExternalSender({ credential: encodeCredential(mal.first.credential()), signaturePublicKey });
  const senders = [{ extensionType: 'external_senders' as const, extensionData: sender }];
  await expectRefused(group, await rawCommit(a, [rosterProposal(a.group.policy, senders)]), 'policy-fixed');
  const policy = selfPolicy('x', mal.id);
  const own = openKeyPackage(await mal.first.keyPackage());
  const extensions = [...groupExtensions(policy), ...senders];
  const state = await createGroup(groupIdOf(policy), own.publicPackage, own.privatePackage, extensions, suite);
  const groupInfo = encodeGroupInfo(await createGroupInfoWithExternalPubAndRatchetTree(state, [], suite));
  await expect(openGroup(groupInfo, mal.chain, suite)).rejects.toThrow('unexpected group extensions');
});

test('a member removes others, adds strangers, or mixes both', async () => {
  const { group, alice, mal, a, c } = await scene(suite);
  const remove: Proposal[] = [{ proposalType: 'remove', remove: { removed: 0 } }];
  await expectRefused(group, await rawCommit(c, remove), 'remove-unexplained');
  const without = { ...c.group.policy, roster: c.group.policy.roster.filter(({ account }) => account !== alice.id) };
  await expectRefused(group, await rawCommit(c, [...remove, rosterProposal(without)]), 'policy-fixed'); // no admin would be left
  const { publicPackage } = openKeyPackage(await mal.first.keyPackage());
  const stranger: Proposal = { proposalType: 'add', add: { keyPackage: publicPackage } };
  const evidence = { chains: [mal.chain] };
  await expectRefused(group, await rawCommit(c, [stranger], { evidence }), 'not-in-roster');
  const { policy } = c.group;
  const wider = { ...policy, roster: [...policy.roster, { ...entry(mal, false), since: c.group.epoch + 1n }] };
  await expectRefused(group, await rawCommit(c, [stranger, rosterProposal(wider)], { evidence }), 'not-admin');
  const early = { ...policy, roster: [...policy.roster, { ...entry(mal, false), since: 0n }] };
  await expectRefused(group, await rawCommit(a, [stranger, rosterProposal(early)], { evidence }), 'policy-fixed');
  const removesToo: Proposal = { proposalType: 'remove', remove: { removed: 2 } };
  await expectRefused(group, await rawCommit(a, [stranger, removesToo]), 'add-with-remove');
});

test('a revoked device comes back with its old chain, with the new one, or with a chain of somebody else', async () => {
  const { group, ben, carol, mal, a, b } = await scene(suite);
  const stolen = ben.addDevice(suite);
  const old = ben.chain;
  ben.revoke(stolen);
  await group.commit(b, { roster: { set: [entry(ben, false, 2)] }, evidence: { chains: [ben.chain] } });
  await group.everyoneCatchesUp();
  await expectRefused(group, await externalCommit(group, stolen, { chain: old }), 'below-minimum-chain');
  await expectRefused(group, await externalCommit(group, stolen, { chain: ben.chain }), 'not-certified');
  const third = carol.addDevice(suite);
  expect((await commitPolicy(a.group.publicGroup, await externalCommit(group, third), suite)).ok).toBe(true);
  const borrowed = await externalCommit(group, third, { chain: mal.chain, certified: carol.chain });
  await expectRefused(group, borrowed, 'not-certified');
});

test('the roster of a dm is fixed, for either side', async () => {
  const { alice, ben, mal } = await scene(suite);
  const dm = await Conversation.open(suite, { kind: 'dm', accounts: [alice, ben] });
  const [a, b] = [dm.seat(alice.first), dm.seat(ben.first)];
  const { policy } = a.group;
  const third = { ...policy, roster: [...policy.roster, { ...entry(mal, false), since: 2n }] };
  await expectRefused(dm, await rawCommit(a, [rosterProposal(third)], { evidence: { chains: [mal.chain] } }), 'policy-fixed');
  const alone = { ...policy, roster: policy.roster.filter(({ account }) => account === ben.id) };
  const put: Proposal = { proposalType: 'remove', remove: { removed: 0 } };
  await expectRefused(dm, await rawCommit(b, [put, rosterProposal(alone)]), 'policy-fixed');
  const lower = {
    ...policy,
    roster: policy.roster.map((item) => ({ ...item, role: item.account === ben.id ? item.role : ('member' as const) })),
  };
  await expectRefused(dm, await rawCommit(b, [rosterProposal(lower)]), 'not-admin');
});

test('a member poisons the tree so that nobody could join or commit any more', async () => {
  const { group, mal, b, c } = await scene(suite);
  const forgetful = { ...capabilities(suite.name), extensions: [] };
  await expectRefused(group, await rawCommit(c, [], { leaf: { capabilities: forgetful } }), 'capabilities');
  const benKey = getHpkePublicKey(must(rawState(b).ratchetTree[2]));
  for (const [key, reason] of [
    [benKey, 'duplicate'],
    [new Uint8Array(5), 'invalid'],
  ] as const) {
    const publicKey = { bytes: key, type: 'public' } as unknown as PublicKey;
    const deriveKeyPair = async (ikm: Uint8Array) => ({ ...(await suite.hpke.deriveKeyPair(ikm)), publicKey });
    const cipherSuite = { ...suite, hpke: { ...suite.hpke, deriveKeyPair } };
    await expectRefused(group, await rawCommit(c, [], { cipherSuite }), reason);
  }
  // An index outside the tree made ts-mls loop for ever; anybody with the group info can send one.
  const message = decodeMessage(await externalCommit(group, mal.first));
  if (message.wireformat !== 'mls_public_message' || message.publicMessage.content.contentType !== 'commit')
    throw new Error('commit');
  const { commit, authenticatedData } = message.publicMessage.content;
  const outside = { proposalOrRefType: 'proposal', proposal: { proposalType: 'remove', remove: { removed: 100 } } } as const;
  const longer = { ...commit, proposals: [outside, ...commit.proposals] };
  const context = b.group.publicGroup.groupContext;
  const { privateKey } = mal.first.mlsKey;
  const sender = { senderType: 'new_member_commit' } as const;
  const wireformat = 'mls_public_message';
  const signed = await createContentCommitSignature(
    context,
    wireformat,
    longer,
    sender,
    authenticatedData,
    privateKey,
    suite.signature,
  );
  const auth = { ...message.publicMessage.auth, signature: signed.signature };
  const endless = { ...message.publicMessage, content: signed.framedContent, auth } as typeof message.publicMessage;
  const careless = { ...rawState(b), clientConfig: defaultClientConfig };
  await expect(processPublicMessage(careless, endless, emptyPskIndex, suite)).rejects.toThrow('node outside the tree');
  await expectRefused(group, encodePublicMessage(endless), 'leaf-unexplained');
});

test('somebody sends a commit that another device made', async () => {
  const { group, a, b } = await scene(suite);
  const bundle = group.take(a, await a.group.commit({}));
  expect(await group.submit(b, bundle)).toEqual({ accepted: false, reason: 'not-the-committer' });
  expect(await group.submit(a, { ...bundle, groupInfo: group.sequencer.groupInfo })).toEqual({
    accepted: false,
    reason: 'group-info',
  });
  expect(await group.submit(a, bundle)).toEqual({ accepted: true });
});

test('a bundle without the welcome it needs, or with one that nobody needs', async () => {
  const { group, alice, ben, a, b } = await scene(suite);
  const tablet = ben.addDevice(suite);
  const add = [(await tablet.keyPackage()).publicBytes];
  const bundle = group.take(b, await b.group.commit({ add, evidence: { chains: [ben.chain] } }));
  const { welcome, ...bare } = bundle;
  expect(await group.submit(b, bare)).toEqual({ accepted: false, reason: 'welcome' });
  const idle = group.take(a, await a.group.commit({}));
  expect(await group.submit(a, { ...idle, welcome: must(welcome) })).toEqual({ accepted: false, reason: 'welcome' });
  expect(await group.submit(b, bundle)).toEqual({ accepted: true });
  expect(alice.devices).toHaveLength(1);
});

test('one flipped bit in a valid commit: the sequencer misses only the membership tag, and clients refuse that', async () => {
  const xwing = await xwingSuite();
  const { group, a, b } = await scene(xwing);
  const bundle = group.take(a, await a.group.commit({}));
  const { length } = bundle.commit;
  const unseen: number[] = [];
  for (let at = 0; at < length; at += at < 300 || at > length - 200 ? 1 : 97) {
    const commit = bundle.commit.slice();
    commit[at] = must(commit[at]) ^ 1;
    const trial = new Sequencer(xwing, group.sequencer.groupInfo);
    if (!(await trial.submit({ ...bundle, commit }, a.device.name)).accepted) continue;
    unseen.push(at);
    expect(await failureOf(group.receive(b, commit), CommitRefused)).toBe('mls');
  }
  const tagBytes = xwing.kdf.size;
  expect(unseen).toEqual(Array.from({ length: tagBytes }, (_unused, index) => length - tagBytes + index));
  expect(await group.submit(a, bundle)).toEqual({ accepted: true });
  await group.everyoneCatchesUp();
  await expectStillTalking(group);
}, 60_000);

test('one flipped bit in an application message is refused, wherever it is', async () => {
  const { group, a, b } = await scene(suite);
  const { bytes } = group.take(a, await a.group.send(utf8('intact')));
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = bytes.slice();
    changed[at] = must(changed[at]) ^ 1;
    expect((await b.group.receive(changed).catch((error: unknown) => error)) instanceof OpenError).toBe(true);
  }
  expect((await group.receive(b, bytes)).kind).toBe('message');
});
