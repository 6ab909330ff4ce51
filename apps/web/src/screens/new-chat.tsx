import type { Person } from '@rialto/client';
import { type FormEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { Avatar } from '../parts/avatar.tsx';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Sentence } from '../parts/sentence.tsx';
import { Sheet } from '../parts/sheet.tsx';
import { useClient } from '../session/state.ts';
import { useAttempt } from '../session/use-attempt.ts';
import { nameOf } from '../session/words.ts';
import './new-chat.css';

/** Finds somebody by handle, then opens the conversation with them, to write or (from the wallet) to pay. */
export default function NewChatSheet({ onClose, purpose = 'write' }: { onClose: () => void; purpose?: 'write' | 'pay' }) {
  const client = useClient();
  const [, go] = useLocation();
  const [handle, setHandle] = useState('');
  const [person, setPerson] = useState<Person | null>(null);
  const { run, isBusy, isWaiting, failure } = useAttempt();
  const find = (event: FormEvent) => {
    event.preventDefault();
    if (handle.trim() !== '' && !isWaiting) void run(async () => setPerson(await client.people.find(handle)));
  };
  const open = (found: Person) =>
    run(async () => {
      const conversation = await client.conversations.createDm(found.accountId);
      onClose();
      go(`/c/${conversation.id}${purpose === 'pay' ? '?pay' : ''}`);
    });

  return (
    <Sheet title={purpose === 'pay' ? 'Send money to' : 'New chat'} onClose={onClose}>
      <form className="new-chat" onSubmit={find}>
        <Field
          label="Handle"
          prefix="@"
          value={handle}
          onChange={(event) => {
            setHandle(event.target.value.trim().replace(/^@/, '').toLowerCase());
            setPerson(null);
          }}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          error={failure && <Sentence of={failure} />}
        />
        {person ? (
          <>
            <Found person={person} />
            <Button wide busy={isBusy} waiting={isWaiting} onClick={() => void open(person)}>
              {isBusy ? 'Opening…' : `${purpose === 'pay' ? 'Pay' : 'Write to'} ${nameOf(person)}`}
            </Button>
          </>
        ) : (
          <Button type="submit" wide busy={isBusy} waiting={isWaiting} disabled={handle.length < 3}>
            Find
          </Button>
        )}
      </form>
    </Sheet>
  );
}

function Found({ person }: { person: Person }) {
  return (
    <div className="new-chat-person">
      <Avatar id={person.accountId} name={nameOf(person)} />
      <div>
        <b>{nameOf(person)}</b>
        <small>@{person.handle}</small>
      </div>
    </div>
  );
}
