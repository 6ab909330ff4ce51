import type { AccountId, DeviceId } from '@rialto/contracts';
import type { Chain } from '@rialto/crypto';
import { ClientError } from '../client-error.ts';
import type { ConversationPorts } from '../conversations/conversation.ts';
import type { ConversationParts } from '../conversations/assembly.ts';
import type { Emitter } from '../events.ts';
import type { PaymentCard } from '../messages/envelope.ts';
import type { People } from '../people/people.ts';
import type { Change, Store } from '../store.ts';
import type { Api } from '../transport/api.ts';
import type { Signer } from '../transport/signing.ts';
import { Cards } from './cards.ts';
import { type CardPlace, type PaymentRecord, WalletRows } from './payment-record.ts';
import { Transfers } from './transfers.ts';
import { Wallet } from './wallet.ts';

export interface WalletDeps {
  readonly store: Store;
  readonly api: Api;
  readonly events: Emitter;
  readonly people: People;
  readonly signer: Signer;
  readonly me: { readonly accountId: AccountId; readonly deviceId: DeviceId };
  ownChain(): Chain;
  now(): number;
  background(work: Promise<unknown>): void;
}
type Connected = Pick<ConversationParts, 'cell' | 'outbox' | 'timeline' | 'show' | 'flushLater'>;
export interface WalletParts {
  readonly wallet: Wallet;
  readonly transfers: Transfers;
  readonly cards: Cards;
  readonly pay: ConversationPorts['pay'];
  /** Cards live in conversations, which are made after the wallet. */
  connect(conversations: Connected): void;
}

/** Makes the parts of the wallet. */
export function assembleWallet(deps: WalletDeps): WalletParts {
  const { store, api, events, people, signer, ownChain, now, background } = deps;
  const me = deps.me.accountId;
  const rows = new WalletRows(store);
  let conversations: Connected | undefined;
  const connected = (): Connected => {
    if (!conversations) throw new Error('the wallet is used before conversations are there');
    return conversations;
  };
  const both = { store, rows, api: api.payments, events, me, ownChain, serverNow: now };
  const transfers = new Transfers({
    ...both,
    signer,
    posted: async (record, changes) => {
      await writePosted(connected(), store, record, changes);
      background(wallet.refresh());
    },
  });
  const wallet = new Wallet({ ...both, people, transfers, settled: (cards) => showCards(connected(), cards) });
  return {
    wallet,
    transfers,
    cards: new Cards({ rows, me }),
    connect: (parts) => {
      conversations = parts;
    },
    pay: async (cell, payment) => {
      const { id, peer, membership } = cell.record;
      if (people.known(peer)?.alarm) throw new ClientError('keys-changed');
      // Whether this conversation stays is open until the server has it, and a card must not get lost with it.
      if (membership === 'opening') throw new ClientError('offline');
      const { record, changes } = await transfers.prepare({
        ...payment,
        to: peer,
        ledger: await wallet.ledgerId(),
        conversationId: id,
      });
      await store.write(changes);
      const transfer = await transfers.post(record);
      const [card] = await rows.cards(record.intentId, me);
      if (!card) throw new Error('a posted payment without its card');
      return { message: await connected().timeline.get(id, card.messageId), transfer };
    },
  };
}

/** The payment is posted and its card is on its way, in one transaction: a crash leaves both or neither. */
async function writePosted(
  { cell, outbox, flushLater }: Connected,
  store: Store,
  record: PaymentRecord,
  changes: readonly Change[],
): Promise<void> {
  if (record.conversationId === null) return store.write(changes);
  const { intentId, to, amountMinor, currency, memo, memoSalt } = record;
  const card: PaymentCard = { type: 'payment', intentId, to, amountMinor, currency, memo, memoSalt };
  const inside = cell(record.conversationId);
  await inside.run(() => outbox.plan(inside, { body: card, content: { type: 'payment', card }, changes }));
  flushLater(inside);
}

async function showCards({ timeline, show }: Connected, cards: readonly CardPlace[]): Promise<void> {
  for (const { conversationId, messageId } of cards) {
    const record = await timeline.find(conversationId, messageId);
    if (record) show([record]);
  }
}
