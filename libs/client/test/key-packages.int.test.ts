/** Key packages that run out, on the whole system. Real: everything that `world.ts` lists; that many were given away is played in the table. */
import { LOW_KEY_PACKAGES } from '@rialto/contracts';
import { Rialto } from '../src/index.ts';
import { eventually, introduce, sharedWorld, type Someone, texts } from './world.ts';

const world = sharedWorld();
const FULL = 3 * LOW_KEY_PACKAGES;

const offeredBy = ({ client }: Someone) => client.connection.api.identity.countKeyPackages({});
/** Others have taken all but `left` of the device's single-use packages. */
async function takeAllBut(left: number, { client }: Someone): Promise<void> {
  await world.database.admin.query(
    `delete from identity.key_package where ref in (select ref from identity.key_package
     where device_id = $1 and not is_last_resort order by published_at desc, ref offset $2)`,
    [client.account.deviceId, left],
  );
}

test('a device that is told that few are left uploads more', async () => {
  const [ana, ben] = await Promise.all([world.enter('ana'), world.enter('ben')]);
  await eventually('the first upload', async () => (await offeredBy(ben)).available === FULL);
  await takeAllBut(LOW_KEY_PACKAGES, ben);
  await introduce(ana, ben); // takes one more
  await eventually('the refill', async () => (await offeredBy(ben)).available === FULL);
  expect([...ana.problems, ...ben.problems]).toEqual([]);
});

test('a device whose packages all went while it was away is met by its last resort, says so, and refills', async () => {
  const [ana, carl, ben] = await Promise.all([world.enter('ana'), world.enter('carl'), world.enter('ben')]);
  await ben.client.close();
  await takeAllBut(0, ben);
  const written = [];
  for (const person of [ana, carl]) {
    const conversation = await person.client.conversations.createDm(`@${ben.handle}`);
    await conversation.send({ text: `from ${person.handle}` });
    written.push({ conversation, person });
  }
  const back = await Rialto.open({ url: world.url, store: ben.store });
  const problems: string[] = [];
  back.on('problem', ({ code }) => problems.push(code));
  await back.whenOnline();
  await back.sync();
  for (const { conversation, person } of written) {
    const bens = await back.conversations.accept(conversation.id);
    await eventually('the message', async () => (await texts(bens)).includes(`from ${person.handle}`));
    await bens.send({ text: 'hello' });
    await eventually('the answer', async () => (await texts(conversation)).includes('hello'));
  }
  expect(problems).toEqual(['welcomed-by-last-resort', 'welcomed-by-last-resort']);
  await eventually('the refill', async () => (await offeredBy({ ...ben, client: back })).available === FULL);
  await back.close();
});
