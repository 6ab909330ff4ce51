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
let supervise: Supervise;
beforeAll(async () => {
  const file = '../src/supervisor.mjs'; // Plain JavaScript without types of its own.
  ({ supervise } = (await import(file)) as { supervise: Supervise });
});
afterEach(() => {
  jest.useRealTimers();
  endLeftOvers();
});
afterAll(() => rmSync(dir, { recursive: true }));

let started: number[] = [];
beforeEach(() => (started = []));
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // There is no such process any more.
  }
};

/** A process that does nothing until it is ended. */
const sleeper = (more: object = {}) => ({
  name: 'sleeper',
  folder: '.',
  command: process.execPath,
  args: ['-e', 'setInterval(() => {}, 1000)'],
  options: { env: {}, logFile: join(dir, 'log') },
  say: () => {},
  onStarted: (pid: number) => started.push(pid),
  ...more,
});

function endLeftOvers(): number[] {
  const left = started.filter(isAlive);
  for (const pid of left) process.kill(pid);
  return left;
}

async function until(check: () => boolean): Promise<void> {
  for (const end = Date.now() + 5_000; !check() && Date.now() < end;) await sleep(20);
  expect(check()).toBe(true);
}

test('what is told to stop while it restarts does not come back', async () => {
  const one = supervise(sleeper());
  await sleep(300);
  await Promise.all([one.restart(), one.stop()]);
  await sleep(300);
  expect(endLeftOvers()).toEqual([]);
});

test('a child that could not be noted is looked after all the same, at first and when it is started again', async () => {
  const said: string[] = [];
  const onStarted = (pid: number) => {
    started.push(pid);
    throw new Error('ENOSPC: no space left on device, write');
  };
  const one = supervise(sleeper({ onStarted, say: (line: string) => said.push(line) }));
  expect(said).toEqual([expect.stringMatching(/^sleeper runs as process \d+, .*no space left/)]);
  one.kill();
  await until(() => started.length === 2);
  await one.stop();
  expect(endLeftOvers()).toEqual([]);
  expect(said.filter((line) => line.includes('no space left'))).toHaveLength(2);
});

/** Processes that only the test ends, or that cannot be started at all. */
function played() {
  let cannotStart = false;
  let end: (code: number) => void = () => {};
  const said: string[] = [];
  let count = 0;
  const launch = () => {
    if (cannotStart) throw new Error('EMFILE: too many open files, open');
    count += 1;
    return { pid: count, exited: new Promise<number>((resolve) => (end = resolve)), output: () => '' };
  };
  return {
    options: sleeper({ launch, say: (line: string) => said.push(line) }),
    said,
    count: () => count,
    allowStart: (isAllowed: boolean) => (cannotStart = !isAllowed),
    /** Lives for a while, ends, and is told what it waits for. */
    async endAfter(livedMs: number): Promise<number> {
      await jest.advanceTimersByTimeAsync(livedMs);
      end(1);
      await jest.advanceTimersByTimeAsync(0);
      return waitOf(said);
    },
  };
}
const waitOf = (said: string[]) => Number(/again in ([\d.]+) s\.$/.exec(said.at(-1) ?? '')?.[1]) * 1000;

test('each failure in a row doubles the wait, up to ten seconds, until it was healthy once', async () => {
  jest.useFakeTimers();
  const one = played();
  supervise(one.options);
  const waits: number[] = [];
  for (let failure = 1; failure <= 8; failure++) {
    const waitMs = await one.endAfter(100);
    waits.push(waitMs);
    await jest.advanceTimersByTimeAsync(waitMs - 1);
    expect(one.count()).toBe(failure);
    await jest.advanceTimersByTimeAsync(1);
    expect(one.count()).toBe(failure + 1);
  }
  expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  expect(await one.endAfter(20_001)).toBe(250);
});

test('what cannot even be launched again is tried again, later each time', async () => {
  jest.useFakeTimers();
  const one = played();
  supervise(one.options);
  const first = await one.endAfter(100);
  one.allowStart(false);
  await jest.advanceTimersByTimeAsync(first);
  expect([one.said.at(-1), waitOf(one.said)]).toEqual([expect.stringContaining('EMFILE'), 500]);
  one.allowStart(true);
  await jest.advanceTimersByTimeAsync(500);
  expect(one.count()).toBe(2);
});

test('after the order to stop, nothing that ends is started again', async () => {
  jest.useFakeTimers();
  const stopping = new AbortController();
  const one = played();
  supervise({ ...one.options, signal: stopping.signal });
  stopping.abort();
  await one.endAfter(100);
  await jest.advanceTimersByTimeAsync(60_000);
  expect([one.count(), one.said]).toEqual([1, []]);
});
