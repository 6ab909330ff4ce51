import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

interface Supervised {
  readonly pid: number;
  kill(): void;
  restart(): Promise<void>;
  stop(): Promise<void>;
}
type Supervise = (options: object) => Supervised;

const dir = mkdtempSync(join(tmpdir(), 'rialto-supervisor-'));
afterAll(() => rmSync(dir, { recursive: true }));

const started: number[] = [];
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // There is no such process any more.
  }
};

test('what is told to stop while it restarts does not come back', async () => {
  const file = '../src/supervisor.mjs'; // Plain JavaScript without types of its own.
  const { supervise } = (await import(file)) as { supervise: Supervise };
  const one = supervise({
    name: 'sleeper',
    folder: '.',
    command: process.execPath,
    args: ['-e', 'setInterval(() => {}, 1000)'],
    options: { env: {}, logFile: join(dir, 'log') },
    say: () => {},
    onStarted: (pid: number) => started.push(pid),
  });
  await sleep(300);
  await Promise.all([one.restart(), one.stop()]);
  await sleep(300);
  const left = started.filter(isAlive);
  for (const pid of left) process.kill(pid);
  expect(left).toEqual([]);
});
