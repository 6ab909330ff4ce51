import { type FormEvent, useEffect, useState } from 'react';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Mark } from '../parts/icon.tsx';
import { Sentence } from '../parts/sentence.tsx';
import { type Failure, failureOf } from '../session/failure.ts';
import { isHandle } from '../session/handles.ts';
import { checkHandle, register } from '../session/session.ts';
import { useSecondsLeft } from '../session/use-seconds-left.ts';
import './welcome.css';

const TYPING_PAUSE_MS = 300;
const MAX_HANDLE = 30;
const MAX_NAME = 50;
type Availability = 'unknown' | 'checking' | 'available' | 'unasked' | 'taken' | 'reserved' | 'malformed';

const PROBLEMS: Partial<Record<Availability, string>> = {
  taken: 'Somebody has this handle, or had it once. Choose another.',
  reserved: 'This handle is reserved. Choose another.',
  malformed: 'Use 3 to 30 of a–z, 0–9 and _.',
};

const UNASKED_HINT = 'The server does not answer just now. Whether it is free shows when you create the account.';
const STATUS: Partial<Record<Availability, string>> = {
  available: 'Available',
  checking: 'Checking…',
  unasked: 'Not checked',
};

/** The first screen: a handle and a name, and that is all it takes. */
export function WelcomeScreen() {
  const [handle, setHandle] = useState('');
  const [name, setName] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const isWaiting = useSecondsLeft(failure?.until ?? null) > 0;
  const availability = useAvailability(handle);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy || isWaiting || !isHandle(handle)) return;
    setBusy(true);
    setFailure(undefined);
    try {
      await register(handle, name.trim() || handle);
    } catch (thrown) {
      setFailure(failureOf(thrown));
      setBusy(false);
    }
  };

  return (
    <main className="welcome">
      <form onSubmit={(event) => void submit(event)} noValidate>
        <Mark size={56} />
        <h1>
          Talk, call and pay.
          <br />
          Sealed end to end.
        </h1>
        <p className="welcome-sub">Choose a handle. No phone number, no email.</p>
        <HandleField handle={handle} availability={availability} onHandle={setHandle} />
        <Field
          label="Name people see"
          value={name}
          onChange={(event) => setName(event.target.value)}
          maxLength={MAX_NAME}
          autoComplete="name"
          placeholder={handle || undefined}
        />
        <Actions failure={failure} isBusy={isBusy} isWaiting={isWaiting} availability={availability} />
      </form>
    </main>
  );
}

interface ActionsProps {
  failure: Failure | undefined;
  isBusy: boolean;
  isWaiting: boolean;
  availability: Availability;
}
function Actions({ failure, isBusy, isWaiting, availability }: ActionsProps) {
  return (
    <div className="welcome-actions">
      {failure && (
        <p className="welcome-failure" role="alert">
          <Sentence of={failure} />
        </p>
      )}
      <Button
        type="submit"
        wide
        icon="key"
        busy={isBusy}
        waiting={isWaiting}
        disabled={availability !== 'available' && availability !== 'unasked' && !isBusy}
      >
        {isBusy ? 'Making your keys…' : 'Create account'}
      </Button>
      <p className="welcome-note">Your keys are made here and never leave this browser.</p>
    </div>
  );
}

interface HandleFieldProps {
  handle: string;
  availability: Availability;
  onHandle: (handle: string) => void;
}
function HandleField({ handle, availability, onHandle }: HandleFieldProps) {
  return (
    <Field
      label="Handle"
      prefix="@"
      value={handle}
      onChange={(event) => onHandle(event.target.value.trim().replace(/^@/, '').toLowerCase())}
      maxLength={MAX_HANDLE}
      autoComplete="off"
      autoCapitalize="none"
      spellCheck={false}
      autoFocus
      error={PROBLEMS[availability]}
      hint={availability === 'unasked' ? UNASKED_HINT : 'People find you by it. It stays yours for good.'}
      status={
        <span className={`availability availability-${availability}`} role="status">
          {STATUS[availability] ?? ''}
        </span>
      }
    />
  );
}

/** Asks the server once typing pauses. Without an answer the form goes on: claiming the handle decides. */
function useAvailability(handle: string): Availability {
  const [answer, setAnswer] = useState<{ handle: string; state: Availability }>({ handle: '', state: 'unknown' });
  useEffect(() => {
    if (!isHandle(handle)) return;
    let isCurrent = true;
    const timer = setTimeout(() => {
      checkHandle(handle)
        .then(({ available, reason }) => isCurrent && setAnswer({ handle, state: available ? 'available' : (reason ?? 'taken') }))
        .catch(() => isCurrent && setAnswer({ handle, state: 'unasked' }));
    }, TYPING_PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [handle]);
  if (handle === '' || handle.length < 3) return 'unknown';
  if (!isHandle(handle)) return 'malformed';
  return answer.handle === handle ? answer.state : 'checking';
}
