import { utf8 } from '@rialto/crypto';
import { openBrowserStore } from '../../src/browser/indexeddb-store.ts';
import { requestTakeOver } from '../../src/browser/writer-lock.ts';
import type { Range, Store } from '../../src/store.ts';

/** What a test does with the store of one page. Values are texts; an error comes back as its code or name. */
export interface StoreHarness {
  open(options?: { name?: string; passphrase?: string }): Promise<string>;
  write(changes: readonly (readonly ['put' | 'insert' | 'delete', string, string])[]): Promise<string>;
  read(key: string): Promise<string>;
  keys(range: Range): Promise<string[]>;
  takeOver(): Promise<string>;
  isLost(): boolean;
  close(): Promise<string>;
  /** The rows as they lie in IndexedDB, with bytes as text. */
  raw(name: string): Promise<string>;
}

let store: Store | undefined;
const opened = () => {
  if (!store) throw new Error('not open');
  return store;
};
async function say(work: () => Promise<string | undefined>): Promise<string> {
  try {
    return (await work()) ?? 'done';
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name;
  }
}

const harness: StoreHarness = {
  open: (options = {}) =>
    say(async () => {
      store = await openBrowserStore(options);
      return 'open';
    }),
  write: (changes) =>
    say(async () => {
      await opened().write(
        changes.map(([kind, key, text]) =>
          kind === 'delete' ? { kind, table: 'setting', key } : { kind, table: 'setting', key, value: utf8(text) },
        ),
      );
      return 'written';
    }),
  read: (key) =>
    say(async () => {
      const value = await opened().read('setting', key);
      return value ? new TextDecoder().decode(value) : 'nothing';
    }),
  keys: async (range) => (await opened().list('setting', range)).map(({ key }) => key),
  takeOver: () =>
    say(async () => {
      await requestTakeOver();
      return 'taken';
    }),
  isLost: () => opened().lost?.aborted === true,
  close: () =>
    say(async () => {
      await opened().close();
      return 'closed';
    }),
  raw: (name) =>
    new Promise((resolve, reject) => {
      const request = indexedDB.open(name);
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const all = request.result.transaction('setting').objectStore('setting').getAll();
        all.onsuccess = () => {
          request.result.close();
          resolve(all.result.map((bytes: Uint8Array) => String.fromCharCode(...bytes)).join('|'));
        };
      };
    }),
};
(globalThis as unknown as { harness: StoreHarness }).harness = harness;
