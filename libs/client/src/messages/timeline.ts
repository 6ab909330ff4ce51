import type { AccountId, ConversationId } from '@rialto/contracts';
import { ClientError } from '../client-error.ts';
import { Rows, sortable } from '../rows.ts';
import type { Change, Store } from '../store.ts';
import type { Body, MessageState, MessageView, PaymentBody } from '../views.ts';
import type { CardPlace } from '../wallet/payment-record.ts';
import type { PaymentCard } from './envelope.ts';
import type { Content, MessageRecord } from './message-record.ts';

export const DEFAULT_MESSAGES_PER_PAGE = 50;
const MAX_MESSAGES_PER_PAGE = 500;
const EXCERPT_CHARS = 120;

/** Of the message that carries a card: who sealed it, and when it says so. */
export type CardedMessage = Pick<MessageRecord, 'id' | 'sender' | 'sentAt'>;

/** Says how a card stands in the viewer's own verified statement, and remembers where cards are. */
export interface CardJudge {
  placed(place: CardPlace): Change;
  judge(card: PaymentCard, message: CardedMessage): Promise<Pick<PaymentBody, 'state' | 'transferId'>>;
}
const STATE_ORDER: readonly MessageState[] = ['failed', 'sending', 'sent', 'delivered', 'read'];

/** The messages of all conversations as rows, and as what a screen shows. Making changes is left to the caller's transaction. */
export class Timeline {
  readonly #messages: Rows<MessageRecord>;
  readonly #keys: Rows<{ readonly order: number | null }>;
  readonly #cards: CardJudge;

  constructor({ store, cards }: { readonly store: Store; readonly cards: CardJudge }) {
    this.#messages = new Rows(store, 'message');
    this.#keys = new Rows(store, 'messageKey');
    this.#cards = cards;
  }

  /** A new visible message. `StoreConflict` on writing means that its id was used before: a replay. */
  add(record: MessageRecord): Change[] {
    const { conversationId, id, order, sender, content } = record;
    const place = { conversationId, messageId: id, sender, order };
    const card = content.type === 'payment' ? [this.#cards.placed({ ...place, card: content.card })] : [];
    return [...this.claimId(conversationId, id, order), this.put(record), ...card];
  }
  /** An id that may be used once, also by what is not shown itself. */
  claimId(conversationId: ConversationId, id: string, order: number | null = null): Change[] {
    return [this.#keys.insert(idKey(conversationId, id), { order })];
  }
  put(record: MessageRecord): Change {
    return this.#messages.put(placeKey(record.conversationId, record.order), record);
  }

  async isUsed(conversationId: ConversationId, id: string): Promise<boolean> {
    return (await this.#keys.get(idKey(conversationId, id))) !== undefined;
  }
  async find(conversationId: ConversationId, id: string): Promise<MessageRecord | undefined> {
    const place = await this.#keys.get(idKey(conversationId, id));
    if (place?.order === undefined || place.order === null) return undefined;
    return this.#messages.get(placeKey(conversationId, place.order));
  }
  /** Throws `ClientError('no-such-message')`. */
  async get(conversationId: ConversationId, id: string): Promise<MessageRecord> {
    const record = await this.find(conversationId, id);
    if (!record) throw new ClientError('no-such-message');
    return record;
  }
  async at(conversationId: ConversationId, order: number): Promise<MessageRecord | undefined> {
    return this.#messages.get(placeKey(conversationId, order));
  }

  /** Oldest first, ending before `before`. */
  async page(
    conversationId: ConversationId,
    { before, limit = DEFAULT_MESSAGES_PER_PAGE }: { before?: number; limit?: number } = {},
  ) {
    const rows = await this.#messages.list({
      prefix: `${conversationId}/`,
      backwards: true,
      limit: Math.min(limit, MAX_MESSAGES_PER_PAGE),
      ...(before !== undefined && { after: placeKey(conversationId, before) }),
    });
    return rows.map(({ value }) => value).reverse();
  }
  async after(conversationId: ConversationId, order: number): Promise<MessageRecord[]> {
    const rows = await this.#messages.list({ prefix: `${conversationId}/`, after: placeKey(conversationId, order) });
    return rows.map(({ value }) => value);
  }

  async view(record: MessageRecord): Promise<MessageView> {
    const { content, reactions, replyTo, conversationId, seq: _seq, ...rest } = record;
    const replied = replyTo === undefined ? undefined : await this.find(conversationId, replyTo);
    return {
      ...rest,
      conversationId,
      body: await this.#body(content, record),
      reactions: grouped(reactions),
      ...(replyTo !== undefined && { replyTo: { id: replyTo, excerpt: replied ? excerptOf(replied.content) : '' } }),
    };
  }

  async #body(content: Content, message: MessageRecord): Promise<Body> {
    if (content.type !== 'payment') return content;
    const { intentId, amountMinor, currency, memo } = content.card;
    const judged = await this.#cards.judge(content.card, message);
    return { type: 'payment', intentId, amountMinor: BigInt(amountMinor), currency, memo, ...judged };
  }
}

/** States only go forward, whatever order answers and receipts come in; `failed` ends only by a retry. */
export function advanced(record: MessageRecord, state: MessageState): MessageRecord | undefined {
  if (STATE_ORDER.indexOf(state) <= STATE_ORDER.indexOf(record.state)) return undefined;
  const { error: _error, ...rest } = record;
  return { ...rest, state };
}

function grouped(reactions: MessageRecord['reactions']): MessageView['reactions'] {
  const byEmoji = new Map<string, AccountId[]>();
  for (const [account, emoji] of Object.entries(reactions))
    byEmoji.set(emoji, [...(byEmoji.get(emoji) ?? []), account as AccountId]);
  return [...byEmoji].map(([emoji, by]) => ({ emoji, by }));
}

function excerptOf(content: Content): string {
  if (content.type === 'text') return content.text.slice(0, EXCERPT_CHARS);
  return content.type === 'payment' ? (content.card.memo ?? '') : '';
}

const idKey = (conversationId: ConversationId, id: string) => `${conversationId}/id/${id}`;
const placeKey = (conversationId: ConversationId, order: number) => `${conversationId}/${sortable(order)}`;
