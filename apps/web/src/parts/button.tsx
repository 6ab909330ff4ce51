import type { ButtonHTMLAttributes, ReactNode } from 'react';
import './button.css';
import { useSecondsLeft } from '../session/use-seconds-left.ts';
import { Icon, type IconName } from './icon.tsx';

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  look?: 'filled' | 'outline' | 'quiet' | 'danger';
  icon?: IconName;
  wide?: boolean;
  /** Shows that the work is under way; the button stays focusable and ignores further presses. */
  busy?: boolean;
  /** Cannot be pressed yet; it stays focusable, so that whoever waits there is there when it can. */
  waiting?: boolean;
  children: ReactNode;
};

export function Button({
  look = 'filled',
  icon,
  wide = false,
  busy = false,
  waiting = false,
  children,
  onClick,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={`button button-${look}${wide ? ' button-wide' : ''}`}
      aria-busy={busy || undefined}
      aria-disabled={waiting || undefined}
      onClick={busy || waiting ? (event) => event.preventDefault() : onClick}
    >
      {busy ? <span className="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

type IconButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  icon: IconName;
  label: string;
  look?: 'plain' | 'filled';
  size?: number;
};

/** A control of at least 40 px whose name is `label`, also shown as its tooltip. */
export function IconButton({ icon, label, look = 'plain', size = 20, className = '', ...rest }: IconButtonProps) {
  return (
    <button type="button" {...rest} className={`icon-button icon-button-${look} ${className}`} aria-label={label} title={label}>
      <Icon name={icon} size={size} />
    </button>
  );
}

/** Asks once more for what could not be had; not before `until`, when the server wants to be left alone until then. */
export function TryAgain({ onClick, until = null }: { onClick: () => void; until?: number | null }) {
  const isWaiting = useSecondsLeft(until) > 0;
  return (
    <Button look="outline" icon="retry" waiting={isWaiting} onClick={onClick}>
      Try again
    </Button>
  );
}
