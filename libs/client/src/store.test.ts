import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ready, utf8 } from '@rialto/crypto';
import { MemoryStore } from './memory-store.ts';
import { openFileStore } from './node/index.ts';
import { type Change, type Store, StoreConflict } from './store.ts';

const put = (key: string, text: string): Change => ({ kind: 'put', table: 'setting', key, value: utf8(text) });
const insert = (key: string, text: string): Change => ({ kind: 'insert', table: 'setting', key, value: utf8(text) });
const textOf = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);
const keysOf = async (store: Store, range: Parameters<Store['list']>[1]) =>
  (await store.list('setting', range)).map(({ key }) => key);

let directory: string;
beforeAll(ready);
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rialto-store-'));
});
afterEach(() => rm(directory, { recursive: true }));

const engines: Record<string, () => Promise<Store>> = {
  memory: async () => new MemoryStore(),
  file: () => openFileStore({ directory }),
};
describe.each(Object.entries(engines))('%s store', (_name, open) => {
  test('reads what was written, in the order of keys, in pages and backwards', async () => {
    const store = await open();
    await store.write(['b/2', 'a/1', 'b/1', 'b/3', 'c/1'].map((key) => put(key, key)));
    expect(textOf(await store.read('setting', 'b/2'))).toBe('b/2');
    expect(await store.read('setting', 'b/9')).toBeUndefined();
    expect(await keysOf(store, { prefix: 'b/' })).toEqual(['b/1', 'b/2', 'b/3']);
    expect(await keysOf(store, { prefix: 'b/', after: 'b/1', limit: 1 })).toEqual(['b/2']);
    expect(await keysOf(store, { prefix: 'b/', backwards: true })).toEqual(['b/3', 'b/2', 'b/1']);
    expect(await keysOf(store, { prefix: 'b/', after: 'b/3', backwards: true, limit: 1 })).toEqual(['b/2']);
    await store.close();
  });

  test('writes all or nothing, and an insert only once', async () => {
    const store = await open();
    await store.write([insert('a', 'first')]);
    await expect(store.write([put('b', 'x'), insert('a', 'second')])).rejects.toThrow(StoreConflict);
    await expect(store.write([insert('c', '1'), insert('c', '2')])).rejects.toThrow(StoreConflict);
    expect(textOf(await store.read('setting', 'a'))).toBe('first');
    expect(await keysOf(store, {})).toEqual(['a']);
    await store.write([{ kind: 'delete', table: 'setting', key: 'a' }]);
    expect(await keysOf(store, {})).toEqual([]);
    await store.close();
  });
});

test('a file store keeps its rows sealed, for their place, under a key that only the owner may read', async () => {
  const store = await openFileStore({ directory });
  await store.write([put('secret', 'the plain text canary')]);
  await store.close();
  for (const name of await readdir(directory)) expect((await readFile(join(directory, name))).includes('canary')).toBe(false);
  expect((await stat(join(directory, 'key'))).mode & 0o777).toBe(0o600);
  const { DatabaseSync } = await import('node:sqlite');
  const raw = new DatabaseSync(join(directory, 'store.sqlite'));
  raw.exec("insert into setting select 'moved', value from setting where key = 'secret'");
  raw.close();
  const again = await openFileStore({ directory });
  expect(textOf(await again.read('setting', 'secret'))).toBe('the plain text canary');
  await expect(again.read('setting', 'moved')).rejects.toMatchObject({ code: 'store-damaged' });
  await again.close();
});

test('a passphrase opens its store and no other does', async () => {
  const store = await openFileStore({ directory, passphrase: 'correct horse' });
  await store.write([put('a', '1')]);
  await store.close();
  await expect(openFileStore({ directory, passphrase: 'wrong horse' })).rejects.toMatchObject({ code: 'wrong-key' });
  await expect(openFileStore({ directory })).rejects.toMatchObject({ code: 'wrong-key' });
  const again = await openFileStore({ directory, passphrase: 'correct horse' });
  expect(textOf(await again.read('setting', 'a'))).toBe('1');
  await again.close();
}, 60_000); // four derivations, slow on purpose

test('one writer at a time', async () => {
  const store = await openFileStore({ directory });
  await expect(openFileStore({ directory })).rejects.toMatchObject({ code: 'store-locked' });
  await store.close();
  await (await openFileStore({ directory })).close();
});
