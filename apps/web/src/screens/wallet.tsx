import type { Balance, VerifiedEntry } from '@rialto/client';
import { useCallback, useEffect, useState } from 'react';
import { SimulatedMoney } from '../parts/banner.tsx';
import { Button, TryAgain } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, SkeletonRows } from '../parts/placeholder.tsx';
import { Sentence } from '../parts/sentence.tsx';
import { formatMoney } from '../session/money.ts';
import { refreshWallet } from '../session/session.ts';
import { notify, useClient, useSession } from '../session/state.ts';
import { dayName } from '../session/time.ts';
import { sayError } from '../session/words.ts';
import { NoBalance } from './amount-field.tsx';
import { EntryRow } from './entry-row.tsx';
import NewChatSheet from './new-chat.tsx';
import { TopUpSheet } from './top-up.tsx';
import { useReturnFromCheckout } from './use-checkout-return.ts';
import '../parts/field.css';
import './wallet.css';

const PAGE = 30;

export default function WalletScreen() {
  const client = useClient();
  const balances = useSession((session) => session.balances);
  const [currency, setCurrency] = useState<string>();
  const [sheet, setSheet] = useState<'top-up' | 'send'>();
  useReturnFromCheckout();
  useEffect(() => void refreshWallet(client), [client]);

  const shown =
    balances?.find((each) => each.currency === currency) ??
    balances?.find(({ balanceMinor }) => balanceMinor !== 0n) ??
    balances?.[0];
  return (
    <main className="wallet">
      {shown?.isSimulated && <SimulatedMoney />}
      <div className="wallet-column">
        <h1>Wallet</h1>
        {!shown && <NoBalance />}
        {shown && <NotFresh />}
        {balances && shown && (
          <>
            <BalanceHead balances={balances} shown={shown} onCurrency={setCurrency} />
            <div className="wallet-actions">
              <Button icon="plus" onClick={() => setSheet('top-up')}>
                Add money
              </Button>
              <Button look="outline" onClick={() => setSheet('send')}>
                Send
              </Button>
            </div>
            <Statement key={shown.currency} balance={shown} onTopUp={() => setSheet('top-up')} />
          </>
        )}
      </div>
      {sheet === 'top-up' && <TopUpSheet onClose={() => setSheet(undefined)} />}
      {sheet === 'send' && <NewChatSheet purpose="pay" onClose={() => setSheet(undefined)} />}
    </main>
  );
}

/** What stands below was verified before; this says that it may be old. */
function NotFresh() {
  const client = useClient();
  const failure = useSession((session) => session.walletFailure);
  if (!failure) return null;
  return (
    <p className="wallet-not-fresh" role="status">
      <span>
        As last checked on this device. <Sentence of={failure} />
      </span>
      <TryAgain until={failure.until} onClick={() => void refreshWallet(client)} />
    </p>
  );
}

function BalanceHead({
  balances,
  shown,
  onCurrency,
}: {
  balances: readonly Balance[];
  shown: Balance;
  onCurrency: (currency: string) => void;
}) {
  return (
    <div className="wallet-balance">
      <div>
        <p className="wallet-amount tabular">{formatMoney(shown.balanceMinor, shown.currency, shown.exponent)}</p>
        {shown.heldMinor > 0n && (
          <p className="wallet-held tabular">{formatMoney(shown.heldMinor, shown.currency, shown.exponent)} on hold</p>
        )}
        {shown.isFrozen && <p className="wallet-frozen">This account is frozen. Ask whoever runs this server.</p>}
      </div>
      <select
        className="select"
        aria-label="Currency"
        value={shown.currency}
        onChange={(event) => onCurrency(event.target.value)}
      >
        {balances.map(({ currency }) => (
          <option key={currency}>{currency}</option>
        ))}
      </select>
    </div>
  );
}

interface Shown {
  readonly entries: readonly VerifiedEntry[];
  readonly hasMore: boolean;
}

function Statement({ balance, onTopUp }: { balance: Balance; onTopUp: () => void }) {
  const client = useClient();
  const [shown, setShown] = useState<Shown | null>(null);
  const { currency } = balance;
  const read = useCallback(
    async (before?: number) => {
      const entries = await client.wallet.statement(currency, { limit: PAGE, ...(before === undefined ? {} : { before }) });
      const page = { entries, hasMore: entries.length === PAGE };
      setShown((now) =>
        now ? (before === undefined ? joined(page, now) : { ...page, entries: [...now.entries, ...entries] }) : page,
      );
    },
    [client, currency],
  );
  useEffect(() => {
    const load = () => void read().catch((thrown: unknown) => notify(sayError(thrown)));
    load();
    return client.on('wallet.changed', load);
  }, [client, read]);

  if (shown === null) return <SkeletonRows rows={3} />;
  const { entries, hasMore } = shown;
  if (entries.length === 0) {
    return (
      <Empty icon="wallet" title="Nothing here yet" action={<Button onClick={onTopUp}>Add money</Button>}>
        What you add, send and get shows up here, each line checked by this device.
      </Empty>
    );
  }
  return (
    <section className="statement" aria-label={`Statement in ${currency}`}>
      {entries.map((entry, index) => (
        <div key={entry.seq}>
          {dayName(entry.at) !== (entries[index - 1] && dayName(entries[index - 1]?.at ?? '')) && <h2>{dayName(entry.at)}</h2>}
          <EntryRow entry={entry} exponent={balance.exponent} />
        </div>
      ))}
      {hasMore && (
        <Button look="quiet" wide onClick={() => void read(entries.at(-1)?.seq)}>
          Show earlier
        </Button>
      )}
      <p className="statement-proof">
        <Icon name="shield" size={15} /> Every line was checked against the one before it on this device.
      </p>
    </section>
  );
}

/** A fresh first page on top of what was shown below it, when the two join without a gap; otherwise the page alone. */
function joined(page: Shown, before: Shown): Shown {
  const lowest = page.entries.at(-1)?.seq ?? 0;
  const earlier = before.entries.filter(({ seq }) => seq < lowest);
  return earlier[0]?.seq === lowest - 1 ? { entries: [...page.entries, ...earlier], hasMore: before.hasMore } : page;
}
