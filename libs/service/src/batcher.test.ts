import { AppError } from '@rialto/contracts';
import { Batcher } from './batcher.ts';

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    (value) => value,
    (error: Error) => (error instanceof AppError ? error.code : error.message),
  );

test('what arrives during a run is the next batch, in order', async () => {
  const batches: number[][] = [];
  const batcher = new Batcher<number, number>(async (items) => {
    batches.push([...items]);
    await settle();
    return items.map((item) => item * 10);
  });
  const first = batcher.add(1);
  await new Promise((resolve) => setImmediate(resolve));
  const rest = [2, 3, 4].map((item) => batcher.add(item));
  expect(await Promise.all([first, ...rest])).toEqual([10, 20, 30, 40]);
  expect(batches).toEqual([[1], [2, 3, 4]]);
});

test('an item may fail alone', async () => {
  const batcher = new Batcher<number, number>(async (items) =>
    items.map((item) => (item === 2 ? new AppError('conflict') : item)),
  );
  expect(await Promise.all([1, 2, 3].map((item) => codeOf(batcher.add(item))))).toEqual([1, 'conflict', 3]);
});

test('a bad item that breaks the batch does not fail its neighbours', async () => {
  const batcher = new Batcher<number, number>(async (items) => {
    if (items.includes(2)) throw new Error('bad row');
    return items;
  });
  expect(await Promise.all([1, 2, 3].map((item) => codeOf(batcher.add(item))))).toEqual([1, 'bad row', 3]);
});

test('when the storage is away everybody hears it after one attempt', async () => {
  let runs = 0;
  const batcher = new Batcher<number, number>(async () => {
    runs += 1;
    throw Object.assign(new Error('gone'), { code: runs === 1 ? '57P01' : 'ECONNREFUSED' });
  });
  expect(await Promise.all([1, 2, 3].map((item) => codeOf(batcher.add(item))))).toEqual(Array(3).fill('outcome-unknown'));
  expect(runs).toBe(1);
  expect(await codeOf(batcher.add(4))).toBe('unavailable');
});

test('twins never share a batch, and batches have a size', async () => {
  const batches: string[][] = [];
  const batcher = new Batcher<string, string>(
    async (items) => {
      batches.push([...items]);
      return items;
    },
    { keyOf: (item) => item, maxItems: 3 },
  );
  await Promise.all(['a', 'a', 'b', 'c', 'd'].map((item) => batcher.add(item)));
  expect(batches).toEqual([
    ['a', 'b'],
    ['a', 'c', 'd'],
  ]);
});

test('a queue that is too long refuses', async () => {
  const batcher = new Batcher<number, number>(async (items) => items);
  const added = Array.from({ length: 10_001 }, (_, index) => codeOf(batcher.add(index)));
  expect((await Promise.all(added)).filter((result) => result === 'unavailable')).toHaveLength(1);
});

test('results that do not match the items are a bug, not a guess', async () => {
  const batcher = new Batcher<number, number>(async () => []);
  expect(await codeOf(batcher.add(1))).toMatch(/gave 0 results/);
});

test('free lanes share the work evenly, and wait for their share while another is busy', async () => {
  const batches: { lane: number; size: number }[] = [];
  const endings: (() => void)[] = [];
  const batcher = new Batcher<number, number>(
    async (items, lane) => {
      batches.push({ lane, size: items.length });
      await new Promise<void>((resolve) => endings.push(resolve));
      return items;
    },
    { lanes: 2 },
  );
  const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const all = Array.from({ length: 8 }, (_, item) => batcher.add(item));
  await turn();
  expect(batches.map(({ size }) => size)).toEqual([4, 4]);
  expect(new Set(batches.map(({ lane }) => lane)).size).toBe(2);
  endings.shift()?.();
  await turn();
  all.push(batcher.add(8)); // an even share would be three: four under way, one waiting
  await turn();
  expect(batches).toHaveLength(2);
  endings.shift()?.(); // nothing is under way any more, so it need not wait for company
  await turn();
  expect(batches.at(-1)?.size).toBe(1);
  endings.shift()?.();
  expect(await Promise.all(all)).toHaveLength(9);
});
