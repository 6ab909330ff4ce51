import type { PaymentBody, Person } from '@rialto/client';
import type { ReactNode } from 'react';
import { Icon } from '../parts/icon.tsx';
import { sayAmount } from '../session/money.ts';
import { useSession } from '../session/state.ts';
import { nameOf } from '../session/words.ts';

const STATES = {
  pending: { icon: 'clock', words: 'Waiting for the ledger' },
  settled: { icon: 'check', words: 'Settled · statement verified' },
  failed: { icon: 'warning', words: 'Not paid' },
  unverified: { icon: 'warning', words: 'The ledger says otherwise: do not count on it' },
} as const;

/**
 * What it shows as settled comes from the viewer's own verified statement, never from the sender's words. No receipt is named: the payee
 * holds none, and a payer whose receipt did not verify may still find the payment in a statement that does.
 */
export function PaymentCard({ body, isMine, peer, quote, children }: PaymentCardProps) {
  const balances = useSession((session) => session.balances);
  const isSimulated = balances?.some((balance) => balance.isSimulated) ?? false;
  const { icon, words } = STATES[body.state];
  return (
    <div className="payment-card">
      {quote}
      <small>{isMine ? `You sent ${nameOf(peer)}` : `${nameOf(peer)} sent you`}</small>
      <div className="payment-card-amount tabular">{sayAmount(body.amountMinor, body.currency, balances)}</div>
      {body.memo && <div className="payment-card-memo">{body.memo}</div>}
      <div className={`payment-card-state payment-card-${body.state}`}>
        <Icon name={icon} size={18} /> {words}
      </div>
      {isSimulated && <small>Simulated money</small>}
      {children}
    </div>
  );
}
interface PaymentCardProps {
  body: PaymentBody;
  isMine: boolean;
  peer: Person;
  quote: ReactNode;
  /** Its time, its delivery and its reactions, as on any message. */
  children: ReactNode;
}
