import { BoundedMap } from './bounded-map.ts';

test('it holds no more than its limit, and what is asked for stays', () => {
  const map = new BoundedMap<number, number>(10);
  for (let key = 0; key < 1_000; key += 1) {
    map.set(key, key);
    expect(map.get(0)).toBe(0);
  }
  const kept = Array.from({ length: 1_000 }, (_, key) => map.get(key)).filter((value) => value !== undefined);
  expect(kept.length).toBeLessThanOrEqual(10);
  expect(map.get(1)).toBeUndefined();
});

test('the newest value counts', () => {
  const map = new BoundedMap<string, number>(4);
  for (const value of [1, 2, 3, 4, 5, 6]) map.set('key', value);
  expect(map.get('key')).toBe(6);
});
