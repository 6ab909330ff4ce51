/**
 * The SDK against the whole system. Real: PostgreSQL, NATS, all services, the gateway, HTTP and WebSocket, the Stripe simulator, MLS.
 */
import type { ConversationId, LogRow } from '@rialto/contracts';
import { MemoryStore, Rialto, type RialtoClient } from '../src/index.ts';
import { eventually, introduce, sharedWorld, type Someone, texts } from './world.ts';

const world = sharedWorld();
let ana: Someone;
let ben: Someone;
beforeAll(async () => {
  [ana, ben] = await Promise.all([world.enter('ana'), world.enter('ben')]);
});

const stateOf = async ({ client }: Someone, conversation: ConversationId, id: string) =>
  (await (await client.conversations.get(conversation)).message(id)).state;

test('two people meet by handle, and the second decides before anything of it is opened', async () => {
  const carl = await world.enter('carl');
  const anas = await ana.client.conversations.createDm(`@${carl.handle}`);
  const hello = await anas.send({ text: 'hello' });
  await anas.flushed();
  await carl.client.sync();
  const [request] = await carl.client.conversations.list();
  expect(request).toMatchObject({ standing: 'requested', needs: 'acceptance', unread: 0 });
  const carls = await carl.client.conversations.get(anas.id);
  expect(await texts(carls)).toEqual([]);
  await expect(carls.send({ text: 'no' })).rejects.toMatchObject({ code: 'not-accepted' });
  await carl.client.conversations.accept(anas.id);
  expect(await texts(carls)).toEqual(['hello']);
  await eventually('the receipt', async () => (await stateOf(ana, anas.id, hello.id)) === 'delivered');
});

test('text, reply, reaction and receipts reach the other side, and nothing is reported as a problem', async () => {
  const { anas, bens } = await introduce(ana, ben);
  const first = await anas.send({ text: 'one' });
  await eventually('the message', async () => (await texts(bens)).includes('one'));
  await bens.send({ text: 'two', replyTo: first.id });
  await bens.react(first.id, '🎉');
  await bens.react(first.id, '👍');
  await bens.markRead(first.id);
  const seen = await eventually('reply and reaction', async () => {
    const page = await anas.page();
    const isAnswered = page.some(({ replyTo }) => replyTo?.id === first.id && replyTo.excerpt === 'one');
    return isAnswered ? page.find(({ state }) => state === 'read') : undefined;
  });
  expect(seen.reactions).toEqual([{ emoji: '👍', by: [ben.client.account.accountId] }]);
  await bens.react(first.id, null);
  await eventually('the reaction taken back', async () => (await anas.message(first.id)).reactions.length === 0);
  expect((await ben.client.conversations.summary(bens.id)).unread).toBe(0);
  expect([...ana.problems, ...ben.problems]).toEqual([]);
});

test('both open the conversation at once: there is one, and both write in it', async () => {
  const [dora, emil] = await Promise.all([world.enter('dora'), world.enter('emil')]);
  const [doras, emils] = await Promise.all([
    dora.client.conversations.createDm(`@${emil.handle}`),
    emil.client.conversations.createDm(`@${dora.handle}`),
  ]);
  expect(doras.id).toBe(emils.id);
  const [one, two] = [await dora.client.conversations.list(), await emil.client.conversations.list()];
  expect([one.length, two.length]).toEqual([1, 1]);
  await Promise.all([doras.send({ text: 'from dora' }), emils.send({ text: 'from emil' })]);
  await eventually('both texts', async () => {
    const all = [await texts(doras), await texts(emils)];
    return all.every((list) => list.includes('from dora') && list.includes('from emil'));
  });
});

test('many messages from both sides arrive once each and in order, with their receipts', async () => {
  const [fay, gil] = await Promise.all([world.enter('fay'), world.enter('gil')]);
  const { anas: fays, bens: gils } = await introduce(fay, gil);
  const count = 60;
  for (let n = 0; n < count; n += 1) {
    await fays.send({ text: `f${n}` });
    await gils.send({ text: `g${n}` });
  }
  await Promise.all([fays.flushed(), gils.flushed()]);
  await eventually(
    'everything',
    async () => (await texts(fays)).length === 2 * count && (await texts(gils)).length === 2 * count,
  );
  const inOrder = (list: string[], letter: string) => list.filter((text) => text.startsWith(letter));
  const expected = (letter: string) => Array.from({ length: count }, (_unused, n) => `${letter}${n}`);
  for (const conversation of [fays, gils]) {
    const list = await texts(conversation);
    expect([inOrder(list, 'f'), inOrder(list, 'g')]).toEqual([expected('f'), expected('g')]);
  }
  await eventually('all receipts', async () =>
    (await fays.page({ limit: 200 })).every(({ isMine, state }) => !isMine || state === 'delivered'),
  );
  expect([...fay.problems, ...gil.problems]).toEqual([]);
});

test('what was written while the server was away goes out when it is back, in order', async () => {
  const [hal, ivy] = await Promise.all([world.enter('hal'), world.enter('ivy')]);
  const { anas: hals, bens: ivys } = await introduce(hal, ivy);
  await hal.client.settle();
  const store = hal.store;
  await hal.client.close();
  const offline = await Rialto.open({ url: 'http://localhost:9', store });
  const written = await offline.conversations.get(hals.id);
  for (const text of ['a', 'b', 'c']) await written.send({ text });
  expect((await offline.conversations.summary(hals.id)).pendingSends).toBe(3);
  await offline.close();
  const online = await Rialto.open({ url: world.url, store });
  await online.whenOnline();
  await eventually('the messages', async () => (await texts(ivys)).length === 3);
  expect(await texts(ivys)).toEqual(['a', 'b', 'c']);
  await online.close();
});

test('a block stops messages, in words, and lifting it lets the failed one be tried again', async () => {
  const [jan, kim] = await Promise.all([world.enter('jan'), world.enter('kim')]);
  const { anas: jans, bens: kims } = await introduce(jan, kim);
  await kim.client.conversations.block(jan.client.account.accountId);
  const refused = await jans.send({ text: 'are you there?' });
  await eventually('the failure', async () => (await jans.message(refused.id)).state === 'failed');
  expect(await jans.message(refused.id)).toMatchObject({ error: 'not-reachable' });
  await kim.client.conversations.unblock(jan.client.account.accountId);
  await jans.retry(refused.id);
  await eventually('the message', async () => (await texts(kims)).includes('are you there?'));
  expect((await kims.page()).every(({ gapBefore }) => gapBefore === undefined)).toBe(true);
});

test('a row that is pushed again, or with other bytes, changes nothing', async () => {
  const [lea, max] = await Promise.all([world.enter('lea'), world.enter('max')]);
  const { anas: leas, bens: maxs } = await introduce(lea, max);
  await leas.send({ text: 'once' });
  await eventually('the message', async () => (await texts(maxs)).length === 1);
  const { rows } = await max.client.connection.api.messaging.listMessages({ conversationId: leas.id, after: 0 });
  for (const row of rows) await max.client.conversations.handleMessage(row);
  for (const row of rows) await max.client.conversations.handleMessage({ ...row, seq: row.seq + 100 } as LogRow);
  expect(await texts(maxs)).toEqual(['once']);
  await leas.send({ text: 'twice' });
  await eventually('the next one', async () => (await texts(maxs)).length === 2);
});

test('a device whose group is damaged comes back by its pin and goes on', async () => {
  const [nora, otto] = await Promise.all([world.enter('nora'), world.enter('otto')]);
  const { anas: noras, bens: ottos } = await introduce(nora, otto);
  await noras.send({ text: 'before' });
  await eventually('the message', async () => (await texts(ottos)).includes('before'));
  await otto.client.settle();
  await otto.client.close();
  // The group is lost, the record with its pin is not.
  const record = await otto.store.read('conversation', noras.id);
  const broken = JSON.parse(new TextDecoder().decode(record)) as object;
  await otto.store.write([
    { kind: 'delete', table: 'group', key: `${noras.id}/state` },
    { kind: 'delete', table: 'group', key: `${noras.id}/tree` },
    {
      kind: 'put',
      table: 'conversation',
      key: noras.id,
      value: new TextEncoder().encode(JSON.stringify({ ...broken, membership: 'broken' })),
    },
  ]);
  const again = await Rialto.open({ url: world.url, store: otto.store });
  await again.whenOnline();
  const back = await again.conversations.get(noras.id);
  await eventually('the way back', async () => (await again.conversations.summary(noras.id)).needs === undefined);
  await noras.send({ text: 'after' });
  await eventually('the message', async () => (await texts(back)).includes('after'));
  await back.send({ text: 'I am back' });
  await eventually('the answer', async () => (await texts(noras)).includes('I am back'));
  const said = { body: { type: 'system', text: 'device-rejoined' } };
  for (const conversation of [noras, back]) expect(await conversation.page()).toContainEqual(expect.objectContaining(said));
  await again.close();
});

test('money comes in by a checkout, goes out by a signed intent, and both statements verify', async () => {
  const [pia, quin] = await Promise.all([world.enter('pia'), world.enter('quin')]);
  const { anas: pias, bens: quins } = await introduce(pia, quin);
  const topUp = await pia.client.wallet.topUp({ currency: 'EUR', amountMinor: 2_000n });
  await fetch(`${topUp.checkoutUrl}/pay`, { method: 'POST', body: new URLSearchParams({ card: 'pays' }), redirect: 'manual' });
  await eventually('the top-up', async () => (await euros(pia.client)) === 2_000n);
  await pias.sendMoney({ amountMinor: 1_200n, currency: 'EUR', memo: 'lunch' });
  for (const conversation of [pias, quins]) {
    await eventually('the settled card', async () =>
      (await conversation.page()).some(
        ({ body }) => body.type === 'payment' && body.state === 'settled' && body.memo === 'lunch',
      ),
    );
  }
  expect([await euros(pia.client), await euros(quin.client)]).toEqual([800n, 1_200n]);
  expect((await quin.client.wallet.statement('EUR')).map(({ memo, direction }) => [memo, direction])).toEqual([
    ['lunch', 'credit'],
  ]);
  await expect(pias.sendMoney({ amountMinor: 900n, currency: 'EUR' })).rejects.toMatchObject({ code: 'insufficient-funds' });
  expect((await pias.page()).filter(({ body }) => body.type === 'payment')).toHaveLength(1);
  expect([...pia.problems, ...quin.problems]).toEqual([]);
});

test('the recovery phrase is kept until it is confirmed and checked without being kept, and a second account does not fit into a store', async () => {
  const rita = await world.enter('rita');
  await expect(rita.client.confirmRecoveryPhrase(ben.phrase)).rejects.toMatchObject({ code: 'phrase-wrong' });
  expect(await rita.client.recoveryPhrase()).toBe(rita.phrase);
  await rita.client.confirmRecoveryPhrase(`  ${rita.phrase.toUpperCase()} `);
  expect(rita.client.account.recoveryPhraseConfirmed).toBe(true);
  expect(await rita.client.recoveryPhrase()).toBeNull();
  const stored = await rita.store.list('setting');
  expect(stored.every(({ value }) => !new TextDecoder().decode(value).includes(rita.phrase))).toBe(true);
  await expect(Rialto.register({ url: world.url, store: rita.store, handle: 'another' })).rejects.toMatchObject({
    code: 'account-exists',
  });
  await expect(Rialto.open({ store: new MemoryStore() })).rejects.toMatchObject({ code: 'no-account' });
});

async function euros({ wallet }: RialtoClient): Promise<bigint> {
  return (await wallet.refresh()).find(({ currency }) => currency === 'EUR')?.balanceMinor ?? -1n;
}
