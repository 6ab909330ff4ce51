import fc from 'fast-check';
import { MAX_UNACKED_DISPATCHES } from '@rialto/contracts';
import { DispatchWindow, MAX_HELD_CHARS, MAX_HELD_PUSHES } from './dispatch-window.ts';

const push = (n: number) => `{"event":"a.b","payload":${n}}`;
const drain = (window: DispatchWindow) => {
  const frames: { seq: number; payload: number }[] = [];
  for (let frame = window.next(); frame !== undefined; frame = window.next()) frames.push(JSON.parse(frame));
  return frames;
};

test('whatever the order of pushes, acknowledgements and losses, the client sees every number once and in order', () => {
  const step = fc.oneof(fc.constant('push'), fc.constant('read'), fc.constant('ack'), fc.constant('lose'));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
      const window = new DispatchWindow();
      let pushed = 0;
      let seen = 0;
      let onTheWay: { seq: number; payload: number }[] = [];
      for (const each of steps) {
        if (each === 'push') expect(window.add(push((pushed += 1)))).toBe(true);
        onTheWay.push(...drain(window));
        if (each === 'read') {
          for (const { seq, payload } of onTheWay.splice(0)) {
            expect([seq, payload]).toEqual([seen + 1, seen + 1]);
            seen = seq;
          }
        }
        if (each === 'ack') expect(window.acknowledge(seen)).toBe(true);
        if (each === 'lose') {
          onTheWay = [];
          expect(window.resumeAfter(seen)).toBe(true);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('the window fills, opens with acknowledgements, and ends', () => {
  const window = new DispatchWindow();
  for (let n = 1; n <= MAX_HELD_PUSHES; n++) expect(window.add(push(n))).toBe(true);
  expect(window.add(push(0))).toBe(false);
  expect(drain(window)).toHaveLength(MAX_UNACKED_DISPATCHES);
  expect(window.isFull).toBe(true);
  expect(window.acknowledge(10)).toBe(true);
  expect(drain(window)).toHaveLength(10);
  expect(window.acknowledge(5)).toBe(true); // Overtaken.
  expect(window.acknowledge(MAX_UNACKED_DISPATCHES + 11)).toBe(false);
  expect(window.resumeAfter(9)).toBe(false); // Already let go.
});

test('held bytes have a limit', () => {
  const window = new DispatchWindow();
  expect(window.add('x'.repeat(MAX_HELD_CHARS))).toBe(true);
  expect(window.add('x')).toBe(false);
});
