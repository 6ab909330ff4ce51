import { type FormEvent, useState } from 'react';
import { Button } from '../parts/button.tsx';
import { Sheet } from '../parts/sheet.tsx';
import { formatMoney } from '../session/money.ts';
import { useClient, useSession } from '../session/state.ts';
import { sayError } from '../session/words.ts';
import { AmountField, NoBalance, useAmount } from './amount-field.tsx';
import './pay.css';

/** Chooses an amount and goes to the checkout page; that page comes back to the wallet. */
export function TopUpSheet({ onClose }: { onClose: () => void }) {
  const client = useClient();
  const balances = useSession((session) => session.balances) ?? [];
  const { balance, amount, field } = useAmount(balances);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string>();
  const show = (minor: bigint) => (balance ? formatMoney(minor, balance.currency, balance.exponent) : '');
  const isOutside =
    balance && amount !== null && (amount < balance.limits.minTopUpMinor || amount > balance.limits.maxTopUpMinor);
  const problem = isOutside
    ? `Between ${show(balance.limits.minTopUpMinor)} and ${show(balance.limits.maxTopUpMinor)}.`
    : undefined;

  const begin = async (event: FormEvent) => {
    event.preventDefault();
    if (!balance || amount === null || problem || isBusy) return;
    setBusy(true);
    setFailure(undefined);
    try {
      const { checkoutUrl } = await client.wallet.topUp({ currency: balance.currency, amountMinor: amount });
      if (!checkoutUrl) throw new Error('a top-up without a checkout page');
      location.assign(checkoutUrl);
    } catch (thrown) {
      setFailure(sayError(thrown));
      setBusy(false);
    }
  };
  return (
    <Sheet title="Add money" onClose={onClose}>
      {balance ? (
        <form className="pay" onSubmit={(event) => void begin(event)}>
          <AmountField {...field} error={problem ?? failure} />
          <p className="pay-balance">You pay on a checkout page and come back here.</p>
          {balance.isSimulated && <p className="pay-simulated">Simulated money: no card is charged</p>}
          <Button type="submit" wide busy={isBusy} disabled={amount === null || problem !== undefined}>
            {isBusy ? 'Opening the checkout…' : 'Continue to checkout'}
          </Button>
        </form>
      ) : (
        <NoBalance />
      )}
    </Sheet>
  );
}
