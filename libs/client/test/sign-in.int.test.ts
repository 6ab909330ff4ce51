/** Answers to signing in that get lost between the real gateway and a client. Real: everything that `world.ts` lists. */
import { MemoryStore, Rialto } from '../src/index.ts';
import { sharedWorld } from './world.ts';

const world = sharedWorld();
const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

/** The server gets the request and acts on it; what it answers does not come back. */
function loseAnswersOf(path: string, times: number): { readonly lost: number } {
  const losing = { lost: 0 };
  const pathOf = (input: string | URL | Request) => new URL(input instanceof Request ? input.url : input).pathname;
  globalThis.fetch = async (input, init) => {
    const response = await realFetch(input, init);
    if (pathOf(input) !== path || losing.lost >= times) return response;
    losing.lost += 1;
    expect(response.ok).toBe(true);
    await response.arrayBuffer();
    throw new TypeError('the answer was lost');
  };
  return losing;
}

test('a device signs in although the answer that carried its token was lost', async () => {
  const ana = await world.enter('ana');
  await ana.client.close();
  const losing = loseAnswersOf('/v1/sessions', 1);
  const client = await Rialto.open({ url: world.url, store: ana.store });
  await expect(client.connection.api.messaging.listBlocks({})).resolves.toEqual({ accounts: [] });
  await client.whenOnline();
  expect(losing.lost).toBe(1);
  await client.close();
});

test('registering goes on when the answer to its first sign-in is lost', async () => {
  const losing = loseAnswersOf('/v1/sessions', 1);
  const handle = `lost_${Math.random().toString(36).slice(2, 8)}`;
  const { client } = await Rialto.register({ url: world.url, store: new MemoryStore(), handle });
  expect([losing.lost, client.account.handle]).toEqual([1, handle]);
  await client.close();
});
