import { type AccountId, AppError, type Receipt, type StatementEntry, type TopUpView } from '@rialto/contracts';
import { ready } from '@rialto/crypto';
import * as z from 'zod';
import { MemoryStore } from '../memory-store.ts';
import { WalletRows } from './payment-record.ts';
import { Wallet, type WalletPorts } from './wallet.ts';

beforeAll(() => ready());

const ME = 'A'.repeat(43) as AccountId;

function walletWith(api: Partial<WalletPorts['api']>, people: Partial<WalletPorts['people']> = {}) {
  const store = new MemoryStore();
  const events: unknown[] = [];
  const wallet = new Wallet({
    store,
    rows: new WalletRows(store),
    api: api as WalletPorts['api'],
    people: people as WalletPorts['people'],
    transfers: {} as WalletPorts['transfers'],
    events: { emit: (...event: unknown[]) => void events.push(event) },
    me: ME,
    serverNow: () => Date.parse('2026-01-01T12:00:00Z'),
    ownChain: () => {
      throw new Error('no chain is needed here');
    },
    settled: async () => undefined,
  });
  return { wallet, store, events, rows: new WalletRows(store) };
}

const topUpAt = (checkoutUrl: string): TopUpView =>
  ({ topUpId: 'top_A', currency: 'EUR', amountMinor: '2000', state: 'open', checkoutUrl }) as TopUpView;

test.each(['javascript:alert(1)', 'data:text/html,<script>alert(1)</script>', 'file:///etc/passwd'])(
  'a checkout that is no page is refused: %s',
  async (checkoutUrl) => {
    const { wallet, events } = walletWith({ createTopUp: async () => topUpAt(checkoutUrl) });
    await expect(wallet.topUp({ currency: 'EUR', amountMinor: 2_000n })).rejects.toMatchObject({ code: 'server-lied' });
    await expect(wallet.handleTopUp(topUpAt(checkoutUrl))).rejects.toMatchObject({ code: 'server-lied' });
    expect(events).toEqual([]);
  },
);

test('a checkout page is handed on', async () => {
  const { wallet } = walletWith({ createTopUp: async () => topUpAt('https://checkout.example/pay') });
  expect((await wallet.topUp({ currency: 'EUR', amountMinor: 2_000n })).checkoutUrl).toBe('https://checkout.example/pay');
});

test('nothing is paid to somebody whose keys gave an alarm, and nothing topped up that is no amount', async () => {
  const { wallet } = walletWith({}, { resolve: async () => ({ accountId: ME, alarm: 'chain-forked' }) as never });
  await expect(wallet.send({ to: '@eve', amountMinor: 1n, currency: 'EUR' })).rejects.toMatchObject({ code: 'keys-changed' });
  for (const amountMinor of [0n, -1n, 10n ** 18n]) {
    await expect(wallet.topUp({ currency: 'EUR', amountMinor })).rejects.toMatchObject({ code: 'amount-invalid' });
  }
});

describe('what was verified', () => {
  const [ledger, ledgerKey, empty] = ['ldg_AAAAAAAAAAAAAAAAAAAAAA', 'K'.repeat(43), 'A'.repeat(43)];
  const euro = { code: 'EUR', exponent: 2, maxTransferMinor: '1', maxPerDayMinor: '1', minTopUpMinor: '1', maxTopUpMinor: '1' };
  const account = { currency: 'EUR', seq: 0, head: empty, balanceMinor: '0', heldMinor: '0', isFrozen: false };
  const saying = (accounts: object[]) => async () =>
    ({ ledger, ledgerKey, isSimulated: true, accounts, currencies: [euro] }) as never;
  const nothing = async () => ({ entries: [], seq: 0, head: empty }) as never;

  test('a balance that the server no longer mentions is shown as it was verified, and reported', async () => {
    const { wallet, store, events, rows } = walletWith({ getWallet: saying([]), getStatement: nothing });
    await store.write([rows.states.put('EUR', { seq: 1, head: 'H'.repeat(43), balanceMinor: '2000' })]);
    expect(await wallet.refresh()).toMatchObject([{ currency: 'EUR', balanceMinor: 2_000n }]);
    expect(events).toContainEqual(['problem', { code: 'statement-forged', detail: 'EUR: the end, at 1' }]);
  });

  test('a currency of which only a receipt is known is asked for', async () => {
    const { wallet, store, events, rows } = walletWith({ getWallet: saying([]), getStatement: nothing });
    const receipt = { currency: 'EUR', seq: 1, transferId: 'tra_A' } as Receipt;
    await store.write([rows.putReceipt({ receipt, proof: { signed: '', signature: '' } })]);
    await wallet.refresh();
    expect(events).toContainEqual(['problem', { code: 'statement-forged', detail: 'EUR: without what was signed at 1' }]);
    expect(await rows.verifiedAtMs()).toBe(0);
  });

  test('only what was read to its end and is true counts as verified: else a payment would be given up that was hidden', async () => {
    const whole = walletWith({ getWallet: saying([account]), getStatement: nothing });
    await whole.wallet.refresh();
    expect(await whole.rows.verifiedAtMs()).toBeGreaterThan(0);
    const cut = walletWith({ getWallet: saying([account]), getStatement: unreadable });
    await cut.wallet.refresh();
    expect(cut.events).toContainEqual(['problem', { code: 'statement-unreadable', detail: 'EUR after 0' }]);
    expect(await cut.rows.verifiedAtMs()).toBe(0);
    const claimed = walletWith({ getWallet: saying([{ ...account, seq: 1 }]), getStatement: nothing });
    await claimed.wallet.refresh();
    expect(await claimed.rows.verifiedAtMs()).toBe(0);
  });

  const unreadable = async (): Promise<never> => {
    throw new AppError('internal', undefined, z.string().safeParse(1).error);
  };
  /** One line of 2000 is verified. */
  async function afterOne(api: { getWallet: ReturnType<typeof saying>; getStatement?: () => Promise<never> }) {
    const end = { seq: 1, head: 'H'.repeat(43) };
    const there = walletWith({ getStatement: async () => ({ entries: [], ...end }) as never, ...api });
    const entry = { currency: 'EUR', ...end, balanceMinor: '2000', intentId: null } as StatementEntry;
    await there.store.write(there.rows.addEntry(entry, { ...end, balanceMinor: '2000' }, null));
    const alarms = async () => {
      await there.wallet.refresh();
      return there.events.flatMap((event) => {
        const [name, { detail }] = event as [string, { detail?: string }];
        return name === 'problem' ? [detail] : [];
      });
    };
    return { ...there, alarms };
  }
  const one = { ...account, seq: 1, head: 'H'.repeat(43), balanceMinor: '2000' };

  test('what the server claims beside the statement must be a place in it, also where the statement cannot be read on', async () => {
    expect(await (await afterOne({ getWallet: saying([one]) })).alarms()).toEqual([]);
    const alarm = ['EUR: the balance at 1'];
    for (const claim of [
      { ...one, head: 'X'.repeat(43) },
      { ...one, balanceMinor: '2001' },
    ]) {
      expect(await (await afterOne({ getWallet: saying([claim]) })).alarms()).toEqual(alarm);
    }
    const claim = { ...one, balanceMinor: '2001' };
    const cut = await afterOne({ getWallet: saying([claim]), getStatement: unreadable });
    expect(await cut.alarms()).toEqual(['EUR after 1', ...alarm]);
    const ahead = await afterOne({ getWallet: saying([{ ...claim, seq: 2 }]), getStatement: unreadable });
    expect(await ahead.alarms()).toEqual(['EUR after 1']);
  });

  test('an end that has more lines than it shows is no end', async () => {
    const more = async () => ({ entries: [], seq: 2, head: 'H'.repeat(43) }) as never;
    expect(await (await afterOne({ getWallet: saying([one]), getStatement: more })).alarms()).toEqual(['EUR: the end, at 1']);
  });

  test('a receipt against a line that was read is an alarm, also where the statement cannot be read on', async () => {
    const cut = await afterOne({ getWallet: saying([one]), getStatement: unreadable });
    const receipt = { currency: 'EUR', seq: 1, transferId: 'tra_A', head: 'X'.repeat(43) } as Receipt;
    await cut.store.write([cut.rows.putReceipt({ receipt, proof: { signed: '', signature: '' } })]);
    expect(await cut.alarms()).toEqual(['EUR after 1', 'EUR: without what was signed at 1']);
  });

  test('a server that breaks down says nothing about the statement', async () => {
    const broken = async (): Promise<never> => {
      throw new AppError('internal');
    };
    const { wallet, events } = walletWith({ getWallet: saying([account]), getStatement: broken });
    await expect(wallet.refresh()).rejects.toMatchObject({ code: 'internal' });
    expect(events).toEqual([]);
  });
});
