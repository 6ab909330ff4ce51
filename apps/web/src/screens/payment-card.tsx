import type { PaymentBody, Person } from '@rialto/client';
import { Icon } from '../parts/icon.tsx';
import { formatMoney } from '../session/money.ts';
import { useSession } from '../session/state.ts';
import { nameOf } from '../session/words.ts';

const STATES = {
  pending: { icon: 'clock', words: 'Waiting for the ledger' },
  settled: { icon: 'check', words: 'Settled · receipt verified' },
  failed: { icon: 'warning', words: 'Not paid' },
  unverified: { icon: 'warning', words: 'The ledger says otherwise: do not count on it' },
} as const;

/** What it shows as settled comes from the viewer's own verified statement, never from the sender's words. */
export function PaymentCard({ body, isMine, peer }: { body: PaymentBody; isMine: boolean; peer: Person }) {
  const balance = useSession((session) => session.balances?.find(({ currency }) => currency === body.currency));
  const { icon, words } = STATES[body.state];
  return (
    <div className="payment-card">
      <small>{isMine ? `You sent ${nameOf(peer)}` : `${nameOf(peer)} sent you`}</small>
      <div className="payment-card-amount tabular">{formatMoney(body.amountMinor, body.currency, balance?.exponent ?? 2)}</div>
      {body.memo && <div className="payment-card-memo">{body.memo}</div>}
      <div className={`payment-card-state payment-card-${body.state}`}>
        <Icon name={icon} size={18} /> {words}
      </div>
      {balance?.isSimulated && <small>Simulated money</small>}
    </div>
  );
}
