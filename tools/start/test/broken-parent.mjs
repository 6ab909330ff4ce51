/** A process with a child, which stops in order when something goes wrong that nobody caught: it prints the child's number, and then breaks. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onStopSignal } from '../src/stop-signal.mjs';

const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
onStopSignal(async (reason) => {
  console.log(`${reason}; stopping`);
  if (process.argv[2] === 'also-stopping') throw new Error('stopping is broken too');
  child.kill();
  await once(child, 'exit');
  return 0;
});
console.log(child.pid);
setTimeout(() => {
  throw new Error('nobody caught this');
}, 200);
