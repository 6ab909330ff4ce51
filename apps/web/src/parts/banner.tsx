import type { ReactNode } from 'react';
import './banner.css';
import { Icon, type IconName } from './icon.tsx';

/** One line above the content that says what is the matter and, if there is something to do, what. */
export function Banner({
  tone,
  icon,
  children,
  action,
}: {
  tone: 'info' | 'warn' | 'danger' | 'simulated';
  icon?: IconName;
  children: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={`banner banner-${tone}`} role={tone === 'simulated' ? 'note' : 'status'}>
      {icon && <Icon name={icon} size={18} />}
      <span className="banner-text">{children}</span>
      {action}
    </div>
  );
}

export function SimulatedMoney() {
  return <Banner tone="simulated">Simulated money: no real payments on this server</Banner>;
}
