import { ready, utf8 } from '@rialto/crypto';
import fc from 'fast-check';
import { decodeEnvelope, encodeEnvelope, type Envelope, pad, readBody, unpad } from './envelope.ts';

beforeAll(ready);

const envelope = (text: string): Envelope => ({
  v: 1,
  id: 'msg_AAAAAAAAAAAAAAAAAAAAAA' as Envelope['id'],
  n: 0,
  seen: { seq: 0, logHash: null },
  chain: { seq: 0, hash: 'A'.repeat(43) },
  checkpoints: [],
  sentAt: '2026-11-25T08:00:00.000Z',
  body: { type: 'text', text },
});

test('any content comes back, in a size that says little about it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40_000 }), fc.constantFrom('log' as const, 'ephemeral' as const), (content, kind) => {
      const padded = pad(kind, content);
      expect(unpad(kind, padded)).toEqual(new Uint8Array(content));
      expect([256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 49_152]).toContain(padded.length);
    }),
    { numRuns: 200 },
  );
  expect(() => pad('log', new Uint8Array(60_000))).toThrow(RangeError);
});

test('what was sealed for one road is nothing on the other', () => {
  expect(unpad('ephemeral', pad('log', utf8('x')))).toBeUndefined();
  expect(unpad('log', pad('ephemeral', utf8('x')))).toBeUndefined();
});

test('no mutation of the padding is accepted, and none throws', () => {
  const padded = encodeEnvelope(envelope('hello'));
  fc.assert(
    fc.property(fc.nat({ max: padded.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const mutated = padded.slice();
      mutated[at] = (mutated[at] ?? 0) ^ change;
      const read = decodeEnvelope(mutated);
      if (at >= 5 + JSON.stringify(envelope('hello')).length || at === 0) expect(read).toBeUndefined();
    }),
    { numRuns: 2_000 },
  );
  for (const bytes of [
    new Uint8Array(),
    new Uint8Array(4),
    utf8('{}'),
    pad('log', utf8('{')),
    pad('log', new Uint8Array([0xff])),
  ])
    expect(decodeEnvelope(bytes)).toBeUndefined();
});

test('a newer body is unsupported, a broken one malformed', () => {
  expect(readBody({ type: 'text', text: 'hi' })).toEqual({ type: 'text', text: 'hi' });
  expect(readBody({ type: 'text', text: 5 })).toBe('malformed');
  expect(readBody({ type: 'hologram', data: 1 })).toBe('unsupported');
  expect(decodeEnvelope(encodeEnvelope(envelope('ä🙂')))?.body).toEqual({ type: 'text', text: 'ä🙂' });
});
