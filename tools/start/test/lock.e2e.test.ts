import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const RACER = join(__dirname, 'lock-racer.mjs');
const ROUNDS = 500;
const ROUND_MS = 6;
const STARTING_MS = 1_500;
const RACERS = 2;
/** A process that is gone: the beginning is none that a process can have. */
const GONE = JSON.stringify({ pid: process.pid, began: 'never', url: 'http://localhost:1' });

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'rialto-lock-'))));
afterEach(() => rmSync(dir, { recursive: true }));

/** Each racer's won rounds; all of them are alive, with what they hold, until the last has ended. */
async function race(): Promise<number[][]> {
  const startMs = Date.now() + STARTING_MS;
  const racers = Array.from({ length: RACERS }, () => {
    const args = [RACER, dir, ROUNDS, startMs, ROUND_MS].map(String);
    return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  });
  const won = racers.map(async ({ stdout }) => {
    let text = '';
    for await (const part of stdout) {
      text += String(part);
      if (text.endsWith('\n')) break;
    }
    return JSON.parse(text) as number[];
  });
  try {
    return await Promise.all(won);
  } finally {
    for (const { stdin } of racers) stdin.end();
  }
}

test.each([
  ['the lock', ['in-use.json']],
  ['the lock, and the lock of who was taking it over', ['in-use.json', 'in-use.json.stale']],
])('of two that meet %s of one that is gone, exactly one wins', async (_what, left) => {
  for (let round = 0; round < ROUNDS; round++) {
    mkdirSync(join(dir, String(round)));
    for (const name of left) writeFileSync(join(dir, String(round), name), GONE);
  }
  const winners = Array.from({ length: ROUNDS }, () => 0);
  const won = await race();
  for (const round of won.flat()) winners[round] = (winners[round] ?? 0) + 1;
  expect(winners.filter((count) => count !== 1)).toEqual([]);
  expect(won.filter((rounds) => rounds.length > 0)).toHaveLength(RACERS); // Else it was no race.
  for (let round = 0; round < ROUNDS; round++) expect(readdirSync(join(dir, String(round)))).toEqual(['in-use.json']);
});
