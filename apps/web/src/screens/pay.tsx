import type { Balance, Conversation, Person } from '@rialto/client';
import { type FormEvent, useState } from 'react';
import { Avatar } from '../parts/avatar.tsx';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Sheet } from '../parts/sheet.tsx';
import { formatMoney, parseAmount } from '../session/money.ts';
import { useSession } from '../session/state.ts';
import { nameOf, sayError } from '../session/words.ts';
import { AmountField } from './amount-field.tsx';
import './pay.css';
import { TopUpSheet } from './top-up.tsx';

const MAX_MEMO = 200;

/** Pays the other person of a conversation. This device signs exactly what is shown. */
export function PaySheet({ conversation, peer, onClose }: { conversation: Conversation; peer: Person; onClose: () => void }) {
  const balances = useSession((session) => session.balances) ?? [];
  const [currency, setCurrency] = useState(
    () => (balances.find(({ balanceMinor }) => balanceMinor > 0n) ?? balances[0])?.currency ?? 'EUR',
  );
  const [text, setText] = useState('');
  const [memo, setMemo] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string>();
  const [isToppingUp, setToppingUp] = useState(false);
  const balance = balances.find((each) => each.currency === currency);
  const amount = balance ? parseAmount(text, balance.exponent) : null;
  const problem = balance && text !== '' ? problemOf(amount, balance) : undefined;

  const pay = async (event: FormEvent) => {
    event.preventDefault();
    if (!balance || amount === null || problem || isBusy) return;
    setBusy(true);
    setFailure(undefined);
    try {
      await conversation.sendMoney({ amountMinor: amount, currency, ...(memo.trim() ? { memo: memo.trim() } : {}) });
      onClose();
    } catch (thrown) {
      setFailure(sayError(thrown));
      setBusy(false);
    }
  };
  if (isToppingUp) return <TopUpSheet onClose={onClose} />;
  return (
    <Sheet
      title={`Pay ${nameOf(peer)}`}
      onClose={onClose}
      heading={
        <div className="pay-who">
          <Avatar id={peer.accountId} name={nameOf(peer)} size="s" />
          <div>
            <h2>Pay {nameOf(peer)}</h2>
            <small>
              @{peer.handle}
              {peer.isVerified ? ' · verified' : ''}
            </small>
          </div>
        </div>
      }
    >
      <form className="pay" onSubmit={(event) => void pay(event)}>
        <AmountField
          balances={balances}
          currency={currency}
          text={text}
          onCurrency={setCurrency}
          onText={setText}
          error={problem ?? failure}
        />
        {balance && (
          <p className="pay-balance tabular">
            {amount !== null && !problem
              ? `Balance after: ${formatMoney(balance.balanceMinor - amount, currency, balance.exponent)}`
              : `Balance: ${formatMoney(balance.balanceMinor, currency, balance.exponent)}`}
          </p>
        )}
        <Field
          label="Note, sealed"
          value={memo}
          maxLength={MAX_MEMO}
          onChange={(event) => setMemo(event.target.value)}
          autoComplete="off"
        />
        {balance?.isSimulated && <p className="pay-simulated">Simulated money: no real payments on this server</p>}
        <Button type="submit" wide icon="key" busy={isBusy} disabled={amount === null || problem !== undefined}>
          {isBusy
            ? 'Paying…'
            : amount !== null && balance && !problem
              ? `Pay ${formatMoney(amount, currency, balance.exponent)}`
              : 'Pay'}
        </Button>
        <Button look="quiet" wide onClick={() => setToppingUp(true)}>
          Add money
        </Button>
      </form>
    </Sheet>
  );
}

function problemOf(amount: bigint | null, { balanceMinor, currency, exponent, limits, isFrozen }: Balance): string | undefined {
  if (isFrozen) return 'Your account is frozen. Ask whoever runs this server.';
  if (amount === null) return exponent === 0 ? 'Enter a whole amount.' : `Enter an amount with at most ${exponent} decimals.`;
  if (amount > limits.maxTransferMinor)
    return `At most ${formatMoney(limits.maxTransferMinor, currency, exponent)} in one payment.`;
  if (amount > balanceMinor) return `Your balance is ${formatMoney(balanceMinor, currency, exponent)}. Add money first.`;
  return undefined;
}
