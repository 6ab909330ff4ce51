import { readPush } from './push.ts';
import { isAtLeast } from './nats-connection.ts';

test('a push says for whom it is without being parsed', () => {
  expect(readPush('{"event":"a.b","payload":{}}')).toEqual({ deviceId: undefined, json: '{"event":"a.b","payload":{}}' });
  const deviceId = 'd'.repeat(22);
  expect(readPush(`${deviceId}{"event":"a.b"}`)).toEqual({ deviceId, json: '{"event":"a.b"}' });
});

test('versions are compared by number', () => {
  expect(isAtLeast('2.12.7', '2.12.7')).toBe(true);
  expect(isAtLeast('2.14.0-beta.1', '2.12.7')).toBe(true);
  expect(isAtLeast('2.9.10', '2.12.7')).toBe(false);
  expect(isAtLeast('2.12.6', '2.12.7')).toBe(false);
  expect(isAtLeast('', '2.12.7')).toBe(false);
});
