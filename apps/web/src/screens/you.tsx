import type { DeviceView } from '@rialto/client';
import { type FormEvent, lazy, Suspense, useCallback, useEffect, useState } from 'react';
import { Avatar } from '../parts/avatar.tsx';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { SkeletonRows } from '../parts/placeholder.tsx';
import { notify, useClient, useSession } from '../session/state.ts';
import { dayName } from '../session/time.ts';
import { sayError } from '../session/words.ts';
import { ConfirmPhraseSheet } from './confirm-phrase.tsx';
import './wallet.css';
import './you.css';

const KeysSheet = lazy(() => import('./keys-help.tsx'));

type Theme = 'system' | 'light' | 'dark';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

export function YouScreen() {
  const account = useSession((session) => session.account);
  const [isConfirming, setConfirming] = useState(false);
  const [isHelping, setHelping] = useState(false);
  if (!account) return null;
  return (
    <main className="page">
      <div className="page-column you">
        <h1>You</h1>
        <div className="you-head">
          <Avatar id={account.accountId} name={account.displayName || account.handle} size="l" />
          <div>
            <b>{account.displayName}</b>
            <small>@{account.handle}</small>
          </div>
        </div>
        <section>
          <h2>Recovery phrase</h2>
          <p>
            Bringing an account back with the twelve words is not built yet: for now, whoever loses this browser loses the
            account. Later versions will ask for them.
          </p>
          {account.recoveryPhraseConfirmed ? (
            <p className="you-good">
              <Icon name="check" /> You have your twelve words.
            </p>
          ) : (
            <>
              <p>They are not shown again. Check that you wrote them down right.</p>
              <Button look="outline" icon="key" onClick={() => setConfirming(true)}>
                Check my words
              </Button>
            </>
          )}
        </section>
        <NameForm />
        <Appearance />
        <section className="you-keyboard">
          <h2>Keyboard</h2>
          <p>Everything can be done without a mouse; press ? on any screen to see how.</p>
          <Button look="outline" onClick={() => setHelping(true)}>
            Show the shortcuts
          </Button>
        </section>
        <DeviceList />
        <section>
          <h2>What the server can see</h2>
          <p>
            Who talks with whom and when, and the amounts of payments. Never what you write, say or show, and it cannot pay for
            you.
          </p>
        </section>
      </div>
      <Suspense>{isHelping && <KeysSheet onClose={() => setHelping(false)} />}</Suspense>
      {isConfirming && <ConfirmPhraseSheet onClose={() => setConfirming(false)} />}
    </main>
  );
}

function NameForm() {
  const client = useClient();
  const saved = useSession((session) => session.account?.displayName ?? '');
  const [name, setName] = useState(saved);
  const [isBusy, setBusy] = useState(false);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    await client.setDisplayName(name.trim()).then(
      () => notify('Your name was changed.'),
      (thrown: unknown) => notify(sayError(thrown)),
    );
    setBusy(false);
  };
  return (
    <section>
      <h2 id="you-name">Name people see</h2>
      <form className="you-name" onSubmit={(event) => void save(event)}>
        <input
          aria-labelledby="you-name"
          value={name}
          maxLength={50}
          autoComplete="name"
          onChange={(event) => setName(event.target.value)}
        />
        <Button type="submit" look="outline" busy={isBusy} disabled={name.trim() === '' || name.trim() === saved}>
          Save
        </Button>
      </form>
    </section>
  );
}

function Appearance() {
  const [theme, setTheme] = useState<Theme>(() => (document.documentElement.dataset.theme as Theme | undefined) ?? 'system');
  const choose = (chosen: Theme) => {
    setTheme(chosen);
    if (chosen === 'system') {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem('rialto.theme');
    } else {
      document.documentElement.dataset.theme = chosen;
      localStorage.setItem('rialto.theme', chosen);
    }
  };
  return (
    <section>
      <h2 id="you-theme">Appearance</h2>
      <div className="you-themes" role="radiogroup" aria-labelledby="you-theme">
        {THEMES.map((each) => (
          <label key={each} className="you-theme">
            <input type="radio" name="theme" value={each} checked={each === theme} onChange={() => choose(each)} />
            <span>{each === 'system' ? 'As the system' : each === 'light' ? 'Light' : 'Dark'}</span>
          </label>
        ))}
      </div>
    </section>
  );
}

function DeviceList() {
  const client = useClient();
  const [devices, setDevices] = useState<readonly DeviceView[] | null>(null);
  const [failure, setFailure] = useState<string>();
  const load = useCallback(
    () => client.devices.list().then(setDevices, (thrown: unknown) => setFailure(sayError(thrown))),
    [client],
  );
  useEffect(() => void load(), [load]);
  const revoke = (deviceId: string) =>
    void client.devices
      .revoke(deviceId)
      .then(load)
      .catch((thrown: unknown) => notify(sayError(thrown)));
  return (
    <section>
      <h2>Devices</h2>
      {failure && <p>{failure}</p>}
      {!devices && !failure && <SkeletonRows rows={1} />}
      <ul className="you-devices">
        {(devices ?? []).map(({ deviceId, addedAt, lastSeenAt, isCurrent }) => (
          <li key={deviceId}>
            <div>
              <b>{isCurrent ? 'This browser' : `Device ${deviceId.slice(0, 6)}`}</b>
              <small>
                Added {dayName(addedAt).toLowerCase()}
                {!isCurrent && lastSeenAt ? ` · last here ${dayName(lastSeenAt).toLowerCase()}` : ''}
              </small>
            </div>
            {!isCurrent && (
              <Button look="outline" onClick={() => revoke(deviceId)}>
                Remove
              </Button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
