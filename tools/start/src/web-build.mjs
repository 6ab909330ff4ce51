import fs from 'node:fs';
import path from 'node:path';
import { run } from '@rialto/engines';
import { ROOT } from './install.mjs';
import { StartProblem } from './start-problem.mjs';

const WEB = path.join(ROOT, 'apps', 'web');
const SOURCES = ['apps/web', 'libs/client', 'libs/contracts', 'libs/crypto', 'package-lock.json'];
const SKIPPED = new Set(['node_modules', 'dist', 'test', 'coverage']);

export const webDir = path.join(WEB, 'dist');

/**
 * Builds the web client when a source is newer than the last build.
 * @returns {Promise<string | undefined>} the folder to serve; undefined when there is no web client in this tree
 * @throws with the builder's own words when the build fails
 */
export async function buildWeb(say) {
  if (!fs.existsSync(path.join(WEB, 'index.html'))) return undefined;
  const built = path.join(webDir, 'index.html');
  if (fs.existsSync(built) && newestIn(SOURCES) <= fs.statSync(built).mtimeMs) return webDir;
  const began = performance.now();
  say('Building the web client…');
  const vite = path.join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
  const { status, stdout, stderr } = await run(process.execPath, [vite, 'build', 'apps/web', '--logLevel', 'warn'], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1', NODE_ENV: 'production' },
  });
  if (status !== 0) throw new StartProblem(`The web client could not be built:\n${(stderr || stdout).trim()}`);
  const now = new Date();
  fs.utimesSync(built, now, now);
  say(`The web client is built after ${((performance.now() - began) / 1000).toFixed(1)} s.`);
  return webDir;
}

function newestIn(places) {
  return Math.max(0, ...places.map((place) => newest(path.join(ROOT, place))));
}

function newest(place) {
  if (!fs.existsSync(place)) return 0;
  const stat = fs.statSync(place);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const inside = fs.readdirSync(place).filter((entry) => !SKIPPED.has(entry));
  return Math.max(0, ...inside.map((entry) => newest(path.join(place, entry))));
}
