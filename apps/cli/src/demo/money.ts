import type { Conversation, PaymentBody, RialtoClient } from '@rialto/client';
import { formatAmount } from '../money.ts';
import { type Actor, demand, DemoFailure, type Stage, until } from './stage.ts';

const EUR = { currency: 'EUR', exponent: 2 };
const TOP_UP = 2_000n;
const PRICE = 1_200n;

/** Money comes in by a checkout and goes on to the other person, and both check their statements. */
export async function playMoney(
  stage: Stage,
  { ana, ben, anas, bens }: { ana: Actor; ben: Actor; anas: Conversation; bens: Conversation },
) {
  stage.chapter('They pay');
  const topUp = await stage.step('Ana opens a checkout for 20 €', () =>
    ana.client.wallet.topUp({ currency: EUR.currency, amountMinor: TOP_UP }),
  );
  await stage.step('She pays it with a test card, as a browser would', () => payCheckout(topUp.checkoutUrl, stage.url));
  await stage.step(
    'The signed webhook arrives and her verified balance is',
    () => until('the top-up', async () => (await balanceOf(ana.client)) === TOP_UP && TOP_UP),
    (amount) => `${euros(amount)}${ana.client.wallet.isSimulated ? ', SIMULATED MONEY' : ''}`,
  );
  const { transfer } = await stage.step(
    'Ana signs an intent and sends Ben 12 €',
    () => anas.sendMoney({ amountMinor: PRICE, currency: EUR.currency, memo: 'For lunch' }),
    ({ transfer: { transferId } }) => transferId,
  );
  for (const [who, conversation] of [
    ['Ana', anas],
    ['Ben', bens],
  ] as const) {
    await stage.step(
      `${who}'s card is settled by ${who === 'Ana' ? 'her' : 'his'} own statement`,
      () => until('the settled card', () => settledCard(conversation, transfer.transferId)),
      ({ memo, amountMinor }) => `${euros(amountMinor)} “${memo ?? ''}”`,
    );
  }
  await stage.step(
    'Both statements verify link by link',
    async () => {
      const [hers, his] = [await balanceOf(ana.client), await balanceOf(ben.client)];
      demand(hers === TOP_UP - PRICE && his === PRICE, `The balances are ${hers} and ${his}.`);
      const entries = [...(await ana.client.wallet.statement('EUR')), ...(await ben.client.wallet.statement('EUR'))];
      demand(entries.length === 3, `There are ${entries.length} entries.`);
      return `Ana ${euros(hers)}, Ben ${euros(his)}`;
    },
    (text) => text,
  );
}

const euros = (amountMinor: bigint) => formatAmount(amountMinor, EUR.currency, EUR.exponent);

async function balanceOf({ wallet }: RialtoClient): Promise<bigint> {
  const balances = await wallet.refresh();
  return balances.find(({ currency }) => currency === EUR.currency)?.balanceMinor ?? -1n;
}

async function settledCard(conversation: Conversation, transferId: string): Promise<PaymentBody | undefined> {
  const bodies = (await conversation.page()).map(({ body }) => body);
  const card = bodies.find((body): body is PaymentBody => body.type === 'payment');
  if (card?.state === 'unverified' || card?.state === 'failed') throw new DemoFailure(`The card is ${card.state}.`);
  return card?.state === 'settled' && card.transferId === transferId ? card : undefined;
}

/** Loads the checkout page, fills in its form and submits it. */
async function payCheckout(checkoutUrl: string | null, serverUrl: string): Promise<void> {
  if (checkoutUrl === null) throw new DemoFailure('The top-up has no checkout.');
  demand(checkoutUrl.includes('/simulated/'), 'This is no simulated checkout, and the demo pays with nothing else.');
  // The server may be reached here by another name than the one it gives to browsers.
  const page = new URL(new URL(checkoutUrl).pathname, serverUrl);
  const response = await fetch(page);
  const html = await response.text();
  demand(response.ok && html.includes('SIMULATED MONEY'), `The checkout answers ${response.status}.`);
  const action = /<form[^>]*method="post"[^>]*action="([^"]+)"/.exec(html)?.[1];
  const card = /<input[^>]*name="card"[^>]*value="([^"]+)"/.exec(html)?.[1];
  if (action === undefined || card === undefined) throw new DemoFailure('The checkout page has no form.');
  const paid = await fetch(new URL(action, page), { method: 'POST', body: new URLSearchParams({ card }), redirect: 'manual' });
  demand(paid.status === 303 || paid.ok, `The checkout answers ${paid.status} to the payment.`);
}
