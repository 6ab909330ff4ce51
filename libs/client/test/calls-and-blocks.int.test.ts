/** Who may call whom, and what a block does to a call. Real: everything that `world.ts` lists; media are the loopback's. */
import type { CallsSurface } from '../src/call-view.ts';
import { Rialto, type Client } from '../src/index.ts';
import { LoopbackEngine } from './loopback-engine.ts';
import { eventually, introduce, sharedWorld, type Someone } from './world.ts';

const world = sharedWorld();

/** The same device with a way to call. */
async function withMedia({ client, store }: Someone): Promise<{ client: Client; engine: LoopbackEngine }> {
  await client.settle();
  await client.close();
  const engine = new LoopbackEngine();
  const again = await Rialto.open({ url: world.url, store, media: engine });
  await again.whenOnline();
  return { client: again, engine };
}

test('while a request is not accepted neither side can ring, nor learns an address', async () => {
  const [ana, ben] = await Promise.all([world.enter('ana'), world.enter('ben')]);
  const [caller, callee] = [await withMedia(ana), await withMedia(ben)];
  const anas = await caller.client.conversations.createDm(`@${ben.handle}`);
  await anas.send({ text: 'hello' });
  await anas.flushed();
  await callee.client.sync();
  const bens = await callee.client.conversations.get(anas.id);
  expect([anas.standing, bens.standing]).toEqual(['accepted', 'requested']);
  for (const { client } of [caller, callee]) {
    await expect(client.calls.start(anas.id, { media: 'audio' })).rejects.toMatchObject({ code: 'not-reachable' });
  }
  expect([caller.engine.sessions, callee.engine.sessions]).toEqual([[], []]);

  await callee.client.conversations.accept(anas.id);
  await eventually('that Ana may call', () => startOf(caller.client.calls, anas.id));
  await Promise.all([caller.client.close(), callee.client.close()]);
});

const startOf = (calls: CallsSurface, id: Parameters<CallsSurface['start']>[0]) =>
  calls.start(id, { media: 'audio' }).catch((error: { code?: string }) => {
    if (error.code === 'not-reachable') return null;
    throw error;
  });

test.each(['caller', 'callee'] as const)('a block by the %s ends the call, and nobody rings any more', async (blocks) => {
  const [ana, ben] = await Promise.all([world.enter('ana'), world.enter('ben')]);
  const { anas } = await introduce(ana, ben);
  const sides = { caller: await withMedia(ana), callee: await withMedia(ben) };
  sides.callee.client.on('call.incoming', (call) => void call.answer());
  const call = await sides.caller.client.calls.start(anas.id, { media: 'audio' });
  const answered = await eventually('the call', () => {
    const theirs = sides.callee.client.calls.current;
    return call.state === 'active' && theirs?.state === 'active' ? theirs : null;
  });

  const { client } = sides[blocks];
  await client.conversations.block((await client.conversations.get(anas.id)).peer);
  const mine = blocks === 'caller' ? call : answered;
  await eventually('the end here', () => mine.state === 'ended');
  await eventually('the end there', () => call.state === 'ended' && answered.state === 'ended');
  expect([call.endReason, answered.endReason]).toEqual(['hung-up', 'hung-up']);
  for (const side of Object.values(sides)) {
    expect(side.engine.sessions.map(({ isClosed }) => isClosed)).toEqual([true]);
    await expect(side.client.calls.start(anas.id, { media: 'audio' })).rejects.toMatchObject({ code: 'not-reachable' });
  }
  await Promise.all(Object.values(sides).map((side) => side.client.close()));
});
