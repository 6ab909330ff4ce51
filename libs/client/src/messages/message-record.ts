import type { AccountId, CallId, ConversationId } from '@rialto/contracts';
import type { Body, MessageState, UndecryptableReason } from '../views.ts';
import type { PaymentCard } from './envelope.ts';

/** One row of a conversation as this device keeps it, under `<conversation>/<order>`. */
export interface MessageRecord {
  readonly id: string;
  readonly conversationId: ConversationId;
  readonly order: number;
  /** The log's number; null while it is not known (own messages on their way) or has none (what this device notes itself). */
  readonly seq: number | null;
  readonly sender: AccountId;
  readonly isMine: boolean;
  readonly sentAt: string;
  readonly state: MessageState;
  readonly content: Content;
  readonly replyTo?: string;
  readonly reactions: Readonly<Record<AccountId, string>>;
  readonly error?: string;
  readonly gapBefore?: number;
  readonly historyDiffers?: boolean;
}
export type Content =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'payment'; readonly card: PaymentCard }
  | {
      readonly type: 'call';
      readonly callId: CallId;
      readonly media: 'audio' | 'video';
      readonly outcome: string;
      readonly durationMs: number;
    }
  | { readonly type: 'undecryptable'; readonly reason: UndecryptableReason; readonly willRepair: boolean }
  | { readonly type: 'unsupported' }
  | Extract<Body, { type: 'system' }>;
