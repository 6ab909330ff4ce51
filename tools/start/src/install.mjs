import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

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
  if (process.versions.node === wanted) return undefined;
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

/** npm writes this file last, so an interrupted install is repeated; a changed lock is newer than it. */
function isInstalled() {
  const done = path.join(ROOT, 'node_modules', '.package-lock.json');
  return fs.existsSync(done) && fs.statSync(done).mtimeMs >= fs.statSync(path.join(ROOT, 'package-lock.json')).mtimeMs;
}

async function install(say) {
  const wanted = topLevelPackages();
  say(`Installing ${wanted.length} packages (npm ci)…`);
  const began = performance.now();
  const progress = setInterval(
    () => say(`  ${countInstalled(wanted)} of ${wanted.length} packages are there`),
    PROGRESS_EVERY_MS,
  );
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

/** The packages that npm will put directly below node_modules on this machine. */
function topLevelPackages() {
  const fits = (list, mine) => !list || list.includes(mine);
  return Object.entries(readJson('package-lock.json').packages)
    .filter(([place]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(place))
    .filter(
      ([, { os, cpu, libc, link }]) => !link && fits(os, process.platform) && fits(cpu, process.arch) && !libc?.includes('musl'),
    )
    .map(([place]) => place);
}
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
