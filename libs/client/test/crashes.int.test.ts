/**
 * A process that ends at any of its writes, before or after the write took effect, and is started again on what is stored: nothing is lost,
 * nothing comes twice, and what was sealed goes out with the same bytes. Real: everything that `world.ts` lists.
 */
import { AppError, type ConversationId } from '@rialto/contracts';
import { MemoryStore, Rialto } from '../src/index.ts';
import { type Crash, FaultyStore } from './faulty-store.ts';
import { eventually, introduce, sharedWorld, texts } from './world.ts';

const world = sharedWorld();
jest.setTimeout(300_000);

const CRASHES: readonly Crash[] = ['before', 'after'];
/** More writes than one message takes from the keyboard to the receipt. */
const SEND_WRITES = 6;
const RECEIVE_WRITES = 5;
const REGISTER_WRITES = 7;
const OPEN_WRITES = 6;
const MERGE_WRITES = 9;

const cases = (writes: number) =>
  CRASHES.flatMap((how) => Array.from({ length: writes }, (_unused, index) => ({ how, nth: index + 1 })));

test('sending survives a crash at every write', async () => {
  const [ana, ben] = await Promise.all([world.enter('ana'), world.enter('ben')]);
  const { anas, bens } = await introduce(ana, ben);
  await eventually(
    'the self-update',
    async () => (await ana.client.connection.api.messaging.getConversation({ conversationId: anas.id })).epoch >= 2,
  );
  await ana.client.settle();
  await ana.client.close();
  const sent: string[] = [];
  for (const { how, nth } of cases(SEND_WRITES)) {
    const faulty = new FaultyStore(ana.store);
    const client = await Rialto.open({ url: world.url, store: faulty });
    await client.whenOnline();
    await client.sync();
    await client.settle();
    const conversation = await client.conversations.get(anas.id);
    faulty.crashAt(nth, how);
    const text = `${how} ${nth}`;
    const wasStored = await conversation.send({ text }).then(
      () => true,
      () => how === 'after', // the write took effect although the call failed
    );
    await conversation.flushed().catch(() => undefined);
    await client.close();
    const again = await Rialto.open({ url: world.url, store: ana.store });
    await again.whenOnline();
    await again.sync();
    await again.settle();
    const back = await again.conversations.get(anas.id);
    if (wasStored || (await texts(back)).includes(text)) sent.push(text);
    await eventually(`${text} sent`, async () => (await back.page()).every(({ state }) => state !== 'sending'));
    await again.close();
  }
  await eventually('all messages', async () => (await texts(bens)).length >= sent.length);
  expect(await texts(bens)).toEqual(sent);
  expect((await bens.page({ limit: 500 })).every(({ gapBefore, historyDiffers }) => !gapBefore && !historyDiffers)).toBe(true);
  expect(sent.length).toBeGreaterThanOrEqual(2 * SEND_WRITES - 1);
  expect(ben.problems).toEqual([]);
});

test('receiving survives a crash at every write', async () => {
  const [ana, ben] = await Promise.all([world.enter('ana'), world.enter('ben')]);
  const { anas, bens } = await introduce(ana, ben);
  await ben.client.settle();
  await ben.client.close();
  const sent: string[] = [];
  for (const { how, nth } of cases(RECEIVE_WRITES)) {
    const text = `${how} ${nth}`;
    await anas.send({ text });
    await anas.flushed();
    sent.push(text);
    const faulty = new FaultyStore(ben.store);
    faulty.crashAt(nth, how);
    const client = await Rialto.open({ url: world.url, store: faulty });
    await client.whenOnline().catch(() => undefined);
    await client.sync().catch(() => undefined);
    await client.settle().catch(() => undefined);
    await client.close();
  }
  const back = await Rialto.open({ url: world.url, store: ben.store });
  await back.whenOnline();
  await back.sync();
  await back.settle();
  expect(await texts(await back.conversations.get(bens.id))).toEqual(sent);
  await eventually('the receipts', async () => (await anas.page({ limit: 100 })).every(({ state }) => state === 'delivered'));
  await back.close();
});

test('registration goes on as the same account after a crash at every write', async () => {
  for (const { how, nth } of cases(REGISTER_WRITES)) {
    const memory = new MemoryStore();
    const faulty = new FaultyStore(memory);
    faulty.crashAt(nth, how);
    const handle = `reg_${how}_${nth}_${Math.random().toString(36).slice(2, 8)}`;
    const first = await Rialto.register({ url: world.url, store: faulty, handle }).then(
      ({ client }) => client.close().then(() => 'done'),
      () => 'crashed',
    );
    const isThere = await Rialto.hasAccount(memory);
    if (!isThere) {
      const { client, recoveryPhrase } = await Rialto.register({ url: world.url, store: memory, handle });
      expect(recoveryPhrase.split(' ')).toHaveLength(12);
      await client.close();
    }
    const client = await Rialto.open({ url: world.url, store: memory });
    await client.whenOnline();
    await client.confirmRecoveryPhrase((await client.recoveryPhrase()) ?? '');
    const packages = await client.connection.api.identity.countKeyPackages({});
    const own = await client.connection.api.identity.getAccount({ accountId: client.account.accountId });
    expect([first, own.handle, packages.hasLastResort, packages.available > 0]).toEqual([expect.any(String), handle, true, true]);
    await client.close();
  }
});

test('opening a conversation survives a crash at every write', async () => {
  for (const { how, nth } of cases(OPEN_WRITES)) {
    const [ana, ben] = await Promise.all([world.enter('ana'), world.enter('ben')]);
    await ana.client.close();
    const faulty = new FaultyStore(ana.store);
    const client = await Rialto.open({ url: world.url, store: faulty });
    await client.whenOnline();
    await client.settle();
    faulty.crashAt(nth, how);
    await client.conversations.createDm(`@${ben.handle}`).catch(() => undefined);
    await client.close();
    const again = await Rialto.open({ url: world.url, store: ana.store });
    await again.whenOnline();
    await again.sync();
    const anas = await again.conversations.createDm(`@${ben.handle}`);
    await anas.send({ text: 'hello' });
    await anas.flushed();
    await ben.client.sync();
    const bens = await ben.client.conversations.accept(anas.id);
    await eventually(`the message after ${how} ${nth}`, async () => (await texts(bens)).includes('hello'));
    expect(await again.conversations.list()).toHaveLength(1);
    await again.close();
    await ben.client.close();
  }
});

test('what was written into a conversation that lost against the other side’s survives a crash at every write', async () => {
  for (const { how, nth } of cases(MERGE_WRITES)) {
    const [eva, finn] = await Promise.all([world.enter('eva'), world.enter('finn')]);
    const { messaging } = eva.client.connection.api;
    Object.assign(messaging, { createDm: () => Promise.reject(new AppError('unavailable')) });
    await expect(eva.client.conversations.createDm(`@${finn.handle}`)).rejects.toMatchObject({ code: 'unavailable' });
    const [opening] = await eva.client.conversations.list();
    const early = await eva.client.conversations.get(opening?.id as ConversationId);
    for (const text of ['one', 'two']) await early.send({ text });
    await eva.client.close();
    const finns = await finn.client.conversations.createDm(`@${eva.handle}`);

    const faulty = new FaultyStore(eva.store);
    faulty.crashAt(nth, how);
    const client = await Rialto.open({ url: world.url, store: faulty });
    await client.whenOnline().catch(() => undefined);
    await client.sync().catch(() => undefined);
    await client.settle().catch(() => undefined);
    await client.close();
    const back = await Rialto.open({ url: world.url, store: eva.store });
    await back.whenOnline();
    await back.sync();
    await eventually(`the texts, ${how} ${nth}`, async () => (await texts(finns)).includes('two'));
    expect(await texts(finns)).toEqual(['one', 'two']);
    expect((await back.conversations.list()).map(({ id }) => id)).toEqual([finns.id]);
    await back.close();
    await finn.client.close();
  }
});
