/**
 * What a device makes of a log that it cannot read in order: rows that were deleted while it was away, and rows that are handed to it as
 * something else. Real: everything that `world.ts` lists, and the retention of the messaging service.
 */
import { AppError, type ConversationId, MAX_PAST_EPOCHS, MESSAGE_RETENTION_DAYS } from '@rialto/contracts';
import { fromBase64url } from '@rialto/crypto';
import { sweepStep } from '../../../apps/messaging/src/retention.ts';
import { type Client, Rialto } from '../src/index.ts';
import { lying, recordOf } from './lies.ts';
import { eventually, introduce, sharedWorld, type Someone, texts } from './world.ts';

const world = sharedWorld();

/** The same device, started again. */
async function reopened({ store }: Someone): Promise<Client> {
  const client = await Rialto.open({ url: world.url, store });
  await client.whenOnline();
  await client.sync();
  return client;
}
/** Ends the epoch and writes nothing after it: the device lost its group and came back by its pin. */
async function comeBackByPin(person: Someone, id: ConversationId, times = 1): Promise<Client> {
  await person.client.settle();
  await person.client.close();
  await person.store.write([{ kind: 'delete', table: 'group', key: `${id}/state` }]);
  const client = await reopened(person);
  await eventually('the way back', async () => {
    const { membership, rejoins } = await recordOf(person, id);
    return membership === 'joined' && rejoins.count === times;
  });
  await client.settle();
  return client;
}
/** Everything is older than the retention time, and the server has looked. */
async function letTimePass(id: ConversationId): Promise<void> {
  const connection = await world.database.admin.connect();
  await connection.query('set search_path to messaging');
  const interval = `${MESSAGE_RETENTION_DAYS + 1} days`;
  await connection.query('update message set at = at - $2::interval where conversation_id = $1', [id, interval]);
  for (let after: string | undefined = ''; after !== undefined;) after = await sweepStep(connection as never, after);
  const { rows } = await connection.query('select 1 from message where conversation_id = $1', [id]);
  connection.release(true);
  expect(rows).toEqual([]);
}

test('a device that missed the end of an epoch, and whose rows are deleted, comes back and can write', async () => {
  const { ana, ben, bens, id } = await lying(world);
  await ben.client.settle();
  await ben.client.close();
  const anas = await comeBackByPin(ana, id);
  await letTimePass(id);
  const back = await reopened(ben);
  expect(await recordOf(ben, id)).toMatchObject({ membership: 'joined', rejoins: { count: 1 } });
  const conversation = await back.conversations.get(bens.id);
  await conversation.send({ text: 'long time no see' });
  await conversation.flushed();
  await eventually('the message', async () => (await texts(await anas.conversations.get(id))).includes('long time no see'));
  await Promise.all([anas.close(), back.close()]);
});

test('a device that is online and missed the ends of epochs, whose rows are deleted, comes back when it writes, without reading everything', async () => {
  const [ana, ben] = await Promise.all([world.enter('ana'), world.enter('ben')]);
  const { anas, bens } = await introduce(ana, ben);
  const { id } = anas;
  await eventually('the first commits', async () => {
    const [hers, his] = [await recordOf(ana, id), await recordOf(ben, id)];
    return !his.needsSelfUpdate && hers.cursor === his.cursor && hers.cursor > 1;
  });
  await ben.client.settle();
  // Nothing is pushed to this device, and it cannot read the list of its conversations: what heals it is not the next full sync.
  ben.client.conversations.handleMessage = async () => undefined;
  const { messaging } = ben.client.connection.api;
  Object.assign(messaging, { listConversations: () => Promise.reject(new AppError('unavailable')) });
  let person = ana;
  for (let times = 1; times <= MAX_PAST_EPOCHS + 1; times += 1)
    person = { ...person, client: await comeBackByPin(person, id, times) };
  await letTimePass(id);
  const { epoch } = bens;
  await bens.send({ text: 'still here' });
  await bens.flushed();
  expect(bens.epoch).toBeGreaterThan(epoch + MAX_PAST_EPOCHS);
  expect(await recordOf(ben, id)).toMatchObject({ membership: 'joined', rejoins: { count: 1 } });
  await eventually('the message', async () => (await texts(await person.client.conversations.get(id))).includes('still here'));
  await person.client.close();
});

test('a device that only missed messages does not end an epoch because of it', async () => {
  const { ana, anas, ben, id } = await lying(world);
  await ben.client.settle();
  await ben.client.close();
  await anas.send({ text: 'lost in time' });
  await anas.flushed();
  await ana.client.settle();
  await letTimePass(id);
  const back = await reopened(ben);
  expect(await recordOf(ben, id)).toMatchObject({ membership: 'joined', rejoins: { count: 0 } });
  await (await back.conversations.get(id)).send({ text: 'here I am' });
  await eventually('the message', async () => (await texts(anas)).includes('here I am'));
  await back.close();
});

test('a message of the log that comes as a signal is refused, and the log opens it all the same', async () => {
  const { anas, ben, bens, id, server } = await lying(world);
  await anas.send({ text: 'not a signal' });
  await anas.flushed();
  const { rows } = await ben.client.connection.api.messaging.listMessages({ conversationId: id, after: 0 });
  const row = rows.findLast(
    ({ kind, senderAccount }) => kind === 'application' && senderAccount !== ben.client.account.accountId,
  );
  await expect(bens.openEphemeral(fromBase64url(row?.bytes ?? ''))).rejects.toMatchObject({ code: 'server-lied' });
  await server.honest();
  expect(await texts(bens)).toEqual(['not a signal']);
});
