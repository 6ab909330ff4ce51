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

  const shown = amount !== null && balance && !problem ? formatMoney(amount, currency, balance.exponent) : null;
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (amount === null || problem || isBusy) return;
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
    <Sheet title={`Pay ${nameOf(peer)}`} onClose={onClose} heading={<Payee peer={peer} />}>
      <form className="pay" onSubmit={(event) => void send(event)}>
        <AmountField
          balances={balances}
          currency={currency}
          text={text}
          onCurrency={setCurrency}
          onText={setText}
          error={problem ?? failure}
        />
        {balance && <BalanceLine balance={balance} amount={problem ? null : amount} />}
        <Field
          label="Note, sealed"
          value={memo}
          maxLength={MAX_MEMO}
          onChange={(event) => setMemo(event.target.value)}
          autoComplete="off"
        />
        {balance?.isSimulated && <p className="pay-simulated">Simulated money: no real payments on this server</p>}
        <Button type="submit" wide icon="key" busy={isBusy} disabled={amount === null || problem !== undefined}>
          {isBusy ? 'Paying…' : shown ? `Pay ${shown}` : 'Pay'}
        </Button>
        <Button look="quiet" wide onClick={() => setToppingUp(true)}>
          Add money
        </Button>
      </form>
    </Sheet>
  );
}

function Payee({ peer }: { peer: Person }) {
  return (
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
  );
}

function BalanceLine({ balance: { balanceMinor, currency, exponent }, amount }: { balance: Balance; amount: bigint | null }) {
  const line =
    amount === null
      ? `Balance: ${formatMoney(balanceMinor, currency, exponent)}`
      : `Balance after: ${formatMoney(balanceMinor - amount, currency, exponent)}`;
  return <p className="pay-balance tabular">{line}</p>;
}

function problemOf(amount: bigint | null, { balanceMinor, currency, exponent, limits, isFrozen }: Balance): string | undefined {
  if (isFrozen) return 'Your account is frozen. Ask whoever runs this server.';
  if (amount === null) return exponent === 0 ? 'Enter a whole amount.' : `Enter an amount with at most ${exponent} decimals.`;
  if (amount > limits.maxTransferMinor)
    return `At most ${formatMoney(limits.maxTransferMinor, currency, exponent)} in one payment.`;
  if (amount > balanceMinor) return `Your balance is ${formatMoney(balanceMinor, currency, exponent)}. Add money first.`;
  return undefined;
}
