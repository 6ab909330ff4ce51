import { IconButton, TryAgain } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Sentence } from '../parts/sentence.tsx';
import { dismissNotice, useSession } from '../session/state.ts';
import './notices.css';

/** What happened outside of the screen that one looks at. */
export function Notices() {
  const notices = useSession((session) => session.notices);
  return (
    <div className="notices" role="region" aria-label="Notices" aria-live="polite">
      {notices.map(({ id, text, tone, until, again }) => (
        <div key={id} className={`notice notice-${tone}`} role={tone === 'danger' ? 'alert' : 'status'}>
          {tone === 'danger' && <Icon name="warning" />}
          <p>
            <Sentence of={{ sentence: text, until }} />
          </p>
          {again && (
            <TryAgain
              until={until}
              onClick={() => {
                dismissNotice(id);
                again();
              }}
            />
          )}
          <IconButton icon="close" label="Dismiss" onClick={() => dismissNotice(id)} />
        </div>
      ))}
    </div>
  );
}
