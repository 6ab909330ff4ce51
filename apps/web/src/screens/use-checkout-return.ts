import { useEffect } from 'react';
import { sayAmount } from '../session/money.ts';
import { notify, useClient } from '../session/state.ts';
import { sayError } from '../session/words.ts';

const POLL_MS = 1_500;
const GIVE_UP_MS = 60_000;

/** After the checkout page: says how it went. The webhook may be later than the browser, so it asks until the state is final. */
export function useReturnFromCheckout(): void {
  const client = useClient();
  useEffect(() => {
    const url = new URL(location.href);
    const topUpId = url.searchParams.get('top-up');
    if (!topUpId) return;
    history.replaceState(null, '', url.pathname);
    let isCurrent = true;
    const began = Date.now();
    const look = async (): Promise<void> => {
      const topUp = await client.wallet.topUpState(topUpId);
      if (!isCurrent) return;
      if (topUp.state === 'paid') {
        await client.wallet.refresh();
        const amount = sayAmount(topUp.amountMinor, topUp.currency, client.wallet.balances);
        notify(`Added: ${amount}.`);
      } else if (topUp.state === 'failed' || topUp.state === 'expired') {
        notify('The checkout was not completed. Nothing was added.');
      } else if (Date.now() - began < GIVE_UP_MS) {
        setTimeout(() => void look().catch((thrown: unknown) => notify(sayError(thrown))), POLL_MS);
      } else {
        notify('The checkout is not complete yet. The money appears here as soon as it is.');
      }
    };
    look().catch((thrown: unknown) => notify(sayError(thrown)));
    return () => {
      isCurrent = false;
    };
  }, [client]);
}
