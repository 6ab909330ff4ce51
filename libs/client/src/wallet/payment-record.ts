import type {
  AccountId,
  ConversationId,
  CurrencyView,
  IntentId,
  Receipt,
  SignedBody,
  StatementEntry,
  TransferId,
} from '@rialto/contracts';
import type * as z from 'zod';
import type { PaymentCard } from '../messages/envelope.ts';
import { Rows, sortable } from '../rows.ts';
import type { Change, Store } from '../store.ts';
import type { SaltedMemo } from './memo.ts';
import type { StatementState } from './statement-check.ts';

/** An intent of this device. `planned`: signed and stored, maybe posted already. */
export interface PaymentRecord extends SaltedMemo {
  readonly intentId: IntentId;
  readonly body: SignedBody;
  readonly to: AccountId;
  readonly amountMinor: string;
  readonly currency: string;
  readonly state: 'planned' | 'posted' | 'failed';
  readonly error?: string;
  readonly transferId: TransferId | null;
  /** Where its card goes once it is posted. */
  readonly conversationId: ConversationId | null;
}
/** What the ledger signed of the own side of a transfer. It is kept, as the proof that it is, until the statement has shown the same. */
export interface ReceiptRecord {
  readonly receipt: Receipt;
  readonly proof: SignedBody;
}
/** A card of a conversation. `sender` is who sealed it, and `order` its place among the messages. */
export interface CardPlace {
  readonly conversationId: ConversationId;
  readonly messageId: string;
  readonly sender: AccountId;
  readonly order: number;
  readonly card: PaymentCard;
}
export interface EntryPlace {
  readonly currency: string;
  readonly seq: number;
}
export interface PayersIntent {
  readonly intentId: IntentId;
  readonly payer: AccountId;
}
export interface LedgerPin {
  readonly ledger: string;
  readonly ledgerKey: string;
}

/** What the server last said of the wallet beside the statements: without it no verified amount can be shown as one. */
export interface WalletPicture {
  readonly isSimulated: boolean;
  readonly currencies: readonly z.infer<typeof CurrencyView>[];
  readonly accounts: readonly { readonly currency: string; readonly heldMinor: string; readonly isFrozen: boolean }[];
}

/** What the wallet keeps: statements as far as they were verified, own intents, and where cards are. */
export class WalletRows {
  readonly states: Rows<StatementState>;
  readonly #entries: Rows<StatementEntry>;
  readonly #payments: Rows<PaymentRecord>;
  readonly #cards: Rows<CardPlace>;
  readonly #byIntent: Rows<EntryPlace>;
  readonly #receipts: Rows<ReceiptRecord>;
  readonly ledger: Rows<LedgerPin>;
  readonly pictures: Rows<WalletPicture>;
  readonly #verified: Rows<{ readonly atMs: number }>;

  constructor(store: Store) {
    this.states = new Rows(store, 'walletAccount');
    this.#entries = new Rows(store, 'entry');
    this.#payments = new Rows(store, 'payment');
    this.#cards = new Rows(store, 'payment');
    this.#byIntent = new Rows(store, 'payment');
    this.#receipts = new Rows(store, 'payment');
    this.ledger = new Rows(store, 'setting');
    this.pictures = new Rows(store, 'setting');
    this.#verified = new Rows(store, 'setting');
  }

  /** When every statement was last read to its end and verified; 0 before the first time. Unix time in ms. */
  async verifiedAtMs(): Promise<number> {
    return (await this.#verified.get(VERIFIED_KEY))?.atMs ?? 0;
  }
  putVerified(atMs: number): Change {
    return this.#verified.put(VERIFIED_KEY, { atMs });
  }

  /** `payer` of a transfer. Throws `StoreConflict` for an intent of the same payer that has its line already. */
  addEntry(entry: StatementEntry, state: StatementState, payer: AccountId | null): Change[] {
    const { currency, seq, intentId } = entry;
    const place = intentId && payer ? [this.#byIntent.insert(placeKey({ intentId, payer }), { currency, seq })] : [];
    return [this.#entries.insert(entryKey(currency, seq), entry), this.states.put(currency, state), ...place];
  }
  async entries(currency: string, { before, limit }: { before?: number; limit: number }): Promise<StatementEntry[]> {
    const after = before === undefined ? {} : { after: entryKey(currency, before) };
    const rows = await this.#entries.list({ prefix: `${currency}/`, backwards: true, limit, ...after });
    return rows.map(({ value }) => value);
  }
  entry(currency: string, seq: number): Promise<StatementEntry | undefined> {
    return this.#entries.get(entryKey(currency, seq));
  }
  /** An intent is its payer's: two people may use one id, by chance or to disturb. */
  async entryOf(intent: PayersIntent): Promise<StatementEntry | undefined> {
    const place = await this.#byIntent.get(placeKey(intent));
    return place && this.#entries.get(entryKey(place.currency, place.seq));
  }
  /** Whether anybody's intent of this id has a line. */
  async isIntentKnown(intentId: IntentId): Promise<boolean> {
    return (await this.#byIntent.list({ prefix: `entry/${intentId}/`, limit: 1 })).length > 0;
  }

  /** Receipts that the statement has yet to confirm; of all places, or of one. */
  async receipts(place?: EntryPlace): Promise<ReceiptRecord[]> {
    const rows = await this.#receipts.list({ prefix: `receipt/${place ? `${entryKey(place.currency, place.seq)}/` : ''}` });
    return rows.map(({ value }) => value);
  }
  putReceipt(record: ReceiptRecord): Change {
    return this.#receipts.put(receiptKey(record), record);
  }
  deleteReceipt(record: ReceiptRecord): Change {
    return this.#receipts.delete(receiptKey(record));
  }

  payment(intentId: IntentId): Promise<PaymentRecord | undefined> {
    return this.#payments.get(`own/${intentId}`);
  }
  putPayment(record: PaymentRecord): Change {
    return this.#payments.put(`own/${record.intentId}`, record);
  }
  async waiting(): Promise<PaymentRecord[]> {
    const rows = await this.#payments.list({ prefix: 'own/' });
    return rows.map(({ value }) => value).filter(({ state }) => state === 'planned');
  }

  /** The cards that name an intent, oldest first; of one sender, or of anybody who names it. */
  async cards(intentId: IntentId, sender?: AccountId): Promise<CardPlace[]> {
    const rows = await this.#cards.list({ prefix: `card/${intentId}/${sender === undefined ? '' : `${sender}/`}` });
    return rows.map(({ value }) => value);
  }
  putCard(place: CardPlace): Change {
    const { card, sender, conversationId, order } = place;
    return this.#cards.put(`card/${card.intentId}/${sender}/${conversationId}/${sortable(order)}`, place);
  }
}

const VERIFIED_KEY = 'walletVerified';
const placeKey = ({ intentId, payer }: PayersIntent) => `entry/${intentId}/${payer}`;
const receiptKey = ({ receipt: { currency, seq, transferId } }: ReceiptRecord) =>
  `receipt/${entryKey(currency, seq)}/${transferId}`;
const entryKey = (currency: string, seq: number) => `${currency}/${sortable(seq)}`;
