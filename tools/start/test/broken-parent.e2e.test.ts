import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What has ended and was not yet taken note of by its parent is no process any more. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // There is no such process any more.
  }
}

test.each(['in-order', 'also-stopping'])('an error that nobody caught leaves no child behind (%s)', async (how) => {
  const parent = spawn(process.execPath, [join(__dirname, 'broken-parent.mjs'), how], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [parent.stdout, parent.stderr]) stream.on('data', (data) => (output += String(data)));
  const code = await new Promise<number | null>((done) => parent.once('close', done));
  const pid = Number(output.split('\n')[0]);
  const isLeft = isAlive(pid);
  if (isLeft) process.kill(pid);
  expect([pid > 0, isLeft, code]).toEqual([true, false, 1]);
  expect(output).toContain('nobody caught this');
  expect(output).toContain('an error that was not expected; stopping');
});
