import type { VerifiedEntry } from '@rialto/client';
import { Avatar } from '../parts/avatar.tsx';
import { Icon } from '../parts/icon.tsx';
import { formatMoney } from '../session/money.ts';
import { clockTime } from '../session/time.ts';
import { usePerson } from '../session/use-person.ts';
import { nameOf } from '../session/words.ts';

const KINDS = { 'top-up': 'Top-up', refund: 'Refund', operator: 'Booked by the operator', transfer: '' } as const;

/** One verified line of the statement. */
export function EntryRow({ entry, exponent }: { entry: VerifiedEntry; exponent: number }) {
  const person = usePerson(entry.counterparty);
  const isIn = entry.direction === 'credit';
  const title = person ? nameOf(person) : KINDS[entry.kind] || 'Somebody';
  return (
    <div className="entry">
      {person ? (
        <Avatar id={person.accountId} name={nameOf(person)} size="s" />
      ) : (
        <span className="entry-icon">
          <Icon name={entry.kind === 'top-up' ? 'plus' : 'money'} size={18} />
        </span>
      )}
      <div className="entry-text">
        <b>{title}</b>
        <small>
          {entry.memo ?? (entry.kind === 'top-up' ? 'Money added' : isIn ? 'Received' : 'Sent')} · {clockTime(entry.at)}
        </small>
      </div>
      <div className="entry-amount tabular">
        <span className={isIn ? 'entry-in' : undefined}>
          {formatMoney(isIn ? entry.amountMinor : -entry.amountMinor, entry.currency, exponent, { sign: true })}
        </span>
        <small>{formatMoney(entry.balanceMinor, entry.currency, exponent)}</small>
      </div>
    </div>
  );
}
