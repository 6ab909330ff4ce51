import { CommitRefused, OpenError, type OpenRefusal } from '@rialto/crypto';
import { ClientError } from '../client-error.ts';
import { clearIdOf, failureOf, oneMoreUnreadable, UNREADABLE_BEFORE_REJOIN } from './row-failure.ts';

const EPOCH = 5;
const message = (epoch = EPOCH) => ({ kind: 'application', epoch }) as const;
const commit = (epoch = EPOCH) => ({ kind: 'commit', epoch }) as const;

test.each<[OpenRefusal, ReturnType<typeof message> | ReturnType<typeof commit>, boolean]>([
  ['unreadable', message(), false],
  ['unreadable', message(EPOCH + 1), false],
  ['unreadable', commit(), true],
  ['wrong-conversation', message(), false],
  ['late-from-removed', message(), false],
  ['not-an-application-message', message(), false],
  ['epoch-out-of-window', message(EPOCH - 3), false],
  ['epoch-out-of-window', message(EPOCH), false],
  ['epoch-out-of-window', message(EPOCH + 1), true],
])('%s in %o: comes back by the pin: %s', (reason, row, repair) => {
  expect(failureOf(new OpenError(reason), row, EPOCH)).toEqual({ reason, repair });
});

test('a commit that is refused cannot be skipped, a repetition can, and what is no failure of the row is thrown on', () => {
  expect(failureOf(new CommitRefused('mls'), commit(), EPOCH)).toEqual({ reason: 'commit-refused', repair: true });
  expect(failureOf(new OpenError('message-replayed'), message(), EPOCH)).toBe('replayed');
  const offline = new ClientError('offline');
  expect(() => failureOf(offline, message(), EPOCH)).toThrow(offline);
});

test('only many unreadable messages, one behind the other, are a reason to come back, and only if that was not tried today', () => {
  const now = Date.parse('2026-03-01T23:59:59.999Z');
  const rejoins = { day: '2026-03-01', count: 0 };
  const before = { unreadableInARow: UNREADABLE_BEFORE_REJOIN - 1, rejoins };
  expect(oneMoreUnreadable({ rejoins }, now)).toEqual({ patch: { unreadableInARow: 1 }, repair: false });
  expect(oneMoreUnreadable({ ...before, unreadableInARow: UNREADABLE_BEFORE_REJOIN - 2 }, now).repair).toBe(false);
  expect(oneMoreUnreadable(before, now)).toEqual({ patch: { unreadableInARow: UNREADABLE_BEFORE_REJOIN }, repair: true });
  const tried = { ...before, rejoins: { ...rejoins, count: 1 } };
  expect(oneMoreUnreadable(tried, now).repair).toBe(false);
  expect(oneMoreUnreadable(tried, now + 1).repair).toBe(true);
});

test('bytes that are no sealed message have no id', () => {
  expect(clearIdOf({ bytes: 'AAAA' })).toBeUndefined();
  expect(clearIdOf({ bytes: '' })).toBeUndefined();
});
