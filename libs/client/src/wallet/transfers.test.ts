import { type AccountId, AppError, type LedgerId, type StatementEntry, type TransferId } from '@rialto/contracts';
import { type Chain, ready } from '@rialto/crypto';
import { MemoryStore } from '../memory-store.ts';
import { type PaymentRecord, WalletRows } from './payment-record.ts';
import { Transfers } from './transfers.ts';

beforeAll(() => ready());

const ME = 'A'.repeat(43) as AccountId;
const BEN = 'B'.repeat(43) as AccountId;
const HOUR_MS = 60 * 60 * 1000;
const TRANSFER = 'tra_AAAAAAAAAAAAAAAAAAAAAA' as TransferId;

function world(transfer: (attempt: number) => AppError) {
  const store = new MemoryStore();
  const rows = new WalletRows(store);
  const clock = { now: Date.parse('2026-01-01T12:00:00Z') };
  const problems: unknown[] = [];
  const posted: PaymentRecord[] = [];
  let attempts = 0;
  const transfers = new Transfers({
    store,
    rows,
    api: { transfer: () => Promise.reject(transfer((attempts += 1))) },
    signer: () => new Uint8Array(64),
    events: { emit: (name: string, problem: unknown) => void (name === 'problem' && problems.push(problem)) },
    me: ME,
    ownChain: () => ({ heads: ['x'] }) as unknown as Chain,
    serverNow: () => clock.now,
    posted: async (record, changes) => {
      posted.push(record);
      await store.write(changes);
    },
  });
  const planned = async (): Promise<PaymentRecord> => {
    const { record, changes } = await request({});
    await store.write(changes);
    return record;
  };
  const stateOf = async ({ intentId }: PaymentRecord) => (await rows.payment(intentId))?.state;
  const request = (change: { to?: AccountId; amountMinor?: bigint }) =>
    transfers.prepare({
      to: BEN,
      amountMinor: 100n,
      currency: 'EUR',
      ledger: 'ldg_AAAAAAAAAAAAAAAAAAAAAA' as LedgerId,
      conversationId: null,
      ...change,
    });
  return { request, store, rows, transfers, clock, problems, posted, planned, stateOf, attempts: () => attempts };
}

test('an intent of a chain that has moved on is kept while it could still be posted, and given up after its time', async () => {
  const { transfers, planned, stateOf, clock, problems } = world(() => new AppError('chain-stale'));
  const record = await planned();
  await expect(transfers.resume()).rejects.toMatchObject({ code: 'chain-stale' });
  expect(await stateOf(record)).toBe('planned');
  clock.now += HOUR_MS;
  await transfers.resume();
  expect(await stateOf(record)).toBe('failed');
  expect(problems).toEqual([{ code: 'payment-refused', detail: record.intentId }]);
});

test('what the own statement shows is paid, whatever the server answers to the same intent later', async () => {
  const { store, rows, transfers, planned, stateOf, posted, problems } = world(() => new AppError('device-revoked'));
  const record = await planned();
  const entry = { currency: 'EUR', seq: 1, intentId: record.intentId, transferId: TRANSFER } as StatementEntry;
  await store.write(rows.addEntry(entry, { seq: 1, head: 'x', balanceMinor: '0' }, ME));
  await transfers.resume();
  expect(await stateOf(record)).toBe('posted');
  expect(posted.map(({ transferId }) => transferId)).toEqual([TRANSFER]);
  expect(problems).toEqual([]);
});

test('one payment that has to wait does not keep the next one from being posted', async () => {
  const { transfers, planned, attempts } = world(() => new AppError('outcome-unknown'));
  await planned();
  await planned();
  await expect(transfers.resume()).rejects.toMatchObject({ code: 'outcome-unknown' });
  expect(attempts()).toBe(2);
});

test('nothing is signed that cannot be an amount, nor a payment to oneself', async () => {
  const { request } = world(() => new AppError('internal'));
  for (const amountMinor of [0n, -1n, 10n ** 18n]) {
    await expect(request({ amountMinor })).rejects.toMatchObject({ code: 'amount-invalid' });
  }
  await expect(request({ to: ME })).rejects.toMatchObject({ code: 'intent-invalid' });
});
