import { IconButton } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { dismissNotice, useSession } from '../session/state.ts';
import './notices.css';

/** What happened outside of the screen that one looks at. */
export function Notices() {
  const notices = useSession((session) => session.notices);
  return (
    <div className="notices" role="region" aria-label="Notices" aria-live="polite">
      {notices.map(({ id, text, tone }) => (
        <div key={id} className={`notice notice-${tone}`} role={tone === 'danger' ? 'alert' : 'status'}>
          {tone === 'danger' && <Icon name="warning" />}
          <span>{text}</span>
          <IconButton icon="close" label="Dismiss" onClick={() => dismissNotice(id)} />
        </div>
      ))}
    </div>
  );
}
