/**
 * What this device refuses to do before anything leaves it, and what it says of itself. Real: everything that `world.ts` lists; media are
 * the loopback's.
 */
import { AppError } from '@rialto/contracts';
import { Rialto, type Client } from '../src/index.ts';
import { LoopbackEngine } from './loopback-engine.ts';
import { eventually, introduce, sharedWorld, texts } from './world.ts';

const HOURS_MS = 3 * 60 * 60 * 1000;
const world = sharedWorld();

/** The same device with a way to call. */
async function withMedia({ client, store }: { client: Client; store: Parameters<typeof Rialto.open>[0]['store'] }) {
  await client.settle();
  await client.close();
  const again = await Rialto.open({ url: world.url, store, media: new LoopbackEngine() });
  await again.whenOnline();
  return again;
}

test('signals of a call carry the time of the server, so that a clock that is hours off does no harm', async () => {
  const [ana, ben] = await Promise.all([world.enter('ana'), world.enter('ben')]);
  const { anas } = await introduce(ana, ben);
  const [caller, callee] = [await withMedia(ana), await withMedia(ben)];
  for (const { connection } of [caller, callee]) connection.serverNow = () => Date.now() + HOURS_MS;
  const sealed: { sentAt: number }[] = [];
  const conversation = await caller.conversations.get(anas.id);
  const seal = conversation.sealEphemeral.bind(conversation);
  conversation.sealEphemeral = (plaintext) => {
    sealed.push(JSON.parse(new TextDecoder().decode(plaintext)) as { sentAt: number });
    return seal(plaintext);
  };
  const ringing = new Promise<void>((resolve, reject) => {
    callee.on('call.incoming', (call) => void call.answer().then(resolve, reject));
  });
  const call = await caller.calls.start(anas.id, { media: 'audio' });
  await ringing;
  await eventually('the call', () => call.state === 'active');
  expect(sealed.every(({ sentAt }) => sentAt - Date.now() > HOURS_MS / 2)).toBe(true);
  await call.hangUp();
  await Promise.all([caller.close(), callee.close()]);
});

test('while there is an alarm about their keys, nobody is written to, paid or called', async () => {
  const [eva, finn] = await Promise.all([world.enter('eva'), world.enter('finn')]);
  const { anas: evas } = await introduce(eva, finn);
  const client = await withMedia(eva);
  const conversation = await client.conversations.get(evas.id);
  await client.people.compareClaim(conversation.peer, { seq: 0, hash: 'A'.repeat(43) });
  const refused = { code: 'keys-changed' };
  await conversation.send({ text: 'no' });
  await expect(conversation.flushed()).rejects.toMatchObject(refused);
  await expect(conversation.sendMoney({ amountMinor: 100n, currency: 'EUR' })).rejects.toMatchObject(refused);
  await expect(client.wallet.send({ to: conversation.peer, amountMinor: 100n, currency: 'EUR' })).rejects.toMatchObject(refused);
  await expect(client.calls.start(conversation.id, { media: 'audio' })).rejects.toMatchObject(refused);
  expect(client.calls.current).toBeNull();
  expect(await client.connection.api.calls.listCalls({})).toMatchObject({ calls: [] });
  await client.people.markVerified(conversation.peer);
  await conversation.send({ text: 'yes' });
  await eventually('the message', async () => (await texts(await finn.client.conversations.get(evas.id))).includes('yes'));
  await client.close();
});

test('no money goes into a conversation that the server may not have: its card could get lost', async () => {
  const [gil, hal] = await Promise.all([world.enter('gil'), world.enter('hal')]);
  const { api } = gil.client.connection;
  Object.assign(api.messaging, { createDm: () => Promise.reject(new AppError('unavailable')) });
  await expect(gil.client.conversations.createDm(`@${hal.handle}`)).rejects.toMatchObject({ code: 'unavailable' });
  const [opening] = await gil.client.conversations.list();
  if (!opening) throw new Error('the opening is not there');
  const conversation = await gil.client.conversations.get(opening.id);
  await expect(conversation.sendMoney({ amountMinor: 100n, currency: 'EUR' })).rejects.toMatchObject({ code: 'offline' });
});
