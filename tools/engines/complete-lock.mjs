#!/usr/bin/env node
/**
 * Adds to package-lock.json the optional platform packages that the registry in use did not serve when the lock was written. `npm ci`
 * refuses a lock without them; with them it passes, and on the platform concerned npm fetches them by name and version.
 * Run it after every change of dependencies: node tools/engines/complete-lock.mjs
 */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SYSTEMS = ['darwin', 'win32', 'linux', 'freebsd', 'openbsd', 'netbsd', 'android', 'sunos', 'aix', 'openharmony'];
const PROCESSORS = ['x64', 'arm64', 'arm', 'ia32', 'riscv64', 's390x', 'ppc64', 'loong64', 'mips64el', 'wasm32'];
const OTHER_NAMES = { windows: 'win32', i686: 'ia32', armv7: 'arm', gnueabihf: 'arm', ppc64le: 'ppc64' };

/** Platform packages bear their platform in their name, by an agreement that every publisher keeps. */
function named(name, list) {
  const words = name.split(/[-/]/).map((word) => OTHER_NAMES[word] ?? word);
  return list.find((one) => words.includes(one));
}

/** Whether `dependency` has an entry where Node would look for it, from `place` upwards. */
function isLocked(packages, place, dependency) {
  for (let at = place; ; at = at.slice(0, Math.max(at.lastIndexOf('/node_modules/'), 0))) {
    if (packages[`${at ? `${at}/` : ''}node_modules/${dependency}`]) return true;
    if (!at) return false;
  }
}

function entryFor(dependency, range, isDev) {
  const [os, cpu] = [named(dependency, SYSTEMS), named(dependency, PROCESSORS)];
  const libc = os === 'linux' && /musl|gnu/.test(dependency) ? [dependency.includes('musl') ? 'musl' : 'glibc'] : undefined;
  const version = range.replace(/^[\^~]/, '');
  return { version, ...(cpu && { cpu: [cpu] }), dev: isDev, optional: true, ...(os && { os: [os] }), ...(libc && { libc }) };
}

const file = path.resolve(process.argv[2] ?? path.join(path.dirname(fileURLToPath(import.meta.url)), '../../package-lock.json'));
const lock = JSON.parse(fs.readFileSync(file, 'utf8'));
let added = 0;
for (const [place, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  for (const [dependency, range] of Object.entries(optionalDependencies)) {
    if (isLocked(lock.packages, place, dependency)) continue;
    lock.packages[`node_modules/${dependency}`] = entryFor(dependency, range, dev);
    console.log(`added ${dependency} ${range}`);
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
if (added > 0) fs.writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} entries added`);
