/**
 * What a device knows of its money while nobody answers. Real: everything that `world.ts` lists; the server that is away is a port where
 * nobody listens.
 */
import { Rialto } from '../src/index.ts';
import { eventually, introduce, sharedWorld } from './world.ts';

const NOBODY = 'http://localhost:9';
const world = sharedWorld();

test('opened while the server is away, the wallet shows what was verified: balances, decimals, and that the money is simulated', async () => {
  const [pia, quin] = await Promise.all([world.enter('pia'), world.enter('quin')]);
  const { anas } = await introduce(pia, quin);
  const topUp = await pia.client.wallet.topUp({ currency: 'JPY', amountMinor: 2_000n });
  await fetch(`${topUp.checkoutUrl}/pay`, { method: 'POST', body: new URLSearchParams({ card: 'pays' }), redirect: 'manual' });
  const inYen = (balances: typeof pia.client.wallet.balances) => balances.find(({ currency }) => currency === 'JPY');
  await eventually('the top-up', async () => inYen(await pia.client.wallet.refresh())?.balanceMinor === 2_000n);
  await anas.sendMoney({ amountMinor: 1_200n, currency: 'JPY' });
  await pia.client.wallet.refresh();
  const known = pia.client.wallet.balances;
  expect(inYen(known)).toMatchObject({ balanceMinor: 800n, exponent: 0, isSimulated: true });
  await pia.client.settle();
  await pia.client.close();

  const offline = await Rialto.open({ url: NOBODY, store: pia.store });
  expect(offline.wallet.balances).toEqual(known);
  expect(offline.wallet.isSimulated).toBe(true);
  expect((await offline.wallet.statement('JPY')).map(({ balanceMinor }) => balanceMinor)).toEqual([800n, 2_000n]);
  await expect(offline.wallet.refresh()).rejects.toMatchObject({ retryable: true });
  expect(offline.wallet.balances).toEqual(known);
  await offline.close();
});

test('a device that never read the ledger claims no balance', async () => {
  const rob = await world.enter('rob');
  await rob.client.close();
  await rob.store.write([{ kind: 'delete', table: 'setting', key: 'wallet' }]); // as if it had been closed before the first answer
  const offline = await Rialto.open({ url: NOBODY, store: rob.store });
  expect(offline.wallet.balances).toEqual([]);
  await offline.close();
});

test('money whose push was lost is seen at the next sync', async () => {
  const [sam, tea] = await Promise.all([world.enter('sam'), world.enter('tea')]);
  const { anas } = await introduce(sam, tea);
  const topUp = await sam.client.wallet.topUp({ currency: 'EUR', amountMinor: 2_000n });
  await fetch(`${topUp.checkoutUrl}/pay`, { method: 'POST', body: new URLSearchParams({ card: 'pays' }), redirect: 'manual' });
  const inEuro = ({ client }: typeof sam) =>
    client.wallet.balances.find(({ currency }) => currency === 'EUR')?.balanceMinor ?? 0n;
  await eventually('the top-up', async () => (await sam.client.wallet.refresh()) && inEuro(sam) === 2_000n);
  const { connection } = tea.client as unknown as { connection: { handle(event: string, handler: () => Promise<void>): void } };
  connection.handle('payments.transferPosted', async () => undefined);
  await anas.sendMoney({ amountMinor: 500n, currency: 'EUR' });
  expect(inEuro(tea)).toBe(0n);
  await tea.client.sync();
  expect(inEuro(tea)).toBe(500n);
});
