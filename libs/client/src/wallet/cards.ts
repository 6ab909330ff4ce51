import { type AccountId, MAX_INTENT_LIFETIME_MS } from '@rialto/contracts';
import type { PaymentCard } from '../messages/envelope.ts';
import type { CardedMessage, CardJudge } from '../messages/timeline.ts';
import type { Change } from '../store.ts';
import type { PaymentBody } from '../views.ts';
import { memoHash } from './memo.ts';
import type { CardPlace, WalletRows } from './payment-record.ts';

/** A transfer that is not in a statement which was verified this long after its card was written never will be. */
const GIVE_UP_AFTER_MS = 2 * MAX_INTENT_LIFETIME_MS;

/**
 * What a card is worth, by the viewer's own verified statement alone. The card's sender must be the payer and its receiver the payee; a
 * card is only an announcement.
 */
export class Cards implements CardJudge {
  readonly #rows: WalletRows;
  readonly #me: AccountId;

  constructor({ rows, me }: { readonly rows: WalletRows; readonly me: AccountId }) {
    this.#rows = rows;
    this.#me = me;
  }

  placed(place: CardPlace): Change {
    return this.#rows.putCard(place);
  }

  async judge(card: PaymentCard, { id, sender, sentAt }: CardedMessage): Promise<Pick<PaymentBody, 'state' | 'transferId'>> {
    const entry = await this.#rows.entryOf({ intentId: card.intentId, payer: sender });
    if (!entry) {
      if (await this.#rows.isIntentKnown(card.intentId)) return { state: 'unverified', transferId: null };
      const own = sender === this.#me ? await this.#rows.payment(card.intentId) : undefined;
      // What the ledger has signed for is paid, and a statement that could not be read says nothing: “not paid” would be an invitation to pay twice.
      const isTooLate = own?.state !== 'posted' && (await this.#rows.verifiedAtMs()) - Date.parse(sentAt) > GIVE_UP_AFTER_MS;
      return { state: own?.state === 'failed' || isTooLate ? 'failed' : 'pending', transferId: null };
    }
    // One transfer is one card: whoever shows it a second time has paid once.
    const [first] = await this.#rows.cards(card.intentId, sender);
    const isTheSame =
      (first === undefined || first.messageId === id) &&
      card.to === (sender === this.#me ? entry.counterparty : this.#me) &&
      entry.currency === card.currency &&
      entry.amountMinor === card.amountMinor &&
      entry.memoHash === memoHash(card);
    return { state: isTheSame ? 'settled' : 'unverified', transferId: entry.transferId };
  }
}
