import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '@rialto/engines';
import { ROOT } from './install.mjs';
import { readOptions } from './options.mjs';
import { isReady } from './running-system.mjs';
import { isForPeople } from './start-problem.mjs';
import { onStopSignal } from './stop-signal.mjs';
import { startSystem } from './system.mjs';

/** What a shell says of a program that Ctrl-C ended: 128 and the signal's number. */
const EXIT_AFTER_SIGNAL = 130;

/** Plays the demo on the running system, or on one with data of its own that is gone afterwards. @returns the exit code */
export async function demo(args) {
  const stopping = new AbortController();
  let starting;
  let child;
  let dir;
  const end = async () => {
    child?.kill();
    // A start that is still under way gives up at its next step and undoes itself; only then may its data go.
    await (await starting?.catch(() => undefined))?.stop();
    if (dir) fs.rmSync(dir, { recursive: true, force: true });
  };
  onStopSignal(async () => {
    stopping.abort();
    await end();
    return EXIT_AFTER_SIGNAL;
  });
  try {
    const { port } = readOptions([]);
    let url = `http://localhost:${port}`;
    if (await isReady(url)) {
      console.log(`Using the Rialto that runs at ${url}.`);
    } else {
      console.log(`No Rialto runs at ${url}; starting one for the demo.`);
      dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rialto-demo-'));
      fs.chmodSync(dir, 0o711);
      starting = startSystem({
        port: await freePort(),
        dataDir: path.join(dir, 'data'),
        web: false,
        say: (line) => console.log(`  ${line}`),
        signal: stopping.signal,
      });
      ({ url } = await starting);
    }
    const main = path.join(ROOT, 'apps', 'cli', 'src', 'demo.ts');
    child = spawn(process.execPath, [main, ...args], { stdio: 'inherit', env: { ...process.env, RIALTO_URL: url } });
    return await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  } catch (error) {
    if (stopping.signal.aborted) return EXIT_AFTER_SIGNAL;
    console.error(isForPeople(error) ? error.message : (error.stack ?? error));
    return 1;
  } finally {
    await end();
  }
}
