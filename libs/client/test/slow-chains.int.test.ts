/**
 * A device that comes back into a group while the answers that this takes are slow: its conversation can be read and written meanwhile. Real:
 * everything that `world.ts` lists.
 */
import { Rialto } from '../src/index.ts';
import { recordOf } from './lies.ts';
import { eventually, introduce, sharedWorld, texts } from './world.ts';

const world = sharedWorld();
/** A person who opens a conversation does not wait longer than that. */
const AT_ONCE_MS = 2_000;

test('a slow answer about chains or the group holds up nobody who looks or writes', async () => {
  const [ana, ben] = await Promise.all([world.enter('ana'), world.enter('ben')]);
  const { anas, bens } = await introduce(ana, ben);
  const { id } = anas;
  await anas.send({ text: 'before' });
  await eventually('the message', async () => (await texts(bens)).includes('before'));
  await ben.client.settle();
  await ben.client.close();
  await ben.store.write([{ kind: 'delete', table: 'group', key: `${id}/state` }]);
  await anas.send({ text: 'you cannot read this' });
  await anas.flushed();

  const back = await Rialto.open({ url: world.url, store: ben.store });
  const { identity } = back.connection.api;
  const { getAccount } = identity;
  let answer = (): void => undefined;
  const slow = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let questions = 0;
  Object.assign(identity, {
    getAccount: (input: Parameters<typeof getAccount>[0]) => {
      questions += 1;
      return slow.then(() => getAccount(input));
    },
  });
  await eventually('the question', () => questions > 0);
  const begun = Date.now();
  const conversation = await back.conversations.get(id);
  expect(await texts(conversation)).toEqual(['before']);
  const written = await conversation.send({ text: 'I was away' });
  expect(Date.now() - begun).toBeLessThan(AT_ONCE_MS);
  expect((await conversation.message(written.id)).state).toBe('sending');
  expect(await recordOf(ben, id)).toMatchObject({ membership: 'broken' });
  answer();
  await eventually('its arrival', async () => (await texts(anas)).includes('I was away'));
  expect(await recordOf(ben, id)).toMatchObject({ membership: 'joined', rejoins: { count: 1 } });
  // What came while it was away says why it is missing, and where that ends both are told.
  const notes = (await conversation.page()).map(({ body }) => body).filter(({ type }) => type !== 'text');
  expect(notes).toEqual([
    { type: 'undecryptable', reason: 'not-yet-joined', willRepair: false },
    { type: 'system', text: 'device-rejoined' },
  ]);
  expect((await anas.page()).map(({ body }) => body)).toContainEqual({ type: 'system', text: 'device-rejoined' });
  await back.close();
});
