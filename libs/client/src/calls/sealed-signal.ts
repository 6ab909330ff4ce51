import { CallId, MAX_CLOCK_SKEW_MS, MAX_SIGNAL_BYTES, SIGNAL_LIFETIME_MS } from '@rialto/contracts';
import * as z from 'zod';
import { MAX_CALL_TRACKS, MEDIA_INSTANCE_BYTES, type MediaAnnouncement } from './media-engine.ts';

const MAX_SDP_CHARS = 40_000;
const MAX_CANDIDATE_CHARS = 1_000;
/** Candidates in one signal; more of them wait for the next. */
export const MAX_CANDIDATES_PER_SIGNAL = 20;

/** `call.media`: what this side's worker is and which tracks it sends. Only sealed does it say anything. */
const Announcement = z.strictObject({
  instance: z
    .string()
    .regex(/^[0-9a-f]+$/)
    .length(MEDIA_INSTANCE_BYTES * 2),
  tracks: z
    .array(
      z.strictObject({
        mid: z.string().min(1).max(16),
        kind: z.enum(['audio', 'video']),
        number: z
          .int()
          .min(0)
          .max(MAX_CALL_TRACKS - 1),
      }),
    )
    .max(MAX_CALL_TRACKS),
});
const Candidate = z.strictObject({
  candidate: z.string().max(MAX_CANDIDATE_CHARS),
  sdpMid: z.string().max(16).nullable(),
  sdpMLineIndex: z.int().min(0).max(64).nullable(),
});
const common = { v: z.literal(1), callId: CallId, sentAt: z.int().min(0) };
/** What is sealed in a signal. An answer names the offer that it answers, so that a late one is known. */
const Signal = z.discriminatedUnion('type', [
  z.strictObject({
    ...common,
    type: z.literal('offer'),
    offer: z.int().min(1),
    sdp: z.string().max(MAX_SDP_CHARS),
    media: Announcement,
  }),
  z.strictObject({
    ...common,
    type: z.literal('answer'),
    offer: z.int().min(1),
    sdp: z.string().max(MAX_SDP_CHARS),
    media: Announcement,
  }),
  z.strictObject({ ...common, type: z.literal('candidates'), candidates: z.array(Candidate).max(MAX_CANDIDATES_PER_SIGNAL) }),
]);
export type Signal = z.infer<typeof Signal>;

export type SignalProblem = 'unreadable' | 'other-call' | 'too-old' | 'too-large';
/** A sealed signal that must not be used. Nothing of it is in the error. */
export class SignalError extends Error {
  readonly problem: SignalProblem;
  constructor(problem: SignalProblem) {
    super(`signal: ${problem}`);
    this.problem = problem;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The plaintext of a signal. Throws `SignalError('too-large')` when it would not fit after sealing. */
export function encodeSignal(signal: Signal): Uint8Array {
  const bytes = new TextEncoder().encode(JSON.stringify(signal));
  if (bytes.length > MAX_SIGNAL_BYTES / 2) throw new SignalError('too-large');
  return bytes;
}

/** Reads the plaintext of a signal for one call. Throws `SignalError`. */
export function decodeSignal(plaintext: Uint8Array, { callId, nowMs }: { callId: CallId; nowMs: number }): Signal {
  const parsed = Signal.safeParse(parse(plaintext));
  if (!parsed.success) throw new SignalError('unreadable');
  if (parsed.data.callId !== callId) throw new SignalError('other-call');
  if (Math.abs(nowMs - parsed.data.sentAt) > SIGNAL_LIFETIME_MS + MAX_CLOCK_SKEW_MS) throw new SignalError('too-old');
  return parsed.data;
}

function parse(plaintext: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(plaintext));
  } catch {
    throw new SignalError('unreadable');
  }
}

export const encodeAnnouncement = ({ instance, tracks }: MediaAnnouncement): z.infer<typeof Announcement> => ({
  instance: Array.from(instance, (byte) => byte.toString(16).padStart(2, '0')).join(''),
  tracks: tracks.map(({ mid, kind, number }) => ({ mid, kind, number })),
});

export const decodeAnnouncement = ({ instance, tracks }: z.infer<typeof Announcement>): MediaAnnouncement => ({
  instance: Uint8Array.from({ length: MEDIA_INSTANCE_BYTES }, (_, i) => Number.parseInt(instance.slice(i * 2, i * 2 + 2), 16)),
  tracks,
});
