import fs from 'node:fs';
import path from 'node:path';
import { run } from '@rialto/engines';
import { ROOT } from './install.mjs';
import { newestIn } from './newest.mjs';
import { StartProblem } from './start-problem.mjs';

const WEB = path.join(ROOT, 'apps', 'web');
const SOURCES = ['apps/web', 'libs/client', 'libs/contracts', 'libs/crypto', 'package-lock.json'];

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
  const part = path.join(WEB, `dist.${process.pid}`);
  try {
    await runVite(part);
    // In one step, or nearly: a gateway that serves the old build must never see half of a new one.
    fs.rmSync(webDir, { recursive: true, force: true });
    fs.renameSync(part, webDir);
  } finally {
    fs.rmSync(part, { recursive: true, force: true });
  }
  say(`The web client is built after ${((performance.now() - began) / 1000).toFixed(1)} s.`);
  return webDir;
}

async function runVite(outDir) {
  const vite = path.join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
  const args = [vite, 'build', 'apps/web', '--logLevel', 'warn', '--outDir', outDir, '--emptyOutDir'];
  const env = { ...process.env, NO_COLOR: '1', NODE_ENV: 'production' };
  const { status, stdout, stderr } = await run(process.execPath, args, { cwd: ROOT, env });
  if (status !== 0) throw new StartProblem(`The web client could not be built:\n${(stderr || stdout).trim()}`);
}
