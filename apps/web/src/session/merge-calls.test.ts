import type { CallView } from '@rialto/contracts';
import { mergeCalls, oldestRead } from './merge-calls.ts';

const call = (callId: string, minute: number, state = 'ended') =>
  ({ callId, state, createdAt: new Date(Date.UTC(2026, 0, 1, 12, minute)).toISOString() }) as unknown as CallView;

test('pages come together newest first, each call once and as it is now', () => {
  const older = mergeCalls([call('c', 3), call('b', 2, 'active')], [call('a', 1)]);
  const now = mergeCalls(older, [call('d', 4), call('c', 3), call('b', 2)]);
  expect(now.map(({ callId, state }) => [callId, state])).toEqual([
    ['d', 'ended'],
    ['c', 'ended'],
    ['b', 'ended'],
    ['a', 'ended'],
  ]);
});

test('a call that has been going on for long skips none that ended since', () => {
  expect(oldestRead([call('c', 9), call('b', 8), call('long', 1, 'active')])).toBe('b');
  expect(oldestRead([call('only', 1, 'active')])).toBe('only');
  expect(oldestRead([])).toBeUndefined();
});
