import type { ConversationSummary } from '@rialto/client';
import { nameOf } from './words.ts';

/** What somebody typed to find a chat, as handles are written. */
export const wantedOf = (typed: string): string => typed.trim().toLowerCase().replace(/^@/, '');

/** The chats with people whose name or handle has that in it. */
export function findChats(conversations: readonly ConversationSummary[], typed: string): readonly ConversationSummary[] {
  const wanted = wantedOf(typed);
  return conversations.filter(({ peer }) => nameOf(peer).toLowerCase().includes(wanted) || (peer.handle ?? '').includes(wanted));
}
