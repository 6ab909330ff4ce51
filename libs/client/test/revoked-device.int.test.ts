/**
 * A device of one account is revoked by another one. Real: everything that `world.ts` lists. The second device is put into the chain by
 * the crypto library, as linking will do it; from then on it is a client like any other.
 */
import {
  addDevice,
  Chains,
  fromBase64url,
  Group,
  newDeviceId,
  newSigningKey,
  readChain,
  toBase64url,
  xwingSuite,
} from '@rialto/crypto';
import { type AccountRecord, signingKey, storedKey } from '../src/account/account-record.ts';
import { ACCOUNT_KEY } from '../src/place-of-account.ts';
import { splitChain } from '../src/account/chain-entries.ts';
import { type Client, MemoryStore, Rialto } from '../src/index.ts';
import { Rows } from '../src/rows.ts';
import { eventually, sharedWorld, type Someone, texts } from './world.ts';

const world = sharedWorld();

const clients: Client[] = [];
afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));

/** Another device of the same person, signed into the chain by the first and known to it. */
async function linked({ client, store }: Someone): Promise<Client> {
  const record = await new Rows<AccountRecord>(store, 'setting').get(ACCOUNT_KEY);
  if (!record) throw new Error('no account');
  const [deviceKey, mlsKey, deviceId] = [newSigningKey(), newSigningKey(), newDeviceId() as AccountRecord['deviceId']];
  const grown = addDevice(
    readChain(fromBase64url(record.chain)),
    { device: deviceId, deviceKey: deviceKey.publicKey, mlsKey: mlsKey.publicKey },
    { device: record.deviceId, privateKey: signingKey(record.deviceKey).privateKey },
  );
  const entry = splitChain(grown.bytes).at(-1) as Uint8Array;
  await client.connection.api.identity.appendToChain({ accountId: record.accountId, entry: toBase64url(entry) });
  await client.devices.refresh();
  const second = new MemoryStore();
  const own = {
    ...record,
    deviceId,
    deviceKey: storedKey(deviceKey),
    mlsKey: storedKey(mlsKey),
    chain: toBase64url(grown.bytes),
  };
  await second.write([new Rows<AccountRecord>(second, 'setting').put(ACCOUNT_KEY, own)]);
  const opened = await Rialto.open({ url: world.url, store: second });
  clients.push(opened);
  await opened.whenOnline();
  await opened.sync(); // publishes its key packages
  return opened;
}

test('a revoked device is taken out of every conversation and reads nothing of what comes after', async () => {
  const [ana, ben, carl] = await Promise.all([world.enter('ana'), world.enter('ben'), world.enter('carl')]);
  const second = await linked(ana);
  const third = await linked(ana);
  const spoken = [];
  for (const peer of [ben, carl]) {
    const theirs = await peer.client.conversations.createDm(`@${ana.handle}`);
    await ana.client.sync();
    await ana.client.conversations.accept(theirs.id);
    for (const device of [second, third]) await device.sync();
    await theirs.send({ text: 'to all of you' });
    for (const device of [ana.client, second, third]) {
      const conversation = await device.conversations.get(theirs.id);
      await eventually('the message', async () => (await texts(conversation)).includes('to all of you'));
    }
    spoken.push({ peer, theirs });
  }
  await ana.client.devices.revoke(second.account.deviceId);
  for (const { peer, theirs } of spoken) {
    const here = async () => devicesIn(peer, theirs.id);
    await eventually('the removal', async () => !(await here()).includes(second.account.deviceId));
    expect((await here()).toSorted()).toEqual([ana.client, third, peer.client].map(({ account }) => account.deviceId).toSorted());
    await theirs.send({ text: 'without it' });
    for (const device of [ana.client, third]) {
      const conversation = await device.conversations.get(theirs.id);
      await eventually('the message', async () => (await texts(conversation)).includes('without it'));
    }
    expect(await texts(await second.conversations.get(theirs.id))).not.toContain('without it');
  }
  expect([...ana.problems, ...ben.problems, ...carl.problems].filter(({ code }) => code !== 'device-revoked')).toEqual([]);
});

async function devicesIn({ store }: Someone, id: string): Promise<string[]> {
  const [state, tree] = [await store.read('group', `${id}/state`), await store.read('group', `${id}/tree`)];
  if (!state || !tree) throw new Error('no group');
  return Group.load({ suite: await xwingSuite(), chains: new Chains() }, { state, tree }).members.map(({ device }) => device);
}
