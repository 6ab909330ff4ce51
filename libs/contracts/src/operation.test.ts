import * as z from 'zod';
import { event, operation, service } from './operation.ts';

const fine = operation({
  summary: 'Does something.',
  http: 'POST /v1/things',
  callers: ['device'],
  idempotentBy: 'id',
  input: z.object({ id: z.string().max(10) }),
  output: z.object({}),
  errors: [],
});
const made = (wrong: object) => service('calls', { doThing: { ...fine, ...wrong } as never }, {});

test('an operation and an event learn their service and name where they are put together', () => {
  const changed = event({ summary: 'Something changed.', audience: 'account', payload: z.object({}) });
  const { operations, events } = service('calls', { doThing: fine }, { thingChanged: changed });
  expect([operations.doThing.service, operations.doThing.name]).toEqual(['calls', 'doThing']);
  expect([events.thingChanged.service, events.thingChanged.name]).toEqual(['calls', 'thingChanged']);
});

test('an input that holds more than the contract names is refused', () => {
  expect(fine.input.safeParse({ id: 'a' }).success).toBe(true);
  expect(fine.input.safeParse({ id: 'a', more: 1 }).success).toBe(false);
});

test.each<[string, object, RegExp]>([
  ['says for nobody', { callers: [] }, /who may call it/],
  ['gives people no route', { http: undefined, idempotentBy: undefined }, /exactly when people may call it/],
  ['gives a process a route', { callers: ['gateway'] }, /exactly when people may call it/],
  ['is signed and does not say as what', { callers: ['device-signed'] }, /goes with 'device-signed'/],
  ['says as what it is signed and is not', { signedAs: 'handle-claim' }, /goes with 'device-signed'/],
  ['is signed or not, as one likes', { callers: ['device-signed', 'device'], signedAs: 'handle-claim' }, /one caller/],
  [
    'is signed and has a part of its input in the path',
    { callers: ['device-signed'], signedAs: 'handle-claim', http: 'POST /v1/things/:id' },
    /no path parameters/,
  ],
  ['may be done twice by repeating it', { idempotentBy: undefined }, /makes it repeatable/],
])('a contract that %s does not come into being, and its name is in the message', (_what, wrong, message) => {
  expect(() => made(wrong)).toThrow(message);
  expect(() => made(wrong)).toThrow('calls.doThing');
});
