import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { Avatar } from '../parts/avatar.tsx';
import { Banner } from '../parts/banner.tsx';
import { Icon, type IconName, Mark } from '../parts/icon.tsx';
import { useSession } from '../session/state.ts';
import { CONNECTION_WORDS } from '../session/words.ts';
import './shell.css';

const PLACES: readonly { path: string; name: string; icon: IconName }[] = [
  { path: '/', name: 'Chats', icon: 'chats' },
  { path: '/calls', name: 'Calls', icon: 'phone' },
  { path: '/wallet', name: 'Wallet', icon: 'wallet' },
  { path: '/you', name: 'You', icon: 'person' },
];
const CONNECTING_IS_SLOW = 'shell-connecting';

/** The rail on wide screens, tabs at the bottom on narrow ones, and whatever must be said above both. */
export function Shell({ children }: { children: ReactNode }) {
  const [path] = useLocation();
  const isInside = path.startsWith('/c/') || path.startsWith('/u/'); // on a phone these take the whole screen
  return (
    <div className={`shell${isInside ? ' shell-inside' : ''}`}>
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <Places path={path} />
      <div className="shell-content">
        <ConnectionBanner />
        <div id="main" className="shell-main" tabIndex={-1}>
          {children}
        </div>
      </div>
    </div>
  );
}

function Places({ path }: { path: string }) {
  const account = useSession((session) => session.account);
  const unread = useSession((session) => (session.conversations ?? []).reduce((sum, each) => sum + each.unread, 0));
  const isHere = (place: string) =>
    place === '/' ? path === '/' || path.startsWith('/c/') || path.startsWith('/u/') : path.startsWith(place);
  return (
    <nav className="places" aria-label="Places">
      <span className="places-mark">
        <Mark size={34} />
      </span>
      {PLACES.map(({ path: to, name, icon }) => (
        <Link
          key={to}
          href={to}
          className={`place place-${name.toLowerCase()}`}
          aria-current={isHere(to) ? 'page' : undefined}
          title={name}
        >
          {to === '/you' && account ? (
            <span className="place-avatar">
              <Avatar id={account.accountId} name={account.displayName || account.handle} size="s" />
            </span>
          ) : null}
          <Icon name={icon} />
          <span className="place-name">{name}</span>
          {to === '/' && unread > 0 && (
            <span className="badge place-badge">
              {unread}
              <span className="visually-hidden"> unread</span>
            </span>
          )}
        </Link>
      ))}
    </nav>
  );
}

function ConnectionBanner() {
  const connection = useSession((session) => session.connection);
  const waiting = useSession((session) => (session.conversations ?? []).reduce((sum, each) => sum + each.pendingSends, 0));
  if (connection === 'online') return null;
  if (connection === 'connecting') {
    return (
      <div className={CONNECTING_IS_SLOW}>
        <Banner tone="info">{CONNECTION_WORDS.connecting}</Banner>
      </div>
    );
  }
  const queue = connection === 'offline' && waiting > 0 ? ` ${waiting} waiting.` : '';
  return (
    <Banner
      tone={connection === 'revoked' ? 'danger' : 'warn'}
      icon="offline"
      action={
        connection === 'signed-out' && (
          <button type="button" onClick={() => location.reload()}>
            Reload
          </button>
        )
      }
    >
      {CONNECTION_WORDS[connection]}
      {queue}
    </Banner>
  );
}
