import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './install.mjs';
import { buildWeb } from './web-build.mjs';

/** Editors write a file in several steps, and a branch changes many files at once. */
const SETTLE_MS = 200;
const IGNORED = /(^|\/)(node_modules|dist|test|coverage)(\/|$)|\.test\.ts$/;
const MIGRATION = /^apps\/[^/]+\/migrations\//;

/**
 * Brings the running system up to date whenever files change.
 * @param {(system: object, places: Set<string>, say: (line: string) => void) => Promise<void>} [apply]
 * @returns {() => void} stops watching
 */
export function watchFiles(system, say, { root = ROOT, apply = applyChanges } = {}) {
  let changed = new Set();
  let timer;
  let working = Promise.resolve();
  const settle = () => {
    const places = changed;
    changed = new Set();
    working = working.then(() => apply(system, places, say)).catch((error) => say(error.message));
  };
  const watchers = ['apps', 'libs', 'tools'].map((folder) =>
    fs.watch(path.join(root, folder), { recursive: true }, (_event, file) => {
      if (!file || IGNORED.test(file)) return;
      changed.add(`${folder}/${file}`);
      clearTimeout(timer);
      timer = setTimeout(settle, SETTLE_MS);
    }),
  );
  say('Watching the files: what they change is brought up to date in the running system.');
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

/**
 * What a service finds when it starts is there before it is restarted: its tables, and NATS's permission for each of its operations. The
 * libraries concern all services.
 * @param {Set<string>} places paths from the root of the repository
 */
export async function applyChanges(system, places, say, build = buildWeb) {
  const isBelow = (...folders) => [...places].some((place) => folders.some((folder) => place.startsWith(`${folder}/`)));
  if ([...places].some((place) => MIGRATION.test(place))) await system.bringDatabaseUpToDate();
  if (isBelow('libs/contracts', 'libs/service')) await system.renewPermissions();
  const everything = isBelow('libs/contracts', 'libs/service', 'libs/crypto');
  const affected = system.services.filter(({ folder }) => everything || isBelow(folder));
  for (const service of affected) {
    say(`${service.name} is restarted: its files changed.`);
    await service.restart();
  }
  if (isBelow('apps/web', 'libs/client', 'libs/contracts', 'libs/crypto')) await build(say);
  if (isBelow('tools/start', 'tools/engines')) say('The start itself has changed: stop it and start again.');
}
