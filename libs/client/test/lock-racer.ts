// One of many processes that want the same profile. It waits for its turn, looks whether anybody else is in, and is killed where it stands:
// with the lock in its hands. Says `in` or `not alone`.
import { openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { takeLock } from '../src/node/lock-file.ts';

const INSIDE_MS = 3;
const MAX_TRIES = 20_000;
const [directory = ''] = process.argv.slice(2);
const mark = join(directory, 'inside');

function isAlone(): boolean {
  try {
    openSync(mark, 'wx');
    return true;
  } catch {
    return false; // somebody is in, which is what the test is about
  }
}

for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
  const release = await takeLock(directory).catch((error: { code?: string }) => {
    if (error.code !== 'store-locked') throw error;
    return undefined;
  });
  if (!release) {
    await pause(Math.random() * 2);
    continue;
  }
  const alone = isAlone();
  await pause(INSIDE_MS);
  if (alone) unlinkSync(mark);
  writeSync(1, alone ? 'in\n' : 'not alone\n');
  process.kill(process.pid, 'SIGKILL');
}
throw new Error('never got in');
