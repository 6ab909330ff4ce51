import type { LogRow } from '@rialto/contracts';
import { CommitRefused, fromBase64url, OpenError, readSealedMessage } from '@rialto/crypto';
import type { UndecryptableReason } from '../views.ts';
import type { ConversationRecord } from './conversation-record.ts';

/** Why a row could not be opened, and whether this device comes back to the group by its pin because of it. */
export type Failure = { readonly reason: UndecryptableReason; readonly repair: boolean };

/** So many unreadable rows, one behind the other, speak for a group that runs apart: what one member sent is no reason. */
export const UNREADABLE_BEFORE_REJOIN = 8;

/**
 * Each failure has its own meaning, and only what an honest server can cause is repaired: a commit that cannot be followed, and rows of
 * an epoch that this device never reached. A message that does not open is final by itself, because any member can send noise. Throws
 * what is no failure of the row and may pass.
 */
export function failureOf(error: unknown, row: Pick<LogRow, 'epoch' | 'kind'>, epoch: number): Failure | 'replayed' {
  if (error instanceof CommitRefused) return { reason: 'commit-refused', repair: true };
  if (!(error instanceof OpenError)) throw error;
  if (error.reason === 'message-replayed') return 'replayed';
  const isAhead = error.reason === 'epoch-out-of-window' && row.epoch > epoch;
  return { reason: error.reason, repair: isAhead || (error.reason === 'unreadable' && row.kind === 'commit') };
}

/**
 * Counts one more message that did not open. Many in a row are what a group that has run apart looks like, and coming back once tells the
 * two apart: when that did not help, the messages are noise, and coming back again would only let their sender end the conversation.
 */
export function oneMoreUnreadable(
  { unreadableInARow = 0, rejoins }: Pick<ConversationRecord, 'unreadableInARow' | 'rejoins'>,
  nowMs: number,
): { readonly patch: Partial<ConversationRecord>; readonly repair: boolean } {
  const count = unreadableInARow + 1;
  const wasBackToday = rejoins.day === dayOf(nowMs) && rejoins.count > 0;
  return { patch: { unreadableInARow: count }, repair: count >= UNREADABLE_BEFORE_REJOIN && !wasBackToday };
}

/** The day by which attempts to come back are counted (UTC). */
export const dayOf = (nowMs: number): string => new Date(nowMs).toISOString().slice(0, 10);

/** The id that a sealed message says in the clear, as the client names messages; undefined when the bytes are no sealed message. */
export function clearIdOf({ bytes }: Pick<LogRow, 'bytes'>): string | undefined {
  try {
    return `msg_${readSealedMessage(fromBase64url(bytes)).messageId}`;
  } catch {
    return undefined; // noise, which the row's failure says already
  }
}
