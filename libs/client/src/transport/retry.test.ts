import { AppError, type ErrorCode } from '@rialto/contracts';
import { errorFrom } from './problem.ts';
import { backOffMs, MAX_ATTEMPTS, withRetries } from './retry.ts';

const failing = (codes: readonly ErrorCode[]) => {
  let calls = 0;
  const run = async () => {
    const code = codes[calls];
    calls += 1;
    if (code !== undefined) throw new AppError(code);
    return 'done';
  };
  return { run, calls: () => calls };
};
const signal = () => new AbortController().signal;

test('a call whose outcome is unknown is repeated until it answers', async () => {
  const { run, calls } = failing(['outcome-unknown', 'unavailable']);
  await expect(withRetries(run, signal())).resolves.toBe('done');
  expect(calls()).toBe(3);
});

test('a refusal is not repeated, and repeating ends', async () => {
  const refused = failing(['not-reachable']);
  await expect(withRetries(refused.run, signal())).rejects.toMatchObject({ code: 'not-reachable' });
  expect(refused.calls()).toBe(1);
  const stale = failing(['stale-epoch']); // retryable, but something must be done first
  await expect(withRetries(stale.run, signal())).rejects.toMatchObject({ code: 'stale-epoch' });
  const away = failing(Array.from({ length: 20 }, () => 'unavailable' as const));
  await expect(withRetries(away.run, signal())).rejects.toMatchObject({ code: 'unavailable' });
  expect(away.calls()).toBe(MAX_ATTEMPTS);
}, 20_000);

test('a client that closes stops waiting at once', async () => {
  const ended = new AbortController();
  const waiting = withRetries(failing(['unavailable', 'unavailable']).run, ended.signal);
  ended.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
});

test('the server may ask for more patience, and not for too much', async () => {
  const asked = (retryAfterMs: number) => errorFrom({ code: 'rate-limited', retryAfterMs });
  const started = Date.now();
  let calls = 0;
  await withRetries(async () => {
    calls += 1;
    if (calls === 1) throw asked(400);
  }, signal());
  expect(Date.now() - started).toBeGreaterThanOrEqual(390);
  await expect(withRetries(() => Promise.reject(asked(60_000)), signal())).rejects.toMatchObject({ code: 'rate-limited' });
});

test('back-off grows, is spread, and has an end', () => {
  expect(backOffMs(0, () => 0)).toBeLessThan(backOffMs(3, () => 0));
  expect(backOffMs(2, () => 0)).not.toBe(backOffMs(2, () => 1));
  expect(backOffMs(50, () => 1)).toBe(backOffMs(60, () => 1));
});

test('an answer that is not ours becomes the nearest of our codes', () => {
  expect(errorFrom('<html>', 503).code).toBe('unavailable');
  expect(errorFrom({ code: 'from-the-future' }, 418).code).toBe('internal');
});
