import { SOCKET_RESUME_MS } from '@rialto/contracts';
import { SocketSession, type Carrier } from './session.ts';

const owner = { accountId: 'account', deviceId: 'device' };
const carrier = (): Carrier => ({ canSend: () => true, send: () => {}, close: () => {} });

test('a session that still waits for its first socket is not over, and ends when none comes', () => {
  const session = new SocketSession(owner, () => {});
  expect(session.isOver(Date.now())).toBe(false);
  expect(session.isOver(Date.now() + SOCKET_RESUME_MS + 1_000)).toBe(true);
});

test('a session without its socket ends when the time to come back is over', () => {
  const session = new SocketSession(owner, () => {});
  const first = carrier();
  session.attach(first);
  expect(session.isOver(Number.MAX_SAFE_INTEGER)).toBe(false);
  session.detach(first, 1_000_000);
  expect(session.isOver(1_000_000 + SOCKET_RESUME_MS)).toBe(false);
  expect(session.isOver(1_000_000 + SOCKET_RESUME_MS + 1)).toBe(true);
});
