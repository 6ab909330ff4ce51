/**
 * A server that lies about the log. Real: everything that `world.ts` lists; between Ben and the server `lies.ts` edits the rows that he
 * reads. He must see what is missing, changed or put in, and never take it for what Ana wrote.
 */
import { type ClientMessageId, idFrom, type LogRow, MAX_PAGE } from '@rialto/contracts';
import { Group, randomBytes } from '@rialto/crypto';
import { decodeEnvelope, encodeEnvelope, type Envelope } from '../src/messages/envelope.ts';
import type { MessageView, Problem } from '../src/index.ts';
import { damaged, type Log, lying, recordOf, renumbered } from './lies.ts';
import { eventually, sharedWorld, texts } from './world.ts';

const world = sharedWorld();

type Pair = Awaited<ReturnType<typeof lying>>;

/** Ana writes, each message on what she had seen of the one before. Gives their places in the true log. */
async function write({ ana, anas, id }: Pair, ...written: string[]): Promise<number[]> {
  const sent: string[] = [];
  for (const text of written) {
    sent.push((await anas.send({ text })).id);
    await anas.flushed();
    await eventually('her own view of it', async () => (await anas.message(sent.at(-1) ?? '')).state === 'sent');
  }
  const { rows } = await ana.client.connection.api.messaging.listMessages({ conversationId: id, after: 0, limit: MAX_PAGE });
  return sent.map((message) => rows.find(({ clientMessageId }) => clientMessageId === message)?.seq ?? NaN);
}

/** What Ana seals next has another envelope. */
function sealNext(change: (envelope: Envelope) => Envelope): void {
  const { send } = Group.prototype;
  jest.spyOn(Group.prototype, 'send').mockImplementationOnce(function (this: Group, plaintext, id) {
    const envelope = decodeEnvelope(plaintext);
    if (!envelope) throw new Error('not an envelope');
    return send.call(this, encodeEnvelope(change(envelope)), id);
  });
}

const shown = async ({ bens }: Pair, text: string): Promise<MessageView> => {
  const found = (await bens.page()).find(({ body }) => body.type === 'text' && body.text === text);
  if (!found) throw new Error(`${text} is not shown`);
  return found;
};
const codes = ({ ben }: Pair): Problem['code'][] => ben.problems.map(({ code }) => code);
const without =
  (seq: number) =>
  (log: Log): Log =>
    log.filter((row) => row.seq !== seq);
const changed =
  (seq: number, change: (row: LogRow) => LogRow) =>
  (log: Log): Log =>
    log.map((row) => (row.seq === seq ? change(row) : row));
/** The rows of two places, each under the number of the other. */
const swapped =
  (first: number, second: number) =>
  (log: Log): Log => {
    const at = (seq: number) => log.find((row) => row.seq === seq) as LogRow;
    return log.map((row) => {
      if (row.seq === first) return { ...at(second), seq: first };
      return row.seq === second ? { ...at(first), seq: second } : row;
    });
  };

test('nothing behind a hole is read, the hole is reported, and all is read once it is filled', async () => {
  const pair = await lying(world);
  const [, two = 0] = await write(pair, 'one', 'two', 'three');
  await pair.server.shows(without(two));
  expect(await texts(pair.bens)).toEqual(['one']);
  expect(pair.ben.problems).toMatchObject([{ code: 'log-rewritten', detail: `row ${two + 1} follows ${two - 1}` }]);
  await pair.server.honest();
  expect(await texts(pair.bens)).toEqual(['one', 'two', 'three']);
  expect((await pair.bens.page()).some(({ gapBefore, historyDiffers }) => gapBefore || historyDiffers)).toBe(false);
});

test('of two rows that changed places, the earlier one is missed and does not come afterwards as if it were new', async () => {
  const pair = await lying(world);
  const [, two = 0, three = 0] = await write(pair, 'one', 'two', 'three');
  await pair.server.shows(swapped(two, three));
  expect(await texts(pair.bens)).toEqual(['one', 'three']);
  expect(await shown(pair, 'three')).toMatchObject({ gapBefore: 1, historyDiffers: true });
  expect(codes(pair)).toEqual(['history-differs']);
});

test('a row that was damaged on its way is asked for again', async () => {
  const pair = await lying(world);
  const [, two = 0] = await write(pair, 'one', 'two', 'three');
  let damages = 1;
  await pair.server.shows((log) => (damages-- > 0 ? changed(two, damaged)(log) : log));
  expect(await texts(pair.bens)).toEqual(['one', 'two', 'three']);
  expect((await pair.bens.page()).some(({ gapBefore, historyDiffers }) => gapBefore || historyDiffers)).toBe(false);
  expect(pair.ben.problems).toEqual([]);
});

test('a row that stays damaged is shown as unreadable, costs nothing else, and the next message says that the history differs', async () => {
  const pair = await lying(world);
  const [, two = 0] = await write(pair, 'one', 'two', 'three');
  await pair.server.shows(changed(two, damaged));
  expect(await texts(pair.bens)).toEqual(['one', 'undecryptable', 'three']);
  expect((await pair.bens.page())[1]?.body).toEqual({ type: 'undecryptable', reason: 'unreadable', willRepair: false });
  expect(await shown(pair, 'three')).toMatchObject({ gapBefore: 1, historyDiffers: true });
  expect(await recordOf(pair.ben, pair.id)).toMatchObject({ membership: 'joined', rejoins: { count: 0 } });
});

test('a message that is repeated under a new number is not shown again, and is found out by the next one', async () => {
  const pair = await lying(world);
  const [one = 0] = await write(pair, 'one', 'two', 'three');
  await pair.server.shows((log) => renumbered(log.flatMap((row) => (row.seq === one ? [row, row] : [row]))));
  expect(await texts(pair.bens)).toEqual(['one', 'two', 'three']);
  expect(await shown(pair, 'two')).not.toHaveProperty('historyDiffers');
  expect(await shown(pair, 'three')).toMatchObject({ historyDiffers: true });
  expect(codes(pair)).toEqual(['history-differs']);
});

test('an own message that the log holds with other bytes is not taken for sent', async () => {
  const pair = await lying(world);
  pair.server.takesMessages = true;
  const own = await pair.bens.send({ text: 'mine' });
  await eventually('the message', () => pair.server.stored.length > 0);
  const [stored = 0] = pair.server.stored;
  await pair.server.shows(changed(stored, damaged));
  expect(pair.ben.problems).toMatchObject([{ code: 'log-rewritten', detail: `row ${stored}` }]);
  expect((await pair.bens.message(own.id)).state).toBe('sending');
});

test('a row that was taken out for one side only, with the rest renumbered, is missed by the very next message', async () => {
  const pair = await lying(world);
  const [, two = 0] = await write(pair, 'one', 'two', 'three', 'four');
  await pair.server.shows((log) => renumbered(without(two)(log)));
  expect(await texts(pair.bens)).toEqual(['one', 'three', 'four']);
  expect(await shown(pair, 'three')).toMatchObject({ gapBefore: 1, historyDiffers: true });
  expect(await shown(pair, 'four')).toMatchObject({ historyDiffers: true });
  expect(codes(pair)).toEqual(['history-differs', 'history-differs']);
  expect(pair.ben.problems[0]).toMatchObject({ conversationId: pair.id, detail: `row ${two}` });
});

test('an envelope with an id that is not the authenticated one, or with a used number, is not shown as a message', async () => {
  const pair = await lying(world);
  await write(pair, 'one');
  sealNext((envelope) => ({ ...envelope, id: idFrom<ClientMessageId>('msg', randomBytes(16)) }));
  await write(pair, 'two');
  sealNext((envelope) => ({ ...envelope, n: 0 }));
  await write(pair, 'three', 'four');
  await pair.server.honest();
  expect(await texts(pair.bens)).toEqual(['one', 'undecryptable', 'four']);
  expect((await pair.bens.page())[1]?.body).toMatchObject({ reason: 'malformed', willRepair: false });
});

test('a beginning that is said to be deleted is shown as missing, and what follows is checked against the sender again', async () => {
  const pair = await lying(world);
  const [one = 0] = await write(pair, 'one');
  await pair.server.honest();
  const [, three = 0] = await write(pair, 'two', 'three', 'four', 'five', 'six');
  await pair.server.shows({ rows: (log) => log.filter(({ seq }) => seq <= three), firstSeq: () => three });
  expect(await texts(pair.bens)).toEqual(['one', 'three']);
  expect(await shown(pair, 'three')).toMatchObject({ gapBefore: 1 });
  expect(one).toBeLessThan(three - 1);
  // Taken over from Ana's message, the hash is hers; with another row in the place of a later one, the one after it finds out.
  await pair.server.shows((log) => log.filter(({ seq }) => seq <= three + 1));
  expect(await shown(pair, 'four')).not.toHaveProperty('historyDiffers');
  await pair.server.shows(changed(three + 2, damaged));
  expect(await texts(pair.bens)).toEqual(['one', 'three', 'four', 'undecryptable', 'six']);
  expect(await shown(pair, 'six')).toMatchObject({ historyDiffers: true });
  expect(codes(pair)).toEqual(['history-differs']);
});
