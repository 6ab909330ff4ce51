import type { AccountId, ConversationId } from '@rialto/contracts';
import type { CallManager } from './calls/calls.ts';
import type { ClientEvents, EventName } from './events.ts';
import type {
  Balance,
  ConnectionState,
  ConversationSummary,
  MessageView,
  OwnAccount,
  Person,
  Standing,
  TopUp,
  TransferResult,
  VerifiedEntry,
} from './views.ts';

/** One signed-in device. What `Rialto.register` and `Rialto.open` give. */
export interface RialtoClient {
  readonly account: OwnAccount;
  readonly connection: { readonly state: ConnectionState; networkChanged(isThere: boolean): void };
  readonly people: People;
  readonly conversations: Conversations;
  readonly wallet: Wallet;
  readonly calls: CallManager;
  readonly devices: Devices;
  readonly settings: Settings;
  /** Returns the function that ends the subscription. */
  on<N extends EventName>(name: N, handler: (payload: ClientEvents[N]) => void): () => void;
  /** Whether these are the words of this account; remembers that the user has them. Throws `ClientError('phrase-wrong')`. */
  confirmRecoveryPhrase(words: string): Promise<void>;
  /**
   * The words of an account that was made here, for as long as nobody has said that the user has them: a program that was cut off before it
   * showed them shows them now. Null after `confirmRecoveryPhrase` or `forgetRecoveryPhrase`.
   */
  recoveryPhrase(): Promise<string | null>;
  /** The user says that the words are written down: this device keeps them no longer. */
  forgetRecoveryPhrase(): Promise<void>;
  setDisplayName(displayName: string): Promise<void>;
  /** Resolves when everything that the server has for this device was read. Throws what stopped it. */
  sync(): Promise<void>;
  /** Sends what is due (messages, receipts, acknowledgements) instead of waiting for more: for programs that end now. */
  settle(): Promise<void>;
  /** Resolves when the connection is `online`; rejects after `timeoutMs`, or when it never will be. */
  whenOnline(timeoutMs?: number): Promise<void>;
  /** Ends timers and the connection, finishes what is being written, and gives up the store. */
  close(): Promise<void>;
}

export interface People {
  /** By handle, with or without `@`, or `@handle#accountId` (then the id must be the handle's). Throws `AppError('not-found')`. */
  find(handle: string): Promise<Person>;
  get(accountId: AccountId): Promise<Person>;
  markVerified(accountId: AccountId, isVerified?: boolean): Promise<Person>;
  isHandleAvailable(handle: string): Promise<HandleAvailability>;
}
export interface HandleAvailability {
  readonly available: boolean;
  readonly reason: 'taken' | 'reserved' | 'malformed' | null;
}

export interface Conversations {
  /** Latest activity first. */
  list(): Promise<readonly ConversationSummary[]>;
  /** Throws `ClientError('no-such-conversation')`. */
  get(id: ConversationId): Promise<Conversation>;
  summary(id: ConversationId): Promise<ConversationSummary>;
  /** The conversation with one person: finds it, or opens it. Takes a handle (`@ben`) or an account id. */
  createDm(peer: string): Promise<Conversation>;
  accept(id: ConversationId): Promise<Conversation>;
  block(accountId: AccountId): Promise<void>;
  unblock(accountId: AccountId): Promise<void>;
  blocked(): Promise<readonly AccountId[]>;
}

export interface Conversation {
  readonly id: ConversationId;
  readonly peer: AccountId;
  readonly standing: Standing;
  /** Messages in reading order; the page ends before `before` (an `order`), or with the newest. */
  page(options?: { readonly before?: number; readonly limit?: number }): Promise<readonly MessageView[]>;
  message(messageId: string): Promise<MessageView>;
  /** Returns as soon as the message is stored on this device: it is sent now or when the connection is back. */
  send(content: { readonly text: string; readonly replyTo?: string }): Promise<MessageView>;
  /** Sets, changes or (null) takes back this user's reaction. */
  react(messageId: string, emoji: string | null): Promise<void>;
  retry(messageId: string): Promise<MessageView>;
  /** Everything up to this message was read by the user. */
  markRead(upToMessageId: string): Promise<void>;
  /** Every new or changed message from now on; ends with `return()` or when the client closes. */
  stream(): AsyncIterable<MessageView>;
  /** Pays the peer and leaves a card here. The card is sent even if the answer about the transfer is late. */
  sendMoney(payment: {
    readonly amountMinor: bigint;
    readonly currency: string;
    readonly memo?: string;
  }): Promise<{ readonly message: MessageView; readonly transfer: TransferResult }>;
  /** Resolves when nothing waits to be sent any more, or rejects with the code of the message that failed. */
  flushed(): Promise<void>;
}

export interface Wallet {
  /** As last verified, offline too; empty before the ledger was read for the first time. `refresh` reads it. */
  readonly balances: readonly Balance[];
  readonly isSimulated: boolean;
  refresh(): Promise<readonly Balance[]>;
  /** Pays without a conversation: there is no card, and a memo stays on this device. `to` is `@handle` or an account id. */
  send(payment: {
    readonly to: string;
    readonly amountMinor: bigint;
    readonly currency: string;
    readonly memo?: string;
  }): Promise<TransferResult>;
  topUp(request: { readonly currency: string; readonly amountMinor: bigint }): Promise<TopUp>;
  topUpState(topUpId: string): Promise<TopUp>;
  /** Newest first. All of it was verified link by link; what was not is never here. `before` is a `seq`. */
  statement(currency: string, options?: { readonly before?: number; readonly limit?: number }): Promise<readonly VerifiedEntry[]>;
}

export interface DeviceView {
  readonly deviceId: string;
  readonly addedAt: string;
  readonly lastSeenAt: string | null;
  readonly isCurrent: boolean;
}
export interface Devices {
  list(): Promise<readonly DeviceView[]>;
  /** Removes another device of this account for ever, and takes it out of the conversations of this one. */
  revoke(deviceId: string): Promise<void>;
}

export interface Settings {
  readonly sendsReadReceipts: boolean;
  setSendsReadReceipts(value: boolean): Promise<void>;
  /** Calls go through the server's relay only, so that who one talks with does not see this device's address. From the next call on. */
  readonly hidesAddressInCalls: boolean;
  setHidesAddressInCalls(value: boolean): Promise<void>;
}
