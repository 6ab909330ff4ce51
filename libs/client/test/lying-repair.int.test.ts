/**
 * What of a lying server or a lying member sends a device back into its group by the pin, and what does not. Real: everything that
 * `world.ts` lists; between one client and the server `lies.ts` edits the rows that it reads.
 */
import type { LogRow } from '@rialto/contracts';
import { Rialto } from '../src/index.ts';
import { MAX_REJOINS_PER_DAY } from '../src/conversations/conversation-record.ts';
import { UNREADABLE_BEFORE_REJOIN } from '../src/conversations/row-failure.ts';
import { damaged, LyingServer, lying, recordOf } from './lies.ts';
import { eventually, sharedWorld, texts } from './world.ts';

const world = sharedWorld();

type Pair = Awaited<ReturnType<typeof lying>>;

async function write({ anas }: Pair, ...written: string[]): Promise<void> {
  for (const text of written) await anas.send({ text });
  await anas.flushed();
}
const isAnas =
  ({ ana }: Pair) =>
  (row: LogRow): boolean =>
    row.kind === 'application' && row.senderAccount === ana.client.account.accountId;
/** Ben can read what Ana writes next. */
async function expectToRead(pair: Pair, text: string): Promise<void> {
  await pair.ana.client.sync();
  await write(pair, text);
  await pair.server.honest();
  expect((await texts(pair.bens)).at(-1)).toBe(text);
}

test('noise of a member brings a device back once a day at most, and never stops the conversation', async () => {
  const pair = await lying(world);
  const noise = Array.from({ length: UNREADABLE_BEFORE_REJOIN - 1 }, (_unused, n) => `noise ${n}`);
  const noisy = { rows: (log: readonly LogRow[]) => log.map((row) => (isAnas(pair)(row) ? damaged(row) : row)) };
  await write(pair, ...noise);
  await pair.server.shows(noisy);
  expect(await texts(pair.bens)).toEqual(noise.map(() => 'undecryptable'));
  expect(await recordOf(pair.ben, pair.id)).toMatchObject({ membership: 'joined', rejoins: { count: 0 } });
  await write(pair, 'the last straw');
  await pair.server.shows(noisy);
  expect(await recordOf(pair.ben, pair.id)).toMatchObject({ membership: 'joined', rejoins: { count: 1 } });
  for (let round = 0; round < 2; round += 1) {
    await pair.ana.client.sync();
    await write(pair, ...noise, 'more');
    await pair.server.shows(noisy);
  }
  expect(await recordOf(pair.ben, pair.id)).toMatchObject({ membership: 'joined', rejoins: { count: 1 } });
  await expectToRead(pair, 'can you hear me?');
});

test('one message that opens ends the counting of those that did not', async () => {
  const pair = await lying(world);
  const many = Array.from({ length: UNREADABLE_BEFORE_REJOIN + 2 }, (_unused, n) => `${n}`);
  await write(pair, ...many);
  let count = 0;
  await pair.server.shows((log) => {
    count = 0;
    return log.map((row) => (isAnas(pair)(row) && (count += 1) !== 4 ? damaged(row) : row));
  });
  expect((await texts(pair.bens)).filter((text) => text !== 'undecryptable')).toEqual(['3']);
  expect(await recordOf(pair.ben, pair.id)).toMatchObject({ membership: 'joined', rejoins: { count: 0 } });
});

/** Ana in a conversation that Ben has just accepted: his first commit is the next row for her. */
async function beforeACommit() {
  const [ana, ben] = await Promise.all([world.enter('ana'), world.enter('ben')]);
  const anas = await ana.client.conversations.createDm(`@${ben.handle}`);
  const server = new LyingServer(ana, anas.id);
  await ben.client.sync();
  await ben.client.conversations.accept(anas.id);
  await eventually('the commit', async () => !(await recordOf(ben, anas.id)).needsSelfUpdate);
  return { ana, ben, anas, server };
}

test('a commit that was damaged on its way is asked for again', async () => {
  const { ana, anas, server } = await beforeACommit();
  const { cursor } = await recordOf(ana, anas.id);
  let damages = 1;
  await server.shows((log) => log.map((row) => (row.seq === cursor + 1 && damages-- > 0 ? damaged(row) : row)));
  expect(await recordOf(ana, anas.id)).toMatchObject({ cursor: cursor + 1, membership: 'joined', rejoins: { count: 0 } });
});

test('a commit that cannot be followed brings the device back, which then reads on', async () => {
  const { ana, ben, anas, server } = await beforeACommit();
  const { cursor } = await recordOf(ana, anas.id);
  await server.shows((log) => log.map((row) => (row.seq === cursor + 1 ? damaged(row) : row)));
  expect(await recordOf(ana, anas.id)).toMatchObject({ membership: 'joined', rejoins: { count: 1 } });
  await ben.client.sync();
  await (await ben.client.conversations.get(anas.id)).send({ text: 'welcome back' });
  await eventually('the message', async () => {
    await server.honest();
    return (await texts(anas)).includes('welcome back');
  });
});

test('a device that is made to come back again and again gives up for the day, and says so once', async () => {
  const pair = await lying(world);
  for (let round = 0; round <= MAX_REJOINS_PER_DAY; round += 1) {
    const { cursor } = await recordOf(pair.ben, pair.id);
    await pair.ana.client.sync();
    await write(pair, `round ${round}`);
    await pair.server.shows((log) =>
      log.map((row) => (row.seq > cursor && isAnas(pair)(row) ? { ...row, kind: 'commit' as const, bytes: 'AAAA' } : row)),
    );
  }
  await pair.server.honest();
  expect(await recordOf(pair.ben, pair.id)).toMatchObject({ membership: 'broken' });
  expect(pair.ben.problems.filter(({ code }) => code === 'conversation-needs-repair')).toHaveLength(1);
  expect(await pair.ben.client.conversations.summary(pair.id)).toMatchObject({ needs: 'repair' });
});

test('a device that finds its group lost or torn comes back by itself', async () => {
  const { ana, ben, anas, id } = await lying(world);
  await ben.client.settle().catch((error: unknown) => expect(error).toMatchObject({ code: 'unavailable' }));
  await ben.client.close();
  await ben.store.write([{ kind: 'put', table: 'group', key: `${id}/tree`, value: new Uint8Array([1, 2, 3]) }]);
  const again = await Rialto.open({ url: world.url, store: ben.store });
  await again.whenOnline();
  await eventually('the way back', async () => {
    const { membership, rejoins } = await recordOf(ben, id);
    return membership === 'joined' && rejoins.count === 1;
  });
  await anas.send({ text: 'there you are' });
  const back = await again.conversations.get(id);
  await eventually('the message', async () => (await texts(back)).includes('there you are'));
  expect(ana.problems).toEqual([]);
  await again.close();
});
