/**
 * A registration that ends at any of its requests: before it left, after the server acted on it and before the answer, or right after the
 * answer. Started again on what is stored, the same account is completed, and its recovery phrase is still to be had. Real: everything that
 * `world.ts` lists. What ends at a write of the store is in `crashes.int.test.ts`.
 */
import { readChain, fromBase64url, rootKeyOf, sameBytes } from '@rialto/crypto';
import { type Client, MemoryStore, Rialto } from '../src/index.ts';
import { FaultyStore } from './faulty-store.ts';
import { sharedWorld } from './world.ts';

const world = sharedWorld();
jest.setTimeout(300_000);

/** Account, nonce, session, handle, name, and the count and upload of key packages: more requests than one registration makes. */
const REQUESTS = 8;
const WHEN = ['before it leaves', 'without the answer', 'after the answer'] as const;
const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

interface Cut {
  readonly store: FaultyStore;
  /** Resolves when the process that registers has come to its end. */
  readonly gone: Promise<void>;
  readonly requests: () => number;
}
/** The process ends at its `nth` request: nothing of it reaches the server or the store any more. */
function cutAt(nth: number, when: (typeof WHEN)[number], store: FaultyStore): Cut {
  let requests = 0;
  let end = (): void => undefined;
  const gone = new Promise<void>((resolve) => {
    end = resolve;
  });
  const hang = () => new Promise<Response>(() => end());
  globalThis.fetch = async (input, init) => {
    requests += 1;
    if (requests > nth) return hang();
    if (requests === nth && when === 'before it leaves') return hang();
    const response = await realFetch(input, init);
    if (requests < nth) return response;
    await store.close(); // the process has its answer and does not come to writing anything
    return when === 'after the answer' ? response : hang();
  };
  return { store, gone, requests: () => requests };
}

/** What anybody who has the words and the account's chain can check. */
function isPhraseOf(chain: string, words: string): boolean {
  return sameBytes(rootKeyOf(words).publicKey, readChain(fromBase64url(chain)).rootKey);
}
async function demandComplete(client: Client, { handle, words }: { handle: string; words: string }): Promise<void> {
  const { identity } = client.connection.api;
  const own = await identity.getAccount({ accountId: client.account.accountId });
  const packages = await identity.countKeyPackages({});
  expect([own.handle, own.displayName, packages.hasLastResort, packages.available > 0]).toEqual([handle, 'Ana', true, true]);
  expect(await client.recoveryPhrase()).toBe(words);
  expect(isPhraseOf(own.chain, words)).toBe(true);
}

test.each(WHEN)('an account whose registration was cut off at any request, %s, is completed with its phrase', async (when) => {
  const ends: string[] = [];
  for (let nth = 1; nth <= REQUESTS; nth += 1) {
    const memory = new MemoryStore();
    const handle = `cut_${Math.random().toString(36).slice(2, 10)}`;
    const request = { url: world.url, handle, displayName: 'Ana' };
    const cut = cutAt(nth, when, new FaultyStore(memory));
    const first = Rialto.register({ ...request, store: cut.store }).then(
      ({ client }) => client.close().then(() => 'complete'),
      () => 'cut off',
    );
    ends.push(await Promise.race([first, cut.gone.then(() => 'cut off')]));
    globalThis.fetch = realFetch;
    const begun = await memory.read('setting', 'registration');
    const { accountId } = begun
      ? (JSON.parse(new TextDecoder().decode(begun)) as { accountId: string })
      : { accountId: undefined };

    const isThere = await Rialto.hasAccount(memory);
    const registered = isThere ? undefined : await Rialto.register({ ...request, store: memory });
    const client = registered?.client ?? (await Rialto.open({ url: world.url, store: memory }));
    const words = registered?.recoveryPhrase ?? (await client.recoveryPhrase()) ?? '';
    await demandComplete(client, { handle, words });
    if (accountId !== undefined) expect(client.account.accountId).toBe(accountId);
    expect(begun === undefined).toBe(isThere);
    await client.close();

    const later = await Rialto.open({ url: world.url, store: memory });
    await later.whenOnline();
    expect(await later.recoveryPhrase()).toBe(words);
    await later.confirmRecoveryPhrase(words);
    await later.close();
    expect((await memory.list('setting')).every(({ value }) => !new TextDecoder().decode(value).includes(words))).toBe(true);
  }
  expect(ends.slice(0, 7)).toEqual(Array.from({ length: 7 }, () => 'cut off'));
});

test('the words go when the user says that they are written down, and not before', async () => {
  const ana = await world.enter('ana');
  await ana.client.close();
  const client = await Rialto.open({ url: world.url, store: ana.store });
  expect(await client.recoveryPhrase()).toBe(ana.phrase);
  await client.forgetRecoveryPhrase();
  expect(await client.recoveryPhrase()).toBeNull();
  await client.confirmRecoveryPhrase(ana.phrase);
  expect(client.account.recoveryPhraseConfirmed).toBe(true);
  await client.close();
});
