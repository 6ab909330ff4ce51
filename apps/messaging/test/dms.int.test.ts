// Real: PostgreSQL, nats-server with the generated permissions, two replicas, MLS groups of the production suite. Identity is played.
import { MAX_OPEN_REQUESTS, MAX_REQUEST_MESSAGES, type AccountId, type ConversationView } from '@rialto/contracts';
import { dmPolicy, Group, groupPolicy, toBase64url } from '@rialto/crypto';
import { rawOpening } from '@rialto/crypto/testing';
import type { Person } from './people.ts';
import { aMoment, code, type Dm, eventually, newConversationId, newMessageId, operations, wire, World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
}, 60_000);
afterAll(() => world.stop());

const standingsOf = ({ members }: ConversationView) =>
  Object.fromEntries(members.map(({ accountId, standing }) => [accountId, standing]));

describe('opening', () => {
  test('the creator is in, the peer is asked, and the welcome waits for its device', async () => {
    const [ana, ben] = (await world.people(2)) as [Person, Person];
    const pushes = await world.pushes(ben);
    const dm = await world.dm(ana, ben);
    const view = await world.call(operations.getConversation, { conversationId: dm.id }, ben);
    expect(view).toMatchObject({
      kind: 'dm',
      createdBy: ana.id,
      standing: 'requested',
      epoch: 1,
      lastSeq: 1,
      firstSeq: 1,
      cursor: 0,
    });
    expect(standingsOf(view)).toEqual({ [ana.id]: 'accepted', [ben.id]: 'requested' });
    const { welcomes } = await world.call(operations.listWelcomes, {}, ben);
    expect(welcomes).toEqual([{ conversationId: dm.id, seq: 1, epoch: 1, from: ana.id, welcome: dm.draft.input.welcome }]);
    expect((await world.call(operations.listWelcomes, {}, ana)).welcomes).toEqual([]);
    const { rows } = await world.call(operations.listMessages, { conversationId: dm.id, after: 0 }, ben);
    expect(rows).toMatchObject([{ seq: 1, kind: 'commit', epoch: 0, senderAccount: ana.id, bytes: dm.draft.input.commit }]);
    expect(await world.call(operations.findDm, { peer: ana.id }, ben)).toEqual({ conversationId: dm.id });
    const events = ['messaging.conversationChanged', 'messaging.message', 'messaging.welcome'];
    await eventually(() => expect(pushes.map(({ event }) => event).sort()).toEqual(events));
    expect(pushes.find(({ event }) => event === 'messaging.welcome')?.deviceId).toBe(ben.first.id);
  });

  test('the welcome of an accepted conversation comes before those of strangers', async () => {
    const [ben, ...others] = (await world.people(5)) as [Person, ...Person[]];
    const dms: Dm[] = [];
    for (const other of others) dms.push(await world.dm(other, ben));
    const last = dms.toSorted((one, other) => (one.id < other.id ? -1 : 1)).at(-1);
    await world.call(operations.acceptConversation, { conversationId: last?.id as Dm['id'] }, ben);
    const { welcomes } = await world.call(operations.listWelcomes, { limit: 1 }, ben);
    expect(welcomes.map(({ conversationId }) => conversationId)).toEqual([last?.id]);
    expect((await world.call(operations.listWelcomes, {}, ben)).welcomes).toHaveLength(4);
  });

  test('a retry gives the first answer', async () => {
    const [ana, ben] = (await world.people(2)) as [Person, Person];
    const { input } = await world.draft(ana, ben);
    const answers = await Promise.all(Array.from({ length: 4 }, () => world.call(operations.createDm, input, ana)));
    for (const answer of [...answers, await world.call(operations.createDm, input, ana)]) {
      expect(answer).toEqual({ conversationId: input.conversationId, created: true, seq: 1 });
    }
    expect(
      await world.one('select count(*)::int from messaging.message where conversation_id = $1', [input.conversationId]),
    ).toBe(1);
  });

  test('when both open at once, one wins and the other is told which', async () => {
    for (let round = 0; round < 5; round += 1) {
      const [ana, ben] = (await world.people(2)) as [Person, Person];
      const [one, other] = await Promise.all([world.draft(ana, ben), world.draft(ben, ana)]);
      const answers = await Promise.all([
        world.call(operations.createDm, one.input, ana),
        world.call(operations.createDm, other.input, ben),
      ]);
      expect(answers.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(answers.map(({ conversationId }) => conversationId)).size).toBe(1);
      const found = await Promise.all([
        world.call(operations.findDm, { peer: ben.id }, ana),
        world.call(operations.findDm, { peer: ana.id }, ben),
      ]);
      expect(found.map(({ conversationId }) => conversationId)).toEqual(answers.map(({ conversationId }) => conversationId));
      // Both wanted it, so nobody has to be asked.
      const view = await world.call(operations.getConversation, { conversationId: answers[0].conversationId }, ana);
      expect(standingsOf(view)).toEqual({ [ana.id]: 'accepted', [ben.id]: 'accepted' });
      expect(
        await world.one('select awaits_acceptance from messaging.conversation where conversation_id = $1', [view.conversationId]),
      ).toBe(false);
    }
  });

  test('a group that is not the dm of these two by its own policy is refused, and nothing is stored', async () => {
    const [ana, ben, eve] = (await world.people(3)) as [Person, Person, Person];
    const id = newConversationId();
    const drafts = {
      'for another conversation': await world.draft(ana, ben, {
        policy: dmPolicy(newConversationId(), [ana.id, ben.id]),
        conversationId: id,
      }),
      'with another peer': await world.draft(ana, eve, { peer: ben, conversationId: id }),
      'of another kind': await world.draft(ana, ben, { policy: groupPolicy(id, ana.id), joiners: [], conversationId: id }),
      'without the peer': await world.draft(ana, ben, { joiners: [], conversationId: id }),
    };
    for (const [what, { input }] of Object.entries(drafts)) {
      expect({
        what,
        error: await world.call(operations.createDm, input, ana).catch((error: unknown) => error),
      }).toMatchObject({
        what,
        error: code('commit-refused'),
      });
    }
    const { input } = await world.draft(ana, ben, { conversationId: id });
    await expect(world.call(operations.createDm, { ...input, peer: ana.id }, eve)).rejects.toMatchObject(code('commit-refused'));
    await expect(world.call(operations.createDm, { ...input, peer: ana.id }, ana)).rejects.toMatchObject(code('invalid-input'));
    await expect(world.call(operations.createDm, { ...input, epoch: 1 }, ana)).rejects.toMatchObject(code('invalid-input'));
    expect(await world.one('select count(*)::int from messaging.conversation where conversation_id = $1', [id])).toBe(0);
    expect(await world.one('select count(*)::int from messaging.dm where $1 in (first_account, second_account)', [eve.id])).toBe(
      0,
    );
  });

  test('a device under the id of somebody else’s is refused, and nothing is stored', async () => {
    const [ana, ben] = (await world.people(2)) as [Person, Person];
    const twin = ana.addDevice(ben.first.id);
    const { engine } = ana.first;
    const conversationId = newConversationId();
    const opened = await Group.create(engine, await ana.first.keyPackage(), dmPolicy(conversationId, [ana.id, ben.id]));
    const packages = [await ben.first.keyPackage(), await twin.keyPackage()];
    for (const { chain } of [ana, ben]) engine.chains.learn(chain.bytes);
    const bundle = await rawOpening(engine, {
      save: opened.save,
      add: packages.map(({ publicBytes }) => publicBytes),
      evidence: { chains: [ana.chain, ben.chain] },
    });
    const input = {
      conversationId,
      peer: ben.id,
      initialGroupInfo: toBase64url(opened.groupInfo),
      clientMessageId: newMessageId(),
      epoch: 0,
      ...wire(bundle),
    };
    await expect(world.call(operations.createDm, input, ana)).rejects.toMatchObject(
      code('commit-refused', { reason: 'duplicate' }),
    );
    for (const table of ['conversation', 'message', 'welcome', 'device_cursor'])
      expect(await world.one(`select count(*)::int from messaging.${table} where conversation_id = $1`, [conversationId])).toBe(
        0,
      );
  });

  test('bent bytes of any part are refused', async () => {
    const [ana, ben] = (await world.people(2)) as [Person, Person];
    const { input } = await world.draft(ana, ben);
    const bent = (text: string, at: number) => {
      const bytes = Buffer.from(text, 'base64url');
      bytes[at] = (bytes[at] ?? 0) ^ 0x40;
      return bytes.toString('base64url');
    };
    for (const part of ['initialGroupInfo', 'commit', 'groupInfo'] as const) {
      for (const at of [0, 60, 400]) {
        await expect(world.call(operations.createDm, { ...input, [part]: bent(input[part], at) }, ana)).rejects.toMatchObject({
          code: expect.stringMatching(/^(commit-refused|stale-epoch)$/),
        });
      }
    }
    for (const welcome of [null, 'AAAA', input.commit]) {
      await expect(world.call(operations.createDm, { ...input, welcome }, ana)).rejects.toMatchObject(code('commit-refused'));
    }
    expect(await world.call(operations.createDm, input, ana)).toMatchObject({ created: true });
  });

  test('a device that signed for another chain cannot open', async () => {
    const [ana, ben] = (await world.people(2)) as [Person, Person];
    const { input } = await world.draft(ana, ben);
    const second = ana.addDevice();
    await world.signIn(second);
    await expect(world.call(operations.createDm, input, second)).rejects.toMatchObject(
      code('commit-refused', { reason: 'not-this-dm' }),
    );
  });

  test("another pair's conversation id is a conflict", async () => {
    const [ana, ben, eve] = (await world.people(3)) as [Person, Person, Person];
    const dm = await world.dm(ana, ben);
    const { input } = await world.draft(eve, ben, { conversationId: dm.id });
    await expect(world.call(operations.createDm, input, eve)).rejects.toMatchObject(code('conflict'));
  });

  test('open requests have a limit, which accepting makes room in', async () => {
    const [ana, ben, cat] = (await world.people(3)) as [Person, Person, Person];
    const dm = await world.dm(ana, ben);
    await world.database.admin.query(
      `insert into messaging.conversation (conversation_id, kind, created_by, epoch, last_seq, awaits_acceptance)
       select 'cnv_' || lpad(n::text, 11, '0') || substr($1, 1, 11), 'dm', $1, 1, 1, true from generate_series(1, $2) as n`,
      [ana.id, MAX_OPEN_REQUESTS - 1],
    );
    const { input } = await world.draft(ana, cat);
    await expect(world.call(operations.createDm, input, ana)).rejects.toMatchObject(code('request-full'));
    await world.call(operations.acceptConversation, { conversationId: dm.id }, ben);
    expect(await world.call(operations.createDm, input, ana)).toMatchObject({ created: true });
  });
});

describe('requests', () => {
  test('a stranger leaves a few messages until accepted; the peer must accept before it writes', async () => {
    const [ana, ben] = (await world.people(2)) as [Person, Person];
    const dm = await world.dm(ana, ben);
    const sealed: Awaited<ReturnType<World['sealed']>>[] = [];
    for (let count = 0; count < MAX_REQUEST_MESSAGES + 4; count += 1)
      sealed.push(await world.sealed(dm, ana.first, `message ${count}`));
    const results = await Promise.allSettled(sealed.map((input) => world.call(operations.sendMessage, input, ana)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(MAX_REQUEST_MESSAGES);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(code('request-full'));
    const stored = sealed[results.findIndex(({ status }) => status === 'fulfilled')];
    expect(await world.call(operations.sendMessage, stored as never, ana)).toMatchObject({ duplicate: true });
    await expect(world.send(dm, ben.first)).rejects.toMatchObject(code('forbidden'));

    const pushes = await world.pushes(ana);
    expect(await world.call(operations.acceptConversation, { conversationId: dm.id }, ben)).toEqual({ standing: 'accepted' });
    expect(await world.call(operations.acceptConversation, { conversationId: dm.id }, ben)).toEqual({ standing: 'accepted' });
    const changed = { event: 'messaging.conversationChanged', payload: { conversationId: dm.id, standing: 'accepted' } };
    await eventually(() => expect(pushes.filter(({ event }) => event === changed.event)).toEqual([changed]));
    const refused = sealed[results.findIndex(({ status }) => status === 'rejected')];
    expect(await world.call(operations.sendMessage, refused as never, ana)).toMatchObject({
      seq: MAX_REQUEST_MESSAGES + 2,
      duplicate: false,
    });
    expect(await world.send(dm, ben.first)).toMatchObject({ seq: MAX_REQUEST_MESSAGES + 3 });
  });

  test('strangers see and do nothing', async () => {
    const [ana, ben, eve] = (await world.people(3)) as [Person, Person, Person];
    const dm = await world.acceptedDm(ana, ben);
    const conversationId = dm.id;
    const input = await world.sealed(dm, ana.first);
    const bundle = {
      conversationId,
      clientMessageId: newMessageId(),
      epoch: 1,
      commit: 'AAAA',
      groupInfo: 'AAAA',
      welcome: null,
    };
    const attempts = [
      world.call(operations.getConversation, { conversationId }, eve),
      world.call(operations.listMessages, { conversationId, after: 0 }, eve),
      world.call(operations.getGroupInfo, { conversationId }, eve),
      world.call(operations.acceptConversation, { conversationId }, eve),
      world.call(operations.acknowledge, { conversationId, upTo: 1 }, eve),
      world.call(operations.sendMessage, input, eve),
      world.call(operations.commit, bundle, eve),
      world.call(operations.getConversation, { conversationId: newConversationId() }, eve),
    ];
    for (const attempt of attempts) await expect(attempt).rejects.toMatchObject(code('not-a-member'));
    expect((await world.call(operations.listConversations, {}, eve)).conversations).toEqual([]);
    expect(await world.call(operations.findDm, { peer: ana.id }, eve)).toEqual({ conversationId: null });
  });
});

describe('blocks', () => {
  test('a block stops writing in both directions, is not shown to the blocked, and can be lifted', async () => {
    const [ana, ben] = (await world.people(2)) as [Person, Person];
    const dm = await world.acceptedDm(ana, ben);
    const before = await world.call(operations.getConversation, { conversationId: dm.id }, ana);
    const pushes = await world.pushes(ana);
    expect(await world.call(operations.blockAccount, { accountId: ana.id }, ben)).toEqual({ blocked: true });
    expect(await world.call(operations.blockAccount, { accountId: ana.id }, ben)).toEqual({ blocked: true });
    await expect(world.send(dm, ana.first)).rejects.toMatchObject(code('not-reachable'));
    await expect(world.send(dm, ben.first)).rejects.toMatchObject(code('not-reachable'));
    expect(await world.call(operations.getConversation, { conversationId: dm.id }, ana)).toEqual(before);
    expect(await world.call(operations.getConversation, { conversationId: dm.id }, ben)).toMatchObject({ standing: 'blocked' });
    expect(await world.call(operations.listBlocks, {}, ben)).toEqual({ accounts: [ana.id] });
    expect(await world.call(operations.listBlocks, {}, ana)).toEqual({ accounts: [] });
    const calls = await world.nats.connectAs('calls');
    const reach = () => calls.call(operations.getReach, { from: ana.id, to: ben.id, conversationId: dm.id });
    expect(await reach()).toEqual({ isBlocked: true, isAccepted: true, areBothMembers: true });
    await aMoment();
    expect(pushes).toEqual([]);

    await world.call(operations.blockAccount, { accountId: ben.id }, ana);
    expect(await world.call(operations.unblockAccount, { accountId: ana.id }, ben)).toEqual({ blocked: false });
    await expect(world.send(dm, ben.first)).rejects.toMatchObject(code('not-reachable'));
    await world.call(operations.unblockAccount, { accountId: ben.id }, ana);
    expect(await world.send(dm, ben.first)).toMatchObject({ duplicate: false });
    expect(await reach()).toEqual({ isBlocked: false, isAccepted: true, areBothMembers: true });
  });

  test('who is blocked cannot open a conversation, and learns no more than that', async () => {
    const [ana, ben] = (await world.people(2)) as [Person, Person];
    await world.call(operations.blockAccount, { accountId: ana.id }, ben);
    const { input } = await world.draft(ana, ben);
    await expect(world.call(operations.createDm, input, ana)).rejects.toMatchObject({
      code: 'not-reachable',
      details: undefined,
    });
    await expect(world.call(operations.blockAccount, { accountId: ben.id }, ben)).rejects.toMatchObject(code('invalid-input'));
  });

  test('blocking and opening at once never leave an open dm beside a block', async () => {
    for (let round = 0; round < 6; round += 1) {
      const [ana, ben] = (await world.people(2)) as [Person, Person];
      const { input, group, bundle } = await world.draft(ana, ben);
      const [opened] = await Promise.allSettled([
        world.call(operations.createDm, input, ana),
        world.call(operations.blockAccount, { accountId: ana.id }, ben),
      ]);
      if (opened.status === 'rejected') continue;
      (await group.receive(bundle.commit)).settle();
      const dm = { id: input.conversationId, groups: new Map([[ana.first, group]]), draft: {} as never };
      await expect(world.send(dm, ana.first)).rejects.toMatchObject(code('not-reachable'));
    }
  });
});

describe('reach', () => {
  test('without a conversation the dm of the two is meant', async () => {
    const [ana, ben, eve] = (await world.people(3)) as [Person, Person, Person];
    const calls = await world.nats.connectAs('calls');
    const reach = (from: AccountId, to: AccountId) => calls.call(operations.getReach, { from, to });
    expect(await reach(ana.id, ben.id)).toEqual({ isBlocked: false, isAccepted: false, areBothMembers: false });
    const dm = await world.dm(ana, ben);
    expect(await reach(ben.id, ana.id)).toEqual({ isBlocked: false, isAccepted: false, areBothMembers: true });
    await world.call(operations.acceptConversation, { conversationId: dm.id }, ben);
    expect(await reach(ana.id, ben.id)).toEqual({ isBlocked: false, isAccepted: true, areBothMembers: true });
    const inAnother = await calls.call(operations.getReach, { from: ana.id, to: eve.id, conversationId: dm.id });
    expect(inAnother).toEqual({ isBlocked: false, isAccepted: false, areBothMembers: false });
  });
});

describe('lists', () => {
  test('newest activity first, page by page, each once', async () => {
    const ana = await world.person();
    const peers = await world.people(5);
    const dms: Dm[] = [];
    for (const peer of peers) dms.push(await world.acceptedDm(ana, peer));
    await world.send(dms[1] as Dm, ana.first);
    const expected = [1, 4, 3, 2, 0].map((index) => dms[index]?.id);
    const seen: string[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await world.call(
        operations.listConversations,
        cursor === undefined ? { limit: 2 } : { cursor, limit: 2 },
        ana,
      );
      seen.push(...page.conversations.map(({ conversationId }) => conversationId));
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(expected);
    await expect(world.call(operations.listConversations, { cursor: toBase64url(new Uint8Array(9)) }, ana)).rejects.toMatchObject(
      code('invalid-input'),
    );
  });
});
