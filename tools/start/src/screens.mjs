import { spawn } from 'node:child_process';
import path from 'node:path';
import { findChromium } from '@rialto/engines';
import { ROOT } from './install.mjs';
import { readOptions } from './options.mjs';
import { hasWebClient, isReady } from './running-system.mjs';
import { isForPeople, StartProblem } from './start-problem.mjs';

const PROGRAM = path.join(ROOT, 'apps', 'e2e', 'src', 'screens.ts');

/** Takes the pictures, once all that they need is there. @returns the exit code */
export async function screens(args) {
  try {
    const url = process.env.RIALTO_URL || `http://localhost:${readOptions([]).port}`;
    const env = { ...process.env, RIALTO_URL: url, RIALTO_CHROMIUM: await whatIsNeeded(url) };
    const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: 'inherit', env });
    return await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  } catch (error) {
    console.error(isForPeople(error) ? error.message : (error.stack ?? error));
    return 1;
  }
}

/** @returns the browser's path @throws StartProblem with the sentence that helps */
async function whatIsNeeded(url) {
  if (!(await isReady(url))) {
    throw new StartProblem(`No Rialto runs at ${url}: start one with npm start, or name another with RIALTO_URL.`);
  }
  if (!(await hasWebClient(url))) {
    throw new StartProblem(`The Rialto at ${url} serves no web client: start it without --no-web.`);
  }
  if (process.env.RIALTO_CHROMIUM) return process.env.RIALTO_CHROMIUM;
  const chromium = await findChromium({ say: console.log, mayFetch: true });
  if (chromium.missing) {
    throw new StartProblem(`Chromium cannot be had (${chromium.why.join('; ')}). This helps: ${chromium.help}`);
  }
  return chromium.path;
}
