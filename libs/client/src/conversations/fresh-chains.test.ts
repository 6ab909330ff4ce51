import type { AccountId } from '@rialto/contracts';
import { CHAIN_PATIENCE_MS, freshChains } from './fresh-chains.ts';

const ACCOUNTS = ['A', 'B'].map((letter) => letter.repeat(43) as AccountId);

test('all are asked for at once, and it ends with the last answer', async () => {
  const answers: (() => void)[] = [];
  const refresh = () => new Promise<never>((resolve) => answers.push(() => resolve({} as never)));
  let isDone = false;
  const asked = freshChains({ refresh }, ACCOUNTS).then(() => {
    isDone = true;
  });
  expect(answers).toHaveLength(2);
  answers[0]?.();
  await Promise.resolve();
  expect(isDone).toBe(false);
  answers[1]?.();
  await asked;
});

test('a slow server is waited for so long and no longer, and its late refusal disturbs nobody', async () => {
  jest.useFakeTimers();
  let refuse = (): void => undefined;
  const refresh = () =>
    new Promise<never>((_resolve, reject) => {
      refuse = () => reject(new Error('late'));
    });
  const outcome = freshChains({ refresh }, ACCOUNTS).catch((error: { code?: string }) => error.code);
  await jest.advanceTimersByTimeAsync(CHAIN_PATIENCE_MS);
  expect(await outcome).toBe('unavailable');
  refuse();
  await jest.advanceTimersByTimeAsync(1);
  jest.useRealTimers();
});

test('what the answer is wrong in is told as it is', async () => {
  const refresh = () => Promise.reject(new Error('server-lied'));
  await expect(freshChains({ refresh }, ACCOUNTS)).rejects.toThrow('server-lied');
});
