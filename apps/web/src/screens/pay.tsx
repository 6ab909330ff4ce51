import type { Balance, Conversation, Person } from '@rialto/client';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Avatar } from '../parts/avatar.tsx';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Sheet } from '../parts/sheet.tsx';
import { formatMoney } from '../session/money.ts';
import { notify, useSession } from '../session/state.ts';
import { nameOf, sayError } from '../session/words.ts';
import { AmountField, NoBalance, useAmount } from './amount-field.tsx';
import './pay.css';
import { TopUpSheet } from './top-up.tsx';

const MAX_MEMO = 200;
const UNDER_WAY =
  'The server has not answered yet. Your signed payment is kept and tried again: do not pay twice. Its card shows when it is settled.';

interface PaySheetProps {
  conversation: Conversation;
  peer: Person;
  onClose: () => void;
}

/** Pays the other person of a conversation. This device signs exactly what is shown. */
export default function PaySheet({ conversation, peer, onClose }: PaySheetProps) {
  const balances = useSession((session) => session.balances) ?? [];
  const { balance, amount, field } = useAmount(balances);
  const [memo, setMemo] = useState('');
  const [isToppingUp, setToppingUp] = useState(false);
  const { isBusy, failure, send } = useSending({ conversation, peer, onClose });
  const problem = balance && field.text !== '' ? problemOf(amount, balance) : undefined;

  const shown = amount !== null && balance && !problem ? formatMoney(amount, balance.currency, balance.exponent) : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!balance || amount === null || problem || isBusy) return;
    const note = memo.trim() ? { memo: memo.trim() } : {};
    void send({ amountMinor: amount, currency: balance.currency, ...note });
  };
  const close = () => {
    if (isBusy) notify(UNDER_WAY);
    onClose();
  };
  if (isToppingUp) return <TopUpSheet onClose={onClose} />;
  return (
    <Sheet title={`Pay ${nameOf(peer)}`} onClose={close} heading={<Payee peer={peer} />}>
      {balance ? (
        <form className="pay" onSubmit={submit}>
          <AmountField {...field} error={problem ?? failure} />
          <BalanceLine balance={balance} amount={problem ? null : amount} />
          <Field
            label="Note, sealed"
            value={memo}
            maxLength={MAX_MEMO}
            onChange={(event) => setMemo(event.target.value)}
            autoComplete="off"
          />
          {balance.isSimulated && <p className="pay-simulated">Simulated money: no real payments on this server</p>}
          <Button type="submit" wide icon="key" busy={isBusy} disabled={amount === null || problem !== undefined}>
            {isBusy ? 'Paying…' : shown ? `Pay ${shown}` : 'Pay'}
          </Button>
          <Button look="quiet" wide disabled={isBusy} onClick={() => setToppingUp(true)}>
            Add money
          </Button>
        </form>
      ) : (
        <NoBalance />
      )}
    </Sheet>
  );
}

/** Sends one payment and closes the sheet after it; what failed is said in the sheet, or in a notice when the sheet is gone. */
function useSending({ conversation, peer, onClose }: PaySheetProps) {
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string>();
  const isOpen = useIsOpen();
  const send = async (payment: Parameters<Conversation['sendMoney']>[0]) => {
    setBusy(true);
    setFailure(undefined);
    try {
      await conversation.sendMoney(payment);
      if (isOpen.current) onClose();
    } catch (thrown) {
      setBusy(false);
      if (!isStillUnderWay(thrown)) {
        if (isOpen.current) setFailure(sayError(thrown));
        else notify(`${nameOf(peer)} was not paid. ${sayError(thrown)}`, 'danger');
        return;
      }
      notify(UNDER_WAY);
      if (isOpen.current) onClose();
    }
  };
  return { isBusy, failure, send };
}

/** Whether the sheet is still there to show how a payment ended: it may be closed while the server is asked. */
function useIsOpen() {
  const isOpen = useRef(true);
  useEffect(() => {
    isOpen.current = true;
    return () => {
      isOpen.current = false;
    };
  }, []);
  return isOpen;
}

/** A retryable failure leaves the signed intent with the device, which posts the same bytes until there is an answer. */
const isStillUnderWay = (thrown: unknown) => (thrown as { retryable?: boolean }).retryable === true;

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
