import { spawn } from 'node:child_process';
import fs from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
// By its path: packages are not there yet.
import { cacheDir } from '../../engines/src/cache.mjs';

/** What every first file does, on whatever Node the machine has: check, install, and go on with the pinned Node. Built-ins only. */

const OLDEST_NODE = 20;
const PROGRESS_EVERY_MS = 2_000;
const HANDED_OVER = 'RIALTO_HANDED_OVER';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/**
 * Returns once this process runs on the pinned Node with all packages there; otherwise installs them, runs `file` again on the pinned Node
 * and never returns.
 * @param {string} file `import.meta.url` of the first file
 */
export async function onPinnedNode(file, say = (line) => console.log(line)) {
  const problem = machineProblem();
  if (problem) return fail(problem);
  if (!isInstalled()) await install(say);
  const wanted = pinnedVersion();
  if (process.versions.node === wanted) return void module.enableCompileCache?.(path.join(cacheDir(), 'compiled'));
  const node = path.join(ROOT, 'node_modules', '.bin', 'node');
  if (!fs.existsSync(node) || process.env[HANDED_OVER]) {
    return fail(
      `Node ${wanted}, which npm installs with the other packages, is not there. This helps: npm ci --ignore-scripts=false`,
    );
  }
  return handOver(node, file);
}

function machineProblem() {
  if (process.platform === 'win32') return 'Rialto runs on Linux and macOS. On Windows, use the Windows Subsystem for Linux.';
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
    return `Node ${OLDEST_NODE} or newer is needed to begin with; this is ${process.versions.node}.`;
  }
  return undefined;
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

const readJson = (...parts) => JSON.parse(fs.readFileSync(path.join(ROOT, ...parts), 'utf8'));
const pinnedVersion = () => readJson('package.json').dependencies.node;

/**
 * npm writes its own lock in node_modules last, so an interrupted install is repeated. When ours is newer than that one, what counts is whether
 * the versions that it asks for are there: a new date alone, as a checkout gives it, is no reason to install everything again.
 */
function isInstalled() {
  const done = path.join(ROOT, 'node_modules', '.package-lock.json');
  if (!fs.existsSync(done)) return false;
  if (fs.statSync(done).mtimeMs >= fs.statSync(path.join(ROOT, 'package-lock.json')).mtimeMs) return true;
  const isThere = ([place, { version, optional }]) => {
    const file = path.join(ROOT, place, 'package.json');
    return fs.existsSync(file) ? readJson(place, 'package.json').version === version : optional === true;
  };
  if (!wantedPackages().every(isThere)) return false;
  fs.utimesSync(done, new Date(), new Date());
  return true;
}

async function install(say) {
  const wanted = wantedPackages()
    .map(([place]) => place)
    .filter((place) => TOP_LEVEL.test(place));
  say(`Installing ${wanted.length} packages (npm ci)…`);
  const began = performance.now();
  let last = 0;
  const progress = setInterval(() => {
    const there = countInstalled(wanted);
    if (there !== last)
      say(there === wanted.length ? '  all packages are there; finishing' : `  ${there} of ${wanted.length} packages are there`);
    last = there;
  }, PROGRESS_EVERY_MS);
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const args = [...npm.slice(1), 'ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const child = spawn(npm[0], args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const status = await new Promise((resolve) => {
    child.once('error', (error) => {
      output += error.message;
      resolve(-1);
    });
    child.once('close', resolve);
  });
  clearInterval(progress);
  if (status !== 0) {
    console.error(output.trim());
    fail('The packages could not be installed; npm says why above. Is the package registry reachable?');
  }
  say(`Packages are installed after ${((performance.now() - began) / 1000).toFixed(0)} s.`);
}

/** The packages that npm puts into node_modules on this machine; the workspaces are links and are not among them. */
function wantedPackages() {
  const fits = (list, mine) => !list || list.includes(mine);
  return Object.entries(readJson('package-lock.json').packages)
    .filter(([place, { link }]) => place.includes('node_modules/') && !link)
    .filter(([, { os, cpu, libc }]) => fits(os, process.platform) && fits(cpu, process.arch) && !libc?.includes('musl'));
}
const TOP_LEVEL = /^node_modules\/(@[^/]+\/)?[^/]+$/;
const countInstalled = (places) => places.filter((place) => fs.existsSync(path.join(ROOT, place, 'package.json'))).length;

/** The channel between the two tells the second that the first was killed, so that nothing is left behind. */
function handOver(node, file) {
  const env = { ...process.env, [HANDED_OVER]: '1', PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}` };
  const child = spawn(node, [fileURLToPath(file), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise(() => {
    child.once('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
  });
}
