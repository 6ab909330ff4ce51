/**
 * A conversation that the server refuses to open, after something was written into it: nothing of it is lost, each message says why it
 * failed, and trying again opens the conversation. Real: everything that `world.ts` lists.
 */
import { AppError, type ConversationId } from '@rialto/contracts';
import { type Client, Rialto } from '../src/index.ts';
import { type Crash, FaultyStore } from './faulty-store.ts';
import { eventually, sharedWorld, type Someone, texts } from './world.ts';

const world = sharedWorld();
jest.setTimeout(300_000);

/** More writes than refusing, trying again and opening anew take. */
const REFUSE_WRITES = 2;
const REOPEN_WRITES = 5;
const opened: Client[] = [];
afterEach(() => Promise.all(opened.splice(0).map((client) => client.close())));

async function reopened(store: Someone['store']): Promise<Client> {
  const client = await Rialto.open({ url: world.url, store });
  opened.push(client);
  await client.whenOnline();
  return client;
}

/** Ana has begun a conversation with Ben while the server was away, and Ben does not want to hear from her. */
async function unwanted(written: readonly string[]) {
  const [ana, ben] = await Promise.all([world.enter('ana'), world.enter('ben')]);
  opened.push(ana.client, ben.client);
  const { messaging } = ana.client.connection.api;
  const { createDm } = messaging;
  Object.assign(messaging, { createDm: () => Promise.reject(new AppError('unavailable')) });
  await expect(ana.client.conversations.createDm(`@${ben.handle}`)).rejects.toMatchObject({ code: 'unavailable' });
  const [opening] = await ana.client.conversations.list();
  const id = opening?.id as ConversationId;
  const early = await ana.client.conversations.get(id);
  for (const text of written) await early.send({ text });
  await ben.client.conversations.block(ana.client.account.accountId);
  Object.assign(messaging, { createDm });
  return { ana, ben, id, unblock: () => ben.client.conversations.unblock(ana.client.account.accountId) };
}
const shown = async (client: Client, id: ConversationId) =>
  (await (await client.conversations.get(id)).page()).map(({ body, state, error }) => [
    body.type === 'text' && body.text,
    state,
    error,
  ]);

test('what was written stays and says why it failed, and trying one again opens the conversation and sends that one', async () => {
  const { ana, ben, id, unblock } = await unwanted(['one', 'two']);
  await ana.client.sync();
  const failed = [
    ['one', 'failed', 'not-reachable'],
    ['two', 'failed', 'not-reachable'],
  ];
  expect(await shown(ana.client, id)).toEqual(failed);
  expect(ana.problems).toEqual([]);
  await ana.client.close();

  const again = await reopened(ana.store);
  await again.sync();
  expect(await shown(again, id)).toEqual(failed);
  const conversation = await again.conversations.get(id);
  const [one] = await conversation.page();
  await conversation.retry(one?.id ?? '');
  await expect(conversation.flushed()).rejects.toMatchObject({ code: 'not-reachable' });
  expect(await shown(again, id)).toEqual(failed);

  await unblock();
  await conversation.retry(one?.id ?? '');
  await eventually('the first one sent', async () => (await conversation.message(one?.id ?? '')).state === 'sent');
  await ben.client.sync();
  const bens = await ben.client.conversations.accept(id);
  await eventually('the text', async () => (await texts(bens)).includes('one'));
  await eventually('the receipt', async () => (await shown(again, id))[0]?.[1] === 'delivered');
  expect((await shown(again, id))[1]).toEqual(['two', 'failed', 'not-reachable']);
  await conversation.send({ text: 'three' });
  await eventually('the next text', async () => (await texts(bens)).includes('three'));
  expect(await texts(bens)).toEqual(['one', 'three']);
  expect((await bens.page()).every(({ gapBefore, historyDiffers }) => !gapBefore && !historyDiffers)).toBe(true);
  expect(await again.conversations.list()).toHaveLength(1);
});

test('writing into it again asks again, money does not go there, and without texts nothing stays behind', async () => {
  const { ana, id, unblock } = await unwanted(['one']);
  await ana.client.sync();
  const conversation = await ana.client.conversations.get(id);
  await expect(conversation.sendMoney({ amountMinor: 100n, currency: 'EUR' })).rejects.toMatchObject({ code: 'not-opened' });
  await conversation.send({ text: 'two' });
  await eventually('the refusal', async () => (await shown(ana.client, id))[1]?.[1] === 'failed');
  await unblock();
  await conversation.send({ text: 'three' });
  await eventually('the message', async () => (await shown(ana.client, id))[2]?.[1] === 'sent');

  const quiet = await unwanted([]);
  await quiet.ana.client.sync().catch((error: unknown) => expect(error).toMatchObject({ code: 'not-reachable' }));
  expect(await quiet.ana.client.conversations.list()).toEqual([]);
});

test('what was refused goes over, still failed, into the conversation that the other side opens', async () => {
  const { ana, ben, unblock } = await unwanted(['one', 'two']);
  await ana.client.sync();
  await unblock();
  const bens = await ben.client.conversations.createDm(`@${ana.handle}`);
  const anas = await ana.client.conversations.createDm(`@${ben.handle}`);
  expect(anas.id).toBe(bens.id);
  expect(await ana.client.conversations.list()).toHaveLength(1);
  expect((await shown(ana.client, anas.id)).map(([text, state]) => [text, state])).toEqual([
    ['one', 'failed'],
    ['two', 'failed'],
  ]);
  const [, two] = await anas.page();
  await anas.retry(two?.id ?? '');
  await eventually('the text', async () => (await texts(bens)).includes('two'));
  expect(await texts(bens)).toEqual(['two']);
});

const CRASHES: readonly Crash[] = ['before', 'after'];
const cases = (writes: number) =>
  CRASHES.flatMap((how) => Array.from({ length: writes }, (_unused, index) => ({ how, nth: index + 1 })));

test('being refused survives a crash at every write', async () => {
  const { ana, id } = await unwanted(['one']);
  await ana.client.close();
  for (const { how, nth } of cases(REFUSE_WRITES)) {
    const faulty = new FaultyStore(ana.store);
    faulty.crashAt(nth, how);
    const client = await Rialto.open({ url: world.url, store: faulty });
    await client.whenOnline().catch(() => undefined);
    await client.sync().catch(() => undefined);
    await client.close();
    const back = await reopened(ana.store);
    await back.sync();
    expect(await shown(back, id)).toEqual([['one', 'failed', 'not-reachable']]);
    await back.close();
  }
});

test('opening it anew survives a crash at every write', async () => {
  for (const { how, nth } of cases(REOPEN_WRITES)) {
    const { ana, ben, id, unblock } = await unwanted(['one']);
    await ana.client.sync();
    await ana.client.close();
    await unblock();
    const faulty = new FaultyStore(ana.store);
    const client = await Rialto.open({ url: world.url, store: faulty });
    await client.whenOnline();
    await client.sync();
    await client.settle();
    const conversation = await client.conversations.get(id);
    const [one] = await conversation.page();
    faulty.crashAt(nth, how);
    await conversation.retry(one?.id ?? '').catch(() => undefined);
    await conversation.flushed().catch(() => undefined);
    await client.close();

    const back = await reopened(ana.store);
    await back.sync();
    const again = await back.conversations.get(id);
    if ((await again.message(one?.id ?? '')).state === 'failed') await again.retry(one?.id ?? '');
    await eventually(`the message, ${how} ${nth}`, async () => (await again.message(one?.id ?? '')).state === 'sent');
    await ben.client.sync();
    expect(await texts(await ben.client.conversations.accept(id))).toEqual(['one']);
    await Promise.all([back.close(), ben.client.close()]);
  }
});
