import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Log {
  write(data: Buffer): void;
  close(): void;
}
type OpenLog = (file: string, options?: { maxBytes?: number; tell?: (line: string) => void }) => Log;

let dir: string;
let file: string;
let openLog: OpenLog;
beforeEach(async () => {
  const source = '../src/log-file.mjs'; // Plain JavaScript without types of its own.
  ({ openLog } = (await import(source)) as { openLog: OpenLog });
  dir = mkdtempSync(join(tmpdir(), 'rialto-log-'));
  file = join(dir, 'messaging.log');
});
afterEach(() => rmSync(dir, { recursive: true }));

const line = (number: number) => Buffer.from(`line ${String(number).padStart(4, '0')}\n`);

test('a log that is full gives way to a new one, and only the one before it is kept', () => {
  const log = openLog(file, { maxBytes: 100 });
  for (let number = 0; number < 35; number++) log.write(line(number));
  log.close();
  expect([statSync(file).size, statSync(`${file}.1`).size]).toEqual([50, 100]);
  expect(`${readFileSync(`${file}.1`, 'utf8')}${readFileSync(file, 'utf8')}`).toMatch(/^line 0020\n(line \d{4}\n)+line 0034\n$/);
  expect(existsSync(`${file}.2`)).toBe(false);
});

test('what an earlier start wrote counts', () => {
  for (let start = 0; start < 3; start++) {
    const log = openLog(file, { maxBytes: 20 });
    log.write(line(start));
    log.close();
  }
  expect([readFileSync(`${file}.1`, 'utf8'), readFileSync(file, 'utf8')]).toEqual(['line 0000\nline 0001\n', 'line 0002\n']);
});

test('a disk that takes no more ends nothing, is told once, and the log goes on when there is room', () => {
  const told: string[] = [];
  const full = openLog('/dev/full', { tell: (text) => told.push(text) });
  for (let number = 0; number < 3; number++) full.write(line(number));
  full.close();
  expect(told).toEqual([expect.stringMatching(/^The log \/dev\/full cannot be written: ENOSPC/)]);

  const log = openLog(file, { maxBytes: 10, tell: (text) => told.push(text) });
  log.write(line(0));
  mkdirSync(`${file}.1`); // A full log that cannot be moved out of the way.
  log.write(line(1));
  rmdirSync(`${file}.1`);
  log.write(line(2));
  log.close();
  expect(told).toHaveLength(2);
  expect([readFileSync(`${file}.1`, 'utf8'), readFileSync(file, 'utf8')]).toEqual(['line 0000\n', 'line 0002\n']);
});

test('a process whose log cannot be written goes on', async () => {
  const source = '../src/processes.mjs';
  type Launch = (...options: unknown[]) => { exited: Promise<number>; output(): string };
  const { launch } = (await import(source)) as { launch: Launch };
  const told = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  const { exited, output } = launch(process.execPath, ['-e', 'console.log("said")'], { logFile: '/dev/full' });
  expect([await exited, output()]).toEqual([0, 'said\n']);
  expect(told.mock.calls.map(([text]) => String(text))).toContainEqual(expect.stringContaining('ENOSPC'));
  told.mockRestore();
});
