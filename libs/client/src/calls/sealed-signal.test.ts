import type { CallId } from '@rialto/contracts';
import { decodeAnnouncement, decodeSignal, encodeAnnouncement, encodeSignal } from './sealed-signal.ts';

const callId = 'cal_AAAAAAAAAAAAAAAAAAAAAA' as unknown as CallId;
const nowMs = 1_800_000_000_000;
const media = {
  instance: Uint8Array.from({ length: 16 }, (_, i) => i * 16),
  tracks: [{ mid: '0', kind: 'audio' as const, number: 0 }],
};
const offer = {
  v: 1 as const,
  callId,
  sentAt: nowMs,
  type: 'offer' as const,
  offer: 1,
  sdp: 'v=0',
  media: encodeAnnouncement(media),
};
const problemOf = (plaintext: Uint8Array, about = { callId, nowMs }) => {
  try {
    decodeSignal(plaintext, about);
    return 'none';
  } catch (error) {
    return (error as { problem?: string }).problem;
  }
};
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

test('a signal comes out as it went in', () => {
  const signal = decodeSignal(encodeSignal(offer), { callId, nowMs });
  expect(signal).toEqual(offer);
  expect(decodeAnnouncement(offer.media)).toEqual(media);
});

test.each<[string, unknown, string]>([
  ['of another call', { ...offer, callId: 'cal_BBBBBBBBBBBBBBBBBBBBBB' }, 'other-call'],
  ['that is old', { ...offer, sentAt: nowMs - 600_000 }, 'too-old'],
  ['from the future', { ...offer, sentAt: nowMs + 600_000 }, 'too-old'],
  ['with more in it', { ...offer, more: 1 }, 'unreadable'],
  ['of another kind', { ...offer, type: 'bye' }, 'unreadable'],
  ['with a short instance', { ...offer, media: { ...offer.media, instance: '00' } }, 'unreadable'],
  [
    'with too many tracks',
    { ...offer, media: { ...offer.media, tracks: Array.from({ length: 5 }, () => media.tracks[0]) } },
    'unreadable',
  ],
  ['that is not an object', 7, 'unreadable'],
])('a signal %s is refused', (_name, value, problem) => {
  expect(problemOf(bytes(value))).toBe(problem);
});

test('bytes that are not UTF-8 JSON are refused, and what is too large is not sealed', () => {
  expect(problemOf(Uint8Array.of(0xff, 0xfe))).toBe('unreadable');
  expect(() => encodeSignal({ ...offer, sdp: 'x'.repeat(40_000) })).toThrow('too-large');
});
