const AT_ONCE = 8;

/** Some at a time, results in order. */
export async function inLanes<T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < count; index = next++) results[index] = await run(index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return results;
}
