import type { Person } from '@rialto/client';
import type { AccountId } from '@rialto/contracts';
import { useEffect, useState } from 'react';
import { renderSVG } from 'uqr';
import { useLocation } from 'wouter';
import { Avatar } from '../parts/avatar.tsx';
import { Button, IconButton } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, SkeletonRows } from '../parts/placeholder.tsx';
import { notify, useClient } from '../session/state.ts';
import { nameOf, sayError } from '../session/words.ts';
import './safety.css';

/** The safety number with one person. It is the same for chats, calls and payments. */
export default function SafetyScreen({ accountId }: { accountId: string }) {
  const client = useClient();
  const [person, setPerson] = useState<Person | null>(null);
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    client.people.get(accountId as AccountId).then(setPerson, (thrown: unknown) => setFailure(sayError(thrown)));
  }, [client, accountId]);

  const mark = (isVerified: boolean) =>
    void client.people
      .markVerified(accountId as AccountId, isVerified)
      .then(setPerson, (thrown: unknown) => notify(sayError(thrown)));
  if (!person) return <NobodyYet failure={failure} />;
  const digits = person.safetyNumber.join('');
  return (
    <main className="page safety">
      <header className="safety-head">
        <Back />
        <Avatar id={person.accountId} name={nameOf(person)} size="s" />
        <h1>Safety number with {nameOf(person)}</h1>
      </header>
      <div className="page-column">
        {person.alarm && <KeysAlarm name={nameOf(person)} />}
        <QrCode text={`rialto-safety:${digits}`} />
        <p className="safety-how">
          Compare with {nameOf(person)} in person or on a call. The same number covers your chats, your calls and your payments.
        </p>
        <ol className="safety-digits" aria-label="Safety number">
          {person.safetyNumber.map((group, index) => (
            <li key={index}>{group}</li>
          ))}
        </ol>
        <Comparison person={person} onMark={mark} />
      </div>
    </main>
  );
}

/** The screen while the person is asked for, or when there is nobody to show. */
function NobodyYet({ failure }: { failure: string | undefined }) {
  return (
    <main className="page safety">
      <header className="safety-head">
        <Back />
        <h1>Safety number</h1>
      </header>
      {failure ? (
        <Empty icon="warning" title="This person cannot be shown">
          {failure}
        </Empty>
      ) : (
        <SkeletonRows rows={2} />
      )}
    </main>
  );
}

/** Whether the numbers were compared, and the button that changes it. */
function Comparison({ person, onMark }: { person: Person; onMark: (isVerified: boolean) => void }) {
  if (!person.isVerified) {
    return (
      <Button wide icon="shield" onClick={() => onMark(true)}>
        The numbers are equal
      </Button>
    );
  }
  return (
    <>
      <p className="safety-verified">
        <Icon name="shield" /> You compared this number with {nameOf(person)}.
      </p>
      <Button look="outline" wide onClick={() => onMark(false)}>
        Take the mark back
      </Button>
    </>
  );
}

/** Where one came from; from a link that was opened from outside, to the chats. */
function Back() {
  const [, go] = useLocation();
  return <IconButton icon="back" label="Back" onClick={() => (history.length > 1 ? history.back() : go('/'))} />;
}

function KeysAlarm({ name }: { name: string }) {
  return (
    <p className="safety-alarm" role="alert">
      <Icon name="warning" />
      The server showed other keys of {name} than before. If the number below is the one that {name} sees, all is well; if not,
      somebody is between you.
    </p>
  );
}

/** An SVG made on this device; the page's policy allows it as an image from a `data:` URL. */
function QrCode({ text }: { text: string }) {
  const svg = renderSVG(text, { border: 2 });
  return <img className="safety-qr" alt="The safety number as a QR code" src={`data:image/svg+xml,${encodeURIComponent(svg)}`} />;
}
