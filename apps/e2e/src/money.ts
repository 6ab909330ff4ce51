import { CONTRACTS, type Input, type IntentId, type TopUpId } from '@rialto/contracts';
import { ask } from './http.ts';
import { newId, type Person } from './person.ts';
import { until } from './system.ts';

const { payments } = CONTRACTS;
const INTENT_LIVES_MS = 300_000;
export const CURRENCY = 'EUR';

/** Adds simulated money as a person does: a checkout, a test card, and the processor's word for it. */
export async function topUp(person: Person, amountMinor: bigint): Promise<TopUpId> {
  const topUpId = newId<TopUpId>('top');
  const { checkoutUrl } = await person.call(payments.operations.createTopUp, {
    topUpId,
    currency: CURRENCY,
    amountMinor: String(amountMinor),
  });
  if (checkoutUrl === null) throw new Error('no checkout was opened');
  const { pathname } = new URL(checkoutUrl);
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const paid = await ask(person.system.url, {
    method: 'POST',
    path: `${pathname}/pay`,
    headers: form,
    body: 'card=pays',
    from: person.from,
  });
  if (paid.status !== 303) throw new Error(`the checkout answers ${paid.status}`);
  await until('the money has arrived', async () => {
    const { state } = await person.call(payments.operations.getTopUp, { topUpId });
    return state === 'paid' ? true : undefined;
  });
  return topUpId;
}

type Intent = Input<typeof payments.operations.transfer>;

/** What a payer's device signs. */
export function intentOf(from: Person, to: Person, amountMinor: bigint, change: Partial<Intent> = {}): Intent {
  return {
    ledger: from.system.secrets.ledgerId as Intent['ledger'],
    intentId: newId<IntentId>('int'),
    from: from.id,
    to: to.id,
    currency: CURRENCY,
    amountMinor: String(amountMinor),
    maxFeeMinor: '0',
    memoHash: null,
    expiresAt: new Date(Date.now() + INTENT_LIVES_MS).toISOString(),
    chainSeq: from.chainSeq,
    ...change,
  };
}
