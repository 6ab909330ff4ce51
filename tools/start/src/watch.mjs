import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './install.mjs';
import { buildWeb } from './web-build.mjs';

/** Editors write a file in several steps, and a branch changes many files at once. */
const SETTLE_MS = 200;
const IGNORED = /(^|\/)(node_modules|dist|test|coverage)(\/|$)|\.test\.ts$/;

/** Restarts the services whose code changed, and builds the web client anew; the libraries concern all of them. */
export function watchFiles(system, say) {
  let changed = new Set();
  let timer;
  let working = Promise.resolve();
  const settle = () => {
    const places = changed;
    changed = new Set();
    working = working.then(() => apply(system, places, say)).catch((error) => say(error.message));
  };
  for (const folder of ['apps', 'libs', 'tools']) {
    fs.watch(path.join(ROOT, folder), { recursive: true }, (_event, file) => {
      if (!file || IGNORED.test(file)) return;
      changed.add(`${folder}/${file}`);
      clearTimeout(timer);
      timer = setTimeout(settle, SETTLE_MS);
    });
  }
  say('Watching the files: a service is restarted and the web client rebuilt when they change.');
}

async function apply(system, places, say) {
  const isBelow = (...folders) => [...places].some((place) => folders.some((folder) => place.startsWith(`${folder}/`)));
  const everything = isBelow('libs/contracts', 'libs/service', 'libs/crypto');
  const affected = system.services.filter(({ folder }) => everything || isBelow(folder));
  for (const service of affected) {
    say(`${service.name} is restarted: its files changed.`);
    await service.restart();
  }
  if (isBelow('apps/web', 'libs/client', 'libs/contracts', 'libs/crypto')) await buildWeb(say);
}
