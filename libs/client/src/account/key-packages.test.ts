import { AppError, LOW_KEY_PACKAGES, MAX_KEY_PACKAGES_PER_CALL } from '@rialto/contracts';
import {
  type Chain,
  Chains,
  type Engine,
  fromBase64url,
  newDeviceId,
  newSigningKey,
  readKeyPackage,
  ready,
  type SigningKey,
  startChain,
  xwingSuite,
} from '@rialto/crypto';
import { MemoryStore } from '../memory-store.ts';
import type { Change } from '../store.ts';
import { KeyPackages } from './key-packages.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** How many a device has on offer after a refill. */
const FULL = 3 * LOW_KEY_PACKAGES;
let device: string;
let mlsKey: SigningKey;
let chain: Chain;
let engine: Engine;
beforeAll(async () => {
  await ready();
  [device, mlsKey] = [newDeviceId(), newSigningKey()];
  chain = startChain({ device, deviceKey: newSigningKey().publicKey, mlsKey: mlsKey.publicKey }, newSigningKey());
  engine = { suite: await xwingSuite(), chains: new Chains() };
  engine.chains.learn(chain.bytes);
});

/** What identity keeps of one device, and how an upload can go wrong. */
class Offers {
  singles: string[] = [];
  lastResort: string | undefined;
  uploads: { keyPackages: string[]; lastResort?: string | undefined }[] = [];
  /** `before`: it never arrives. `after`: it is stored and the answer is lost. */
  fails: 'before' | 'after' | undefined;
  readonly #store: MemoryStore;
  constructor(store: MemoryStore) {
    this.#store = store;
  }

  countKeyPackages = async () => ({ available: this.singles.length, hasLastResort: this.lastResort !== undefined });
  publishKeyPackages = async ({ keyPackages, lastResort }: { keyPackages: string[]; lastResort?: string | undefined }) => {
    await this.#demandSecretsOf([...keyPackages, ...(lastResort === undefined ? [] : [lastResort])]);
    if (this.fails === 'before') throw new AppError('unavailable');
    this.uploads.push({ keyPackages, lastResort });
    this.singles.push(...keyPackages.filter((each) => !this.singles.includes(each)));
    this.lastResort = lastResort ?? this.lastResort;
    if (this.fails === 'after') throw new AppError('outcome-unknown');
    return { available: this.singles.length };
  };

  /** Whoever gets a package may answer it at once, so its secrets are on the disk before it leaves. */
  async #demandSecretsOf(published: string[]): Promise<void> {
    const stored = (await rowsOf(this.#store)).map(({ publicBytes }) => publicBytes);
    expect(published.filter((each) => !stored.includes(each))).toEqual([]);
  }
}
interface Kept {
  readonly key: string;
  readonly publicBytes: string;
  readonly isLastResort: boolean;
}
const rowsOf = async (store: MemoryStore): Promise<Kept[]> =>
  (await store.list('keyPackage')).map(({ key, value }) => ({
    key,
    ...(JSON.parse(new TextDecoder().decode(value)) as Omit<Kept, 'key'>),
  }));
const refOf = async (publicBytes: string, nowMs: number) =>
  (await readKeyPackage(fromBase64url(publicBytes), { chain, nowMs, suite: engine.suite })).ref;

let store: MemoryStore;
let offers: Offers;
let now: number;
let packages: KeyPackages;
beforeEach(() => {
  store = new MemoryStore();
  offers = new Offers(store);
  now = Date.parse('2026-06-01T12:00:00.000Z');
  packages = new KeyPackages({ store, engine, mlsKey, deviceId: device, chain: () => chain, now: () => now });
});
const write = (changes: Change[]) => store.write(changes);

test('a device that has nothing on offer uploads its fill and a last resort, each of which its chain certifies', async () => {
  await packages.refill(offers);
  expect(offers.singles).toHaveLength(FULL);
  expect(FULL).toBeLessThanOrEqual(MAX_KEY_PACKAGES_PER_CALL);
  for (const publicBytes of [...offers.singles, offers.lastResort ?? '']) {
    const checked = await readKeyPackage(fromBase64url(publicBytes), { chain, nowMs: now, suite: engine.suite });
    expect([checked.device, checked.lastResort]).toEqual([device, publicBytes === offers.lastResort]);
  }
  expect(new Set(offers.singles).size).toBe(FULL);
});

test('nothing is uploaded while enough are left, and below the mark what is missing', async () => {
  await packages.refill(offers);
  offers.singles.splice(0, FULL - LOW_KEY_PACKAGES);
  await packages.refill(offers);
  expect(offers.uploads).toHaveLength(1);
  offers.singles.splice(0, 1);
  await packages.refill(offers);
  expect(offers.uploads[1]?.keyPackages).toHaveLength(FULL - LOW_KEY_PACKAGES + 1);
  expect(offers.uploads[1]?.lastResort).toBeUndefined();
  expect(offers.singles).toHaveLength(FULL);
});

test('an upload that never arrived goes out again with the same packages', async () => {
  offers.fails = 'before';
  await expect(packages.refill(offers)).rejects.toMatchObject({ code: 'unavailable' });
  const made = (await rowsOf(store)).map(({ publicBytes }) => publicBytes);
  offers.fails = undefined;
  await packages.refill(offers);
  expect(new Set([...offers.singles, offers.lastResort])).toEqual(new Set(made));
  expect(await rowsOf(store)).toHaveLength(FULL + 1);
});

test('an upload whose answer was lost is not made again, and what was given away of it can be answered', async () => {
  offers.fails = 'after';
  await expect(packages.refill(offers)).rejects.toMatchObject({ code: 'outcome-unknown' });
  offers.fails = undefined;
  const given = offers.singles[0] ?? '';
  await packages.refill(offers);
  expect(offers.uploads.flatMap(({ keyPackages }) => keyPackages)).toHaveLength(FULL);
  expect(await packages.find([await refOf(given, now)])).toMatchObject({ isLastResort: false });
});

test('two refills at once make one', async () => {
  await Promise.all([packages.refill(offers), packages.refill(offers), packages.refill(offers)]);
  expect(offers.uploads).toHaveLength(1);
  expect(await rowsOf(store)).toHaveLength(FULL + 1);
});

test('a used package is gone with its secret, and another answer to it finds nothing; the last resort stays', async () => {
  await packages.refill(offers);
  const [ref, lastRef] = [await refOf(offers.singles[0] ?? '', now), await refOf(offers.lastResort ?? '', now)];
  const single = await packages.find(['A'.repeat(43), ref]);
  const last = await packages.find([lastRef]);
  if (!single || !last) throw new Error('what was published is not there');
  expect([single.ref, last.isLastResort]).toEqual([ref, true]);
  await write([...packages.used(single), ...packages.used(last)]);
  expect(await packages.find([ref])).toBeUndefined();
  expect(await packages.find([lastRef])).toMatchObject({ isLastResort: true });
});

test('a used package is not offered again by a later refill', async () => {
  offers.fails = 'after';
  await packages.refill(offers).catch(() => undefined); // so that this device does not know what was stored
  offers.fails = undefined;
  const used = offers.singles[0] ?? '';
  const found = await packages.find([await refOf(used, now)]);
  if (!found) throw new Error('what was published is not there');
  await write(packages.used(found));
  offers.singles = [];
  await packages.refill(offers);
  expect(offers.uploads.at(-1)?.keyPackages).not.toContain(used);
});

test('the last resort is replaced every week, and the one before opens welcomes for another month', async () => {
  await packages.refill(offers);
  const first = offers.lastResort ?? '';
  const ref = await refOf(first, now);
  now += 7 * DAY_MS - 1;
  await packages.refill(offers);
  expect(offers.lastResort).toBe(first);
  now += 1;
  await packages.refill(offers);
  expect(offers.lastResort).not.toBe(first);
  expect(await packages.find([ref])).toMatchObject({ isLastResort: true });
  now += 30 * DAY_MS;
  await packages.refill(offers);
  expect(await packages.find([ref])).toMatchObject({ isLastResort: true });
  now += 1;
  await packages.refill(offers);
  expect(await packages.find([ref])).toBeUndefined();
});

test('a server that has lost the last resort gets the same one again', async () => {
  await packages.refill(offers);
  const first = offers.lastResort;
  offers.lastResort = undefined;
  await packages.refill(offers);
  expect(offers.lastResort).toBe(first);
});

test('the secrets of a package that nobody used are deleted when nobody can use it any more', async () => {
  await packages.refill(offers);
  const ref = await refOf(offers.singles[0] ?? '', now);
  now += 90 * DAY_MS;
  await packages.refill(offers);
  expect(await packages.find([ref])).toBeDefined();
  await expect(refOf(offers.singles[0] ?? '', now + 1_000)).rejects.toThrow(); // others refuse it from here on
  now += 1;
  await packages.refill(offers);
  expect(await packages.find([ref])).toBeUndefined();
});

test('what is made for use here and now is neither kept nor offered', async () => {
  const fresh = await packages.fresh();
  expect(fresh.publicBytes.length).toBeGreaterThan(0);
  expect(await rowsOf(store)).toEqual([]);
});
