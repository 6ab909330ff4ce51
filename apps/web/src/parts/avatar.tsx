import './avatar.css';

const HUES = 6;

/** The first letter on a colour that follows from the account's id, so that it is the same everywhere. */
export function Avatar({ id, name, size = 'm' }: { id: string; name: string; size?: 's' | 'm' | 'l' | 'xl' }) {
  const hue = Array.from(id).reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 997, 7) % HUES;
  return (
    <span className={`avatar avatar-${size} avatar-hue-${hue}`} aria-hidden="true">
      {(name.replace(/^@/, '')[0] ?? '?').toUpperCase()}
    </span>
  );
}
