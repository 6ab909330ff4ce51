import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Paths {
  dataDir: string;
  processes: string;
  state: string;
}
interface RunningState {
  started(name: string, pid: number): void;
  describe(facts: object): void;
}

test('a disk that takes no notes is told, stops nothing, and what is missing is noted later', async () => {
  const data = './data-directory.mjs'; // Plain JavaScript without types of its own, as is the next.
  const state = './running-state.mjs';
  const { dataPaths } = (await import(data)) as { dataPaths: (dataDir: string) => Paths };
  const { runningState } = (await import(state)) as { runningState: (paths: Paths, say: (line: string) => void) => RunningState };
  const paths = dataPaths(mkdtempSync(join(tmpdir(), 'rialto-notes-')));
  const said: string[] = [];
  const notes = runningState(paths, (line) => said.push(line));
  mkdirSync(paths.processes); // A folder cannot be written to, which is as good as a full disk.
  notes.started('nats', process.pid);
  notes.describe({ url: 'http://localhost:1' });
  expect(said).toEqual([expect.stringMatching(/cannot be noted/), expect.stringMatching(/cannot be noted/)]);

  rmdirSync(paths.processes);
  notes.started('calls', process.ppid);
  expect(said).toHaveLength(2);
  const lines = readFileSync(paths.processes, 'utf8').split('\n').filter(Boolean);
  expect(lines.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(['nats', 'calls']);
  expect(JSON.parse(readFileSync(paths.state, 'utf8'))).toMatchObject({ url: 'http://localhost:1', processes: [{}, {}] });
  rmSync(paths.dataDir, { recursive: true });
});
