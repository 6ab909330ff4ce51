// Real: PostgreSQL, nats-server, two replicas, MLS groups of the production suite. Identity is played.
import { MAX_PAST_EPOCHS, MESSAGE_RETENTION_DAYS } from '@rialto/contracts';
import { MAX_PAGE_BYTES } from '../src/messages.ts';
import { sweepStep } from '../src/retention.ts';
import type { Person } from './people.ts';
import { aMoment, code, type Dm, eventually, newMessageId, operations, take, underNewId, wire, World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
}, 60_000);
afterAll(() => world.stop());

async function pair(): Promise<{ ana: Person; ben: Person; dm: Dm }> {
  const [ana, ben] = (await world.people(2)) as [Person, Person];
  return { ana, ben, dm: await world.acceptedDm(ana, ben) };
}
const list = (dm: Dm, by: Person, after = 0, limit?: number) =>
  world.call(
    operations.listMessages,
    limit === undefined ? { conversationId: dm.id, after } : { conversationId: dm.id, after, limit },
    by,
  );

describe('sending', () => {
  test('is committed, listed as it was sent, opened by the peer, and pushed to it', async () => {
    const { ana, ben, dm } = await pair();
    const pushes = await world.pushes(ben);
    const input = await world.sealed(dm, ana.first, 'Ciao Ben');
    const answer = await world.call(operations.sendMessage, input, ana);
    expect(answer).toMatchObject({ seq: 2, duplicate: false });
    const row = { ...input, seq: 2, kind: 'application', senderAccount: ana.id, senderDevice: ana.first.id, at: answer.at };
    expect((await list(dm, ben, 1)).rows).toEqual([row]);
    const received = take(
      await (dm.groups.get(ben.first) as NonNullable<ReturnType<typeof dm.groups.get>>).receive(
        Buffer.from(input.bytes, 'base64url'),
      ),
    );
    expect(received.kind === 'message' && new TextDecoder().decode(received.message.plaintext)).toBe('Ciao Ben');
    await eventually(() => expect(pushes).toEqual([{ event: 'messaging.message', payload: row }]));
  });

  test('a retry, also at once and on another replica, gives the first number and is pushed once', async () => {
    const { ana, ben, dm } = await pair();
    const pushes = await world.pushes(ben);
    const input = await world.sealed(dm, ana.first);
    const answers = await Promise.all(Array.from({ length: 10 }, () => world.call(operations.sendMessage, input, ana)));
    expect(new Set(answers.map(({ seq, at }) => `${seq} ${at}`)).size).toBe(1);
    expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    const other = await world.sealed(dm, ana.first, 'sealed again', input.clientMessageId);
    expect(await world.call(operations.sendMessage, other, ana)).toMatchObject({ seq: 2, duplicate: true });
    await eventually(() => expect(pushes).toHaveLength(1));
    await aMoment();
    expect(pushes).toHaveLength(1);
  });

  test('two replicas and many senders leave no gap, no double and no number without its row', async () => {
    const pairs = await Promise.all(Array.from({ length: 4 }, pair));
    const sends = [];
    for (const { ana, ben, dm } of pairs) {
      const [fromAna, fromBen] = [await world.sealed(dm, ana.first), await world.sealed(dm, ben.first)];
      for (let count = 0; count < 40; count += 1) {
        const [a, b] = [underNewId(fromAna), underNewId(fromBen)];
        const twice = count % 5 === 0 ? 2 : 1; // some are sent twice at once
        for (let copy = 0; copy < twice; copy += 1) {
          sends.push({ key: a.clientMessageId, answer: world.call(operations.sendMessage, a, ana) });
          sends.push({ key: b.clientMessageId, answer: world.call(operations.sendMessage, b, ben) });
        }
      }
    }
    const numbers = new Map<string, number>();
    for (const { key, answer } of sends) {
      const { seq } = await answer;
      expect(numbers.get(key) ?? seq).toBe(seq);
      numbers.set(key, seq);
    }
    for (const { ana, dm } of pairs) {
      const { rows, lastSeq } = await list(dm, ana, 0, 200);
      expect(lastSeq).toBe(81);
      expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 81 }, (_, index) => index + 1));
      for (const row of rows.slice(1)) expect(numbers.get(row.clientMessageId)).toBe(row.seq);
      expect(rows.map(({ at }) => at)).toEqual(rows.map(({ at }) => at).sort());
    }
    const served = await Promise.all(world.replicas.map(({ kit }) => kit.metrics.registry.metrics()));
    for (const text of served) expect(text).toMatch(/sendMessage/); // both replicas took part
  });

  test('what no member could open is refused', async () => {
    const { ana, ben, dm } = await pair();
    const other = await pair();
    const input = await world.sealed(dm, ana.first);
    const foreign = await world.sealed(other.dm, other.ana.first);
    const bad = [
      { ...input, bytes: foreign.bytes },
      { ...input, epoch: 0 },
      { ...input, clientMessageId: newMessageId() },
      { ...input, bytes: dm.draft.input.commit },
      { ...input, bytes: 'AAAA' },
      { ...input, bytes: '' },
      { ...input, bytes: `${input.bytes}AAAA` },
      { ...input, bytes: 'A'.repeat(100_000) },
      { ...input, conversationId: 'cnv_short' as never },
      { ...input, extra: true },
    ];
    for (const each of bad)
      await expect(world.call(operations.sendMessage, each, ana)).rejects.toMatchObject(code('invalid-input'));
    expect((await list(dm, ben)).lastSeq).toBe(1);
  });

  test('a message may be two epochs old and no older', async () => {
    const { ana, dm } = await pair();
    const group = dm.groups.get(ana.first) as NonNullable<ReturnType<typeof dm.groups.get>>;
    const old = await world.sealed(dm, ana.first);
    for (let count = 0; count <= MAX_PAST_EPOCHS; count += 1) {
      if (count > 0)
        expect(await world.call(operations.sendMessage, underNewId(old), ana)).toMatchObject({
          duplicate: false,
        });
      const epoch = Number(group.epoch);
      const bundle = take(await group.commit({}));
      await world.call(
        operations.commit,
        { conversationId: dm.id, clientMessageId: newMessageId(), epoch, ...wire(bundle) },
        ana,
      );
      take(await group.receive(bundle.commit));
    }
    await expect(world.call(operations.sendMessage, old, ana)).rejects.toMatchObject(code('stale-epoch'));
  });
});

describe('reading', () => {
  test('pages follow each other and end by size as well', async () => {
    const { ana, ben, dm } = await pair();
    const big = await world.sealed(dm, ana.first, 'x'.repeat(45_000));
    const count = Math.ceil(MAX_PAGE_BYTES / 45_000) + 5;
    await Promise.all(Array.from({ length: count }, () => world.call(operations.sendMessage, underNewId(big), ana)));
    const seen: number[] = [];
    let pages = 0;
    for (let after = 0; ; pages += 1) {
      const { rows, lastSeq, firstSeq } = await list(dm, ben, after, 200);
      expect([lastSeq, firstSeq]).toEqual([count + 1, 1]);
      if (rows.length === 0) break;
      seen.push(...rows.map(({ seq }) => seq));
      after = rows.at(-1)?.seq ?? 0;
    }
    expect(seen).toEqual(Array.from({ length: count + 1 }, (_, index) => index + 1));
    expect(pages).toBeGreaterThan(1);
    expect((await list(dm, ben, 1, 2)).rows.map(({ seq }) => seq)).toEqual([2, 3]);
  });
});

describe('cursors', () => {
  test('move forward only, never beyond the log, for each device by itself', async () => {
    const { ana, ben, dm } = await pair();
    for (let count = 0; count < 3; count += 1) await world.send(dm, ana.first);
    const acknowledge = (upTo: number, by = ben) => world.call(operations.acknowledge, { conversationId: dm.id, upTo }, by);
    expect(await acknowledge(2)).toEqual({ cursor: 2 });
    expect(await acknowledge(1)).toEqual({ cursor: 2 });
    expect(await acknowledge(1_000)).toEqual({ cursor: 4 });
    expect(await Promise.all([3, 1, 4, 2].map((upTo) => acknowledge(upTo, ana)))).toContainEqual({ cursor: 4 });
    expect(await world.call(operations.getConversation, { conversationId: dm.id }, ben)).toMatchObject({ cursor: 4, lastSeq: 4 });
    expect((await world.call(operations.listConversations, {}, ana)).conversations).toMatchObject([{ cursor: 4 }]);
  });
});

describe('retention', () => {
  const sweep = async () => {
    const { pool } = world.replicas[0]?.kit.database ?? { pool: undefined };
    for (let after: string | undefined = ''; after !== undefined;) after = await sweepStep(pool as never, after);
  };
  const age = (dm: Dm, interval: string, upTo = 1_000) =>
    world.database.admin.query(`update messaging.message set at = at - $2::interval where conversation_id = $1 and seq <= $3`, [
      dm.id,
      interval,
      upTo,
    ]);
  const kept = async (dm: Dm, by: Person) => {
    const { rows, firstSeq, lastSeq } = await list(dm, by);
    return { rows: rows.map(({ seq }) => seq), firstSeq, lastSeq };
  };

  test('rows go when every device has them and they are an hour old; a device that lags keeps them', async () => {
    const { ana, ben, dm } = await pair();
    for (let count = 0; count < 4; count += 1) await world.send(dm, ana.first);
    await world.call(operations.acknowledge, { conversationId: dm.id, upTo: 5 }, ana);
    await world.call(operations.acknowledge, { conversationId: dm.id, upTo: 3 }, ben);
    await sweep();
    expect(await kept(dm, ben)).toEqual({ rows: [1, 2, 3, 4, 5], firstSeq: 1, lastSeq: 5 });
    await age(dm, '2 hours', 2);
    await sweep();
    expect(await kept(dm, ben)).toEqual({ rows: [3, 4, 5], firstSeq: 3, lastSeq: 5 });
    await age(dm, '2 hours');
    await sweep();
    expect(await kept(dm, ben)).toEqual({ rows: [4, 5], firstSeq: 4, lastSeq: 5 });
    await world.call(operations.acknowledge, { conversationId: dm.id, upTo: 5 }, ben);
    await sweep();
    expect(await kept(dm, ben)).toEqual({ rows: [], firstSeq: 6, lastSeq: 5 });
    expect(await world.send(dm, ben.first)).toMatchObject({ seq: 6 });
    expect(await kept(dm, ana)).toEqual({ rows: [6], firstSeq: 6, lastSeq: 6 });
  });

  test('after the retention time they go whoever lags', async () => {
    const { ana, ben, dm } = await pair();
    for (let count = 0; count < 2; count += 1) await world.send(dm, ana.first);
    await age(dm, `${MESSAGE_RETENTION_DAYS + 1} days`, 2);
    await sweep();
    expect(await kept(dm, ben)).toEqual({ rows: [3], firstSeq: 3, lastSeq: 3 });
  });

  test('the work queue sweeps by itself', async () => {
    const { ana, dm } = await pair();
    await world.send(dm, ana.first);
    await age(dm, `${MESSAGE_RETENTION_DAYS + 1} days`);
    await world.database.admin.query("update messaging.work set due_at = now() where kind = 'retention'");
    for (let tries = 0; tries < 50 && (await kept(dm, ana)).rows.length > 0; tries += 1) await aMoment();
    expect((await kept(dm, ana)).rows).toEqual([]);
    expect(await world.one("select count(*)::int from messaging.work where kind = 'retention'")).toBe(1);
  });

  test('the service itself cannot change what is stored', async () => {
    const { pool } = world.replicas[0]?.kit.database ?? { pool: undefined };
    for (const statement of [
      "update message set bytes = ''",
      'delete from conversation',
      'truncate message',
      'select * from identity.account',
    ]) {
      await expect(pool?.query(statement)).rejects.toThrow(/permission denied|does not exist/);
    }
  });
});
