import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { takeLock } from './lock-file.ts';

const RACERS = 12;
const ROUNDS = 3;
const HERE = join(process.cwd(), 'libs/client');

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rialto-lock-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('a second writer of the same process is refused until the first is done', async () => {
  const release = await takeLock(directory);
  await expect(takeLock(directory)).rejects.toMatchObject({ code: 'store-locked' });
  await release();
  const next = await takeLock(directory);
  await release(); // again: it is not this one's any more
  await expect(takeLock(directory)).rejects.toMatchObject({ code: 'store-locked' });
  await next();
});

test('of many who ask at once one gets it', async () => {
  const asked = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(directory)));
  const [got, ...more] = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  expect(more).toEqual([]);
  await got?.();
});

test('a lock of another thread of this process is respected, and ends with the thread', async () => {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.module)
      .then(({ takeLock }) => takeLock(workerData.directory))
      .then((release) => { parentPort.postMessage('taken'); setInterval(() => release, 1_000); });`;
  const module = join(HERE, 'src/node/lock-file.ts');
  const thread = new Worker(code, { eval: true, workerData: { module, directory } });
  await new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject));
  await expect(takeLock(directory)).rejects.toMatchObject({ code: 'store-locked' });
  await thread.terminate();
  await (
    await takeLock(directory)
  )();
});

test('what is no lock but a damaged file is told as what it is', async () => {
  await mkdir(join(directory, 'lock.sqlite'));
  await expect(takeLock(directory)).rejects.not.toMatchObject({ code: 'store-locked' });
});

/** A process that takes the lock and is killed with it; resolves with what it said. */
function racer(): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(HERE, 'test/lock-racer.ts'), directory], (_killed, said, complaint) =>
      resolve(said.trim() + complaint),
    );
  });
}

test('of many processes that find the lock of a killed one, one at a time gets in', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const said = await Promise.all(Array.from({ length: RACERS }, racer));
    expect(said).toEqual(Array.from({ length: RACERS }, () => 'in'));
  }
  await (
    await takeLock(directory)
  )();
}, 120_000);
