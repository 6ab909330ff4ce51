import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

type Say = (line: string) => void;
type Apply = (system: object, places: Set<string>, say: Say, build?: (say: Say) => Promise<void>) => Promise<void>;
interface Watch {
  watchFiles(system: object, say: Say, options: { root: string; apply: Apply }): () => void;
  applyChanges: Apply;
}
let watch: Watch;
beforeAll(async () => {
  const file = './watch.mjs'; // Plain JavaScript without types of its own.
  watch = (await import(file)) as Watch;
});

/** A system that writes down what is done to it. */
function notedSystem() {
  const done: string[] = [];
  const note = (what: string) => async () => void done.push(what);
  const service = (name: string) => ({ name, folder: `apps/${name}`, restart: note(`restart ${name}`) });
  return {
    done,
    build: note('build'),
    services: [service('identity'), service('messaging')],
    bringDatabaseUpToDate: note('migrate'),
    renewPermissions: note('permissions'),
  };
}
async function doneAfter(...places: string[]): Promise<string[]> {
  const system = notedSystem();
  await watch.applyChanges(system, new Set(places), () => {}, system.build);
  return system.done;
}

test('a service finds its new tables and permissions when it is restarted', async () => {
  expect(await doneAfter('apps/messaging/migrations/0009-more.sql')).toEqual(['migrate', 'restart messaging']);
  expect(await doneAfter('libs/contracts/src/messaging.ts', 'apps/messaging/migrations/0009-more.sql')).toEqual([
    'migrate',
    'permissions',
    'restart identity',
    'restart messaging',
    'build',
  ]);
  expect(await doneAfter('apps/messaging/src/messages.ts')).toEqual(['restart messaging']);
  expect(await doneAfter('apps/web/src/app.tsx')).toEqual(['build']);
});

test('nothing is restarted on a database that could not be brought up to date', async () => {
  const system = notedSystem();
  system.bringDatabaseUpToDate = () => Promise.reject(new Error('a broken migration'));
  const places = new Set(['apps/messaging/migrations/0009-more.sql']);
  await expect(watch.applyChanges(system, places, () => {}, system.build)).rejects.toThrow('a broken migration');
  expect(system.done).toEqual([]);
});

test('a change of the start itself is said to need a new one', async () => {
  const said: string[] = [];
  await watch.applyChanges(notedSystem(), new Set(['tools/start/src/system.mjs']), (line) => said.push(line));
  expect(said).toEqual(['The start itself has changed: stop it and start again.']);
});

test('files that change together are one change, and tests and builds are none', async () => {
  const root = mkdtempSync(join(tmpdir(), 'rialto-watch-'));
  const file = (place: string) => {
    mkdirSync(dirname(join(root, place)), { recursive: true });
    writeFileSync(join(root, place), '1');
  };
  const places = ['apps/messaging/migrations/0001-a.sql', 'libs/contracts/src/calls.ts'];
  const ignored = ['libs/contracts/src/calls.test.ts', 'apps/web/dist/index.html', 'tools/bench/test/x.ts'];
  for (const place of [...places, ...ignored]) file(place);
  const changes: string[][] = [];
  const said: string[] = [];
  const apply: Apply = async (_system, changed) => {
    changes.push([...changed].sort());
    throw new Error('it could not be done');
  };
  const stop = watch.watchFiles({}, (line) => said.push(line), { root, apply });
  try {
    await sleep(300);
    for (const place of [...places, ...ignored]) file(place);
    for (const end = Date.now() + 5_000; changes.length === 0 && Date.now() < end;) await sleep(20);
    file('apps/calls/src/x.ts');
    file('apps/messaging/migrations/0001-a.sql');
    for (const end = Date.now() + 5_000; changes.length === 1 && Date.now() < end;) await sleep(20);
    expect(changes[0]).toEqual(places);
    expect(changes[1]).toContain('apps/messaging/migrations/0001-a.sql'); // What failed does not end the watching.
    expect(said).toContain('it could not be done');
  } finally {
    stop();
    rmSync(root, { recursive: true });
  }
});
