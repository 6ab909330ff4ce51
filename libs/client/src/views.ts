import type {
  AccountId,
  CallId,
  ConversationId,
  ConversationView,
  DeviceId,
  IntentId,
  TopUpId,
  TransferId,
} from '@rialto/contracts';

/** `elsewhere`: another tab or process is the writer of this device; this one shows what is stored and changes nothing. */
export type ConnectionState = 'connecting' | 'online' | 'offline' | 'signed-out' | 'revoked' | 'elsewhere';

/** This device and the account it belongs to. */
export interface OwnAccount {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly handle: string;
  readonly displayName: string;
  readonly recoveryPhraseConfirmed: boolean;
}

/** Somebody as this device knows them. The keys behind the id are verified; handle and name are what the server says. */
export interface Person {
  readonly accountId: AccountId;
  readonly handle: string | null;
  readonly displayName: string | null;
  /** Twelve groups of five digits; both people see the same. */
  readonly safetyNumber: readonly string[];
  /** The safety number was compared by this user. */
  readonly isVerified: boolean;
  /** The server showed an older or another device chain than before: nothing should be sent before people have talked. */
  readonly alarm: PersonAlarm | null;
}
export type PersonAlarm = 'chain-rolled-back' | 'chain-forked';

export type Standing = ConversationView['standing'];
/** `acceptance`: a stranger asks; nothing was opened yet. `repair`: this device cannot read the group and has no safe way back in. */
export type ConversationNeed = 'acceptance' | 'repair';
export interface ConversationSummary {
  readonly id: ConversationId;
  readonly peer: Person;
  readonly standing: Standing;
  readonly lastMessage?: MessageView;
  readonly unread: number;
  /** `acceptance`: a stranger asks; nothing was opened yet. `repair`: this device cannot read the group and has no safe way back in. */
  readonly needs?: ConversationNeed;
  /** Messages that wait to be sent. */
  readonly pendingSends: number;
  /** When something last happened here, ISO time. */
  readonly activeAt: string;
}

export type MessageState = 'sending' | 'sent' | 'delivered' | 'read' | 'failed';
export interface MessageView {
  readonly id: string;
  readonly conversationId: ConversationId;
  readonly sender: AccountId;
  readonly isMine: boolean;
  readonly sentAt: string;
  /** The place in this device's list of the conversation: page with it. */
  readonly order: number;
  readonly state: MessageState;
  readonly body: Body;
  readonly replyTo?: { readonly id: string; readonly excerpt: string };
  readonly reactions: readonly { readonly emoji: string; readonly by: readonly AccountId[] }[];
  /** Why it failed: a code of the error table. `retry` tries again. */
  readonly error?: string;
  /** This many messages of the same device are missing before this one. */
  readonly gapBefore?: number;
  /** The sender had seen another history than this device: the server showed different logs. */
  readonly historyDiffers?: boolean;
}

export type PaymentState = 'pending' | 'settled' | 'failed' | 'unverified';
export type UndecryptableReason =
  | 'not-yet-joined'
  | 'epoch-out-of-window'
  | 'late-from-removed'
  | 'unreadable'
  | 'wrong-conversation'
  | 'not-an-application-message'
  | 'commit-refused'
  | 'malformed'
  | 'log-rewritten';
export type SystemText = 'conversation-opened' | 'device-rejoined' | 'devices-changed' | 'removed';
export type Body =
  | { readonly type: 'text'; readonly text: string }
  | PaymentBody
  | {
      readonly type: 'call';
      readonly callId: CallId;
      readonly media: 'audio' | 'video';
      /** How it ended, for the one who looks: `hung-up`, `missed`, `declined`, … */
      readonly outcome: string;
      readonly durationMs: number;
    }
  | { readonly type: 'undecryptable'; readonly reason: UndecryptableReason; readonly willRepair: boolean }
  | { readonly type: 'unsupported' }
  | { readonly type: 'system'; readonly text: SystemText };
export interface PaymentBody {
  readonly type: 'payment';
  readonly intentId: IntentId;
  readonly transferId: TransferId | null;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly memo: string | null;
  /** From the viewer's own verified statement, never from the card: `unverified` means that the ledger says something else. */
  readonly state: PaymentState;
}

export interface Balance {
  readonly currency: string;
  /** ISO 4217: 2 for EUR, so that 1200 minor units are 12.00. */
  readonly exponent: number;
  readonly balanceMinor: bigint;
  readonly heldMinor: bigint;
  readonly isSimulated: boolean;
  readonly isFrozen: boolean;
  readonly limits: {
    readonly maxTransferMinor: bigint;
    readonly maxPerDayMinor: bigint;
    readonly minTopUpMinor: bigint;
    readonly maxTopUpMinor: bigint;
  };
}
/** An entry whose place in the account's chain of hashes was recomputed on this device. */
export interface VerifiedEntry {
  readonly transferId: TransferId;
  readonly kind: 'transfer' | 'top-up' | 'refund' | 'operator';
  readonly direction: 'debit' | 'credit';
  readonly counterparty: AccountId | null;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly balanceMinor: bigint;
  readonly seq: number;
  readonly intentId: IntentId | null;
  /** Known when the card that carried it is on this device and its hash is the ledger's. */
  readonly memo: string | null;
  readonly at: string;
}
export interface TransferResult {
  readonly transferId: TransferId;
  readonly intentId: IntentId;
}
export interface TopUp {
  readonly topUpId: TopUpId;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly state: 'creating' | 'open' | 'paid' | 'failed' | 'expired';
  /** Where the payer completes it; null when it is over. */
  readonly checkoutUrl: string | null;
}

/** Something that the user should know of and that no method call answers. */
export interface Problem {
  readonly code: ProblemCode;
  readonly conversationId?: ConversationId;
  readonly accountId?: AccountId;
  /** For a developer's eyes: no plaintext, no keys. */
  readonly detail?: string;
}
export type ProblemCode =
  | 'statement-forged'
  | 'statement-unreadable'
  | 'debit-without-intent'
  | 'ledger-key-changed'
  | 'receipt-invalid'
  | 'payment-refused'
  | 'person-keys-rolled-back'
  | 'person-keys-forked'
  | 'history-differs'
  | 'log-rewritten'
  | 'conversation-needs-repair'
  | 'welcomed-by-last-resort'
  | 'device-revoked'
  | 'socket-refused'
  | 'background-work-failed';
