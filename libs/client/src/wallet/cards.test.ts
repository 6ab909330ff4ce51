import type { AccountId, ConversationId, IntentId, StatementEntry, TransferId } from '@rialto/contracts';
import { ready } from '@rialto/crypto';
import { MemoryStore } from '../memory-store.ts';
import type { PaymentCard } from '../messages/envelope.ts';
import { Cards } from './cards.ts';
import { type CardPlace, type PaymentRecord, WalletRows } from './payment-record.ts';

beforeAll(() => ready());

const ME = 'A'.repeat(43) as AccountId;
const BEN = 'B'.repeat(43) as AccountId;
const EVE = 'E'.repeat(43) as AccountId;
const INTENT = 'int_AAAAAAAAAAAAAAAAAAAAAA' as IntentId;
const CONVERSATION = 'cnv_AAAAAAAAAAAAAAAAAAAAAA' as ConversationId;
const NOW = Date.parse('2026-01-01T12:00:00Z');
const JUST_NOW = new Date(NOW - 1_000).toISOString();
const YESTERDAY = new Date(NOW - 86_400_000).toISOString();

const cardTo = (to: AccountId): PaymentCard => ({
  type: 'payment',
  intentId: INTENT,
  to,
  amountMinor: '1200',
  currency: 'EUR',
  memo: null,
  memoSalt: null,
});
const entryFrom = (counterparty: AccountId): StatementEntry =>
  ({
    transferId: 'tra_AAAAAAAAAAAAAAAAAAAAAA' as TransferId,
    kind: 'transfer',
    direction: 'credit',
    counterparty,
    currency: 'EUR',
    seq: 1,
    intentId: INTENT,
    amountMinor: '1200',
    memoHash: null,
  }) as StatementEntry;

function world() {
  const store = new MemoryStore();
  const rows = new WalletRows(store);
  const cards = new Cards({ rows, me: ME });
  const place = async (messageId: string, sender: AccountId, card = cardTo(ME), order = 1): Promise<void> => {
    const at: CardPlace = { conversationId: CONVERSATION, messageId, sender, order, card };
    await store.write([cards.placed(at)]);
  };
  const book = (entry: StatementEntry) =>
    store.write(rows.addEntry(entry, { seq: 1, head: 'x', balanceMinor: '1200' }, entry.counterparty));
  const judge = async (id: string, sender: AccountId, card = cardTo(ME), sentAt = JUST_NOW) =>
    (await cards.judge(card, { id, sender, sentAt })).state;
  return { store, rows, place, book, judge };
}

test('one transfer settles one card: a second that names it is not money', async () => {
  const { place, book, judge } = world();
  await place('msg_first', BEN, cardTo(ME), 7);
  await place('msg_again', BEN, cardTo(ME), 11);
  await book(entryFrom(BEN));
  expect(await judge('msg_first', BEN)).toBe('settled');
  expect(await judge('msg_again', BEN)).toBe('unverified');
});

test('who uses the id of another payment for one of their own disturbs nobody', async () => {
  const { place, book, judge } = world();
  await place('msg_ben', BEN, cardTo(ME), 1);
  await place('msg_eve', EVE, cardTo(ME), 2);
  await book(entryFrom(BEN));
  await book({ ...entryFrom(EVE), seq: 2 });
  expect(await judge('msg_ben', BEN)).toBe('settled');
  expect(await judge('msg_eve', EVE)).toBe('settled');
});

test.each<[string, Partial<PaymentCard>]>([
  ['payee', { to: EVE }],
  ['amount', { amountMinor: '1201' }],
  ['currency', { currency: 'USD' }],
  ['memo', { memo: 'lunch', memoSalt: 'AAAAAAAAAAAAAAAAAAAAAA' }],
])('a card that names another %s than the transfer is not shown as paid', async (_name, change) => {
  const { book, judge } = world();
  await book(entryFrom(BEN));
  expect(await judge('msg_ben', BEN, { ...cardTo(ME), ...change })).toBe('unverified');
});

test("one's own card that names another payee than the transfer is not shown as paid", async () => {
  const { store, rows, judge } = world();
  const paid: StatementEntry = { ...entryFrom(BEN), direction: 'debit' };
  await store.write(rows.addEntry(paid, { seq: 1, head: 'x', balanceMinor: '0' }, ME));
  expect(await judge('msg_mine', ME, cardTo(BEN))).toBe('settled');
  expect(await judge('msg_mine', ME, cardTo(EVE))).toBe('unverified');
});

test("a stranger's card that names the intent first does not spoil the payer's own", async () => {
  const { place, book, judge } = world();
  await place('msg_eve', EVE, cardTo(ME), 1);
  await place('msg_ben', BEN, cardTo(ME), 2);
  await book(entryFrom(BEN));
  expect(await judge('msg_ben', BEN)).toBe('settled');
  expect(await judge('msg_eve', EVE)).toBe('unverified');
});

test('a payment with a receipt is never shown as not paid, however long its statement cannot be read', async () => {
  const { store, rows, place, judge } = world();
  await place('msg_mine', ME, cardTo(BEN));
  const record = { intentId: INTENT, state: 'posted', transferId: 'tra_AAAAAAAAAAAAAAAAAAAAAA' } as PaymentRecord;
  await store.write([rows.putPayment(record), rows.putVerified(NOW)]);
  expect(await judge('msg_mine', ME, cardTo(BEN), YESTERDAY)).toBe('pending');
});

test('a card of somebody else without a transfer is given up once a later statement was verified, and not before', async () => {
  const { store, rows, place, judge } = world();
  await place('msg_ben', BEN);
  expect(await judge('msg_ben', BEN)).toBe('pending');
  expect(await judge('msg_ben', BEN, cardTo(ME), YESTERDAY)).toBe('pending');
  await store.write([rows.putVerified(NOW)]);
  expect(await judge('msg_ben', BEN)).toBe('pending');
  expect(await judge('msg_ben', BEN, cardTo(ME), YESTERDAY)).toBe('failed');
});
