import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeLock } from './lock-file.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rialto-lock-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('a second writer of the same process is refused until the first is done', async () => {
  const release = await takeLock(directory);
  await expect(takeLock(directory)).rejects.toMatchObject({ code: 'store-locked' });
  await release();
  await (
    await takeLock(directory)
  )();
  expect(await readdir(directory)).toEqual([]);
});

test('a lock of a process that is gone is taken over, also when this process was given its number', async () => {
  await writeFile(join(directory, 'lock'), `${process.pid} 00000000-0000-4000-8000-000000000000`);
  const release = await takeLock(directory);
  await release();
});

test('of many who ask at once one gets it', async () => {
  const asked = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(directory)));
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('a lock of another thread of this process is respected', async () => {
  await writeFile(join(directory, 'lock'), `${process.pid} 00000000-0000-4000-8000-000000000000 7`);
  await expect(takeLock(directory)).rejects.toMatchObject({ code: 'store-locked' });
});

test('a lock of another process that lives is respected', async () => {
  await writeFile(join(directory, 'lock'), `${process.ppid} 00000000-0000-4000-8000-000000000000`);
  await expect(takeLock(directory)).rejects.toMatchObject({ code: 'store-locked' });
});
