import type { Balance } from '@rialto/client';
import { useId, useState } from 'react';
import { TryAgain } from '../parts/button.tsx';
import { Empty, SkeletonRows } from '../parts/placeholder.tsx';
import { Sentence } from '../parts/sentence.tsx';
import { parseAmount } from '../session/money.ts';
import { refreshWallet } from '../session/session.ts';
import { useClient, useSession } from '../session/state.ts';
import '../parts/field.css';
import './amount-field.css';

/** What an amount field holds: the text, its currency's balance, and the amount once the text is one. */
export function useAmount(balances: readonly Balance[]) {
  const [chosen, setCurrency] = useState<string>();
  // Balances may come after the sheet is open, so what nobody chose is decided each time.
  const currency = chosen ?? (balances.find(({ balanceMinor }) => balanceMinor > 0n) ?? balances[0])?.currency ?? '';
  const [text, setText] = useState('');
  const balance = balances.find((each) => each.currency === currency);
  const amount = balance ? parseAmount(text, balance.exponent) : null;
  return { balance, amount, field: { balances, currency, text, onCurrency: setCurrency, onText: setText } };
}

/** Stands where the amount would be while this device knows no currency: why, and what to do. */
export function NoBalance() {
  const client = useClient();
  const failure = useSession((session) => session.walletFailure);
  const isOffline = useSession((session) => session.connection === 'offline');
  if (!failure && !isOffline) return <SkeletonRows rows={1} />;
  return (
    <Empty
      icon="wallet"
      title="Your balance is not known yet"
      action={<TryAgain until={failure?.until ?? null} onClick={() => void refreshWallet(client)} />}
    >
      {isOffline ? 'You are offline, and this device has never read the ledger.' : failure && <Sentence of={failure} />}
    </Empty>
  );
}

/** A large amount with its currency. What is typed stays text until it is an exact number of minor units. */
export function AmountField({ balances, currency, text, onCurrency, onText, error }: AmountFieldProps) {
  const id = useId();
  return (
    <div className="amount">
      <div className="amount-row">
        <label className="visually-hidden" htmlFor={id}>
          Amount
        </label>
        <input
          id={id}
          className="amount-input tabular"
          inputMode="decimal"
          autoComplete="off"
          placeholder="0"
          size={Math.max(2, text.length)}
          value={text}
          onChange={(event) => onText(event.target.value.replace(/[^\d.,]/g, ''))}
          aria-invalid={error ? true : undefined}
          aria-describedby={error ? `${id}-error` : undefined}
          autoFocus
        />
        <select className="select" aria-label="Currency" value={currency} onChange={(event) => onCurrency(event.target.value)}>
          {balances.map(({ currency: code }) => (
            <option key={code}>{code}</option>
          ))}
        </select>
      </div>
      {error && (
        <p id={`${id}-error`} className="amount-error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}
interface AmountFieldProps {
  balances: readonly Balance[];
  currency: string;
  text: string;
  onCurrency: (currency: string) => void;
  onText: (text: string) => void;
  error?: string | undefined;
}
