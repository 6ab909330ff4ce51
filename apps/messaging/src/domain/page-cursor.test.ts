import type { ConversationId } from '@rialto/contracts';
import { decodeCursor, encodeCursor } from './page-cursor.ts';

const id = `cnv_${'-_'.repeat(11)}` as ConversationId;

test('a cursor comes back as it was', () => {
  const text = encodeCursor([1_800_000_000_123, id]);
  expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
  expect(text.length).toBeLessThanOrEqual(200);
  expect(decodeCursor(text)).toEqual([1_800_000_000_123, id]);
});

test.each([
  '',
  'x',
  '%%%',
  'é',
  btoa('[1]'),
  btoa('{"a":1}'),
  btoa(`[-1,"${id}"]`),
  btoa(`[1.5,"${id}"]`),
  btoa('[1,"cnv_x"]'),
  btoa(`[1e300,"${id}"]`),
])('%j is refused', (text) => {
  expect(decodeCursor(text)).toBeUndefined();
});
