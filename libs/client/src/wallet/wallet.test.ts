import type { AccountId, TopUpView } from '@rialto/contracts';
import { ready } from '@rialto/crypto';
import { MemoryStore } from '../memory-store.ts';
import { WalletRows } from './payment-record.ts';
import { Wallet, type WalletPorts } from './wallet.ts';

beforeAll(() => ready());

const ME = 'A'.repeat(43) as AccountId;

function walletWith(api: Partial<WalletPorts['api']>) {
  const store = new MemoryStore();
  const events: unknown[] = [];
  const wallet = new Wallet({
    store,
    rows: new WalletRows(store),
    api: api as WalletPorts['api'],
    people: {} as WalletPorts['people'],
    transfers: {} as WalletPorts['transfers'],
    events: { emit: (...event: unknown[]) => void events.push(event) },
    me: ME,
    ownChain: () => {
      throw new Error('no chain is needed here');
    },
    settled: async () => undefined,
  });
  return { wallet, store, events };
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
