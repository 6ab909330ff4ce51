import type { ConversationSummary, Person } from '@rialto/client';
import { type KeyboardEvent, useId, useState } from 'react';
import { useLocation } from 'wouter';
import { Avatar } from '../parts/avatar.tsx';
import '../parts/field.css';
import { Icon } from '../parts/icon.tsx';
import { Sentence } from '../parts/sentence.tsx';
import { Sheet } from '../parts/sheet.tsx';
import { findChats, wantedOf } from '../session/find-chats.ts';
import { isHandle } from '../session/handles.ts';
import { useClient, useSession } from '../session/state.ts';
import { useAttempt } from '../session/use-attempt.ts';
import { nameOf } from '../session/words.ts';
import './go-to.css';

const MAX_SHOWN = 6;

/** One line that can be chosen: a chat, a handle to ask the server for, or whom it found. */
interface Choice {
  readonly key: string;
  readonly person?: Pick<Person, 'accountId' | 'displayName' | 'handle'>;
  readonly title: string;
  readonly note: string;
  run(): void;
}

/** Goes to a chat by name or handle, or finds somebody new, without leaving the keyboard. */
export default function GoToSheet({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('');
  const [active, setActive] = useState(0);
  const { choices, failure, isBusy, isWaiting, forget } = useChoices(text, onClose);
  const id = useId();
  const chosen = choices[Math.min(active, choices.length - 1)];

  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setActive((now) => (Math.min(now, choices.length - 1) + step + choices.length) % Math.max(1, choices.length));
    } else if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
      event.preventDefault();
      if (!isBusy && !isWaiting) chosen?.run();
    }
  };
  return (
    <Sheet title="Go to a chat" onClose={onClose}>
      <div className="go-to">
        <div className="field-box go-to-field">
          <Icon name="search" />
          <input
            role="combobox"
            aria-label="Name or handle"
            aria-expanded={choices.length > 0}
            aria-controls={`${id}-list`}
            aria-activedescendant={chosen && `${id}-${chosen.key}`}
            placeholder="Name or handle"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setActive(0);
              forget();
            }}
            onKeyDown={onKeyDown}
          />
        </div>
        <ul id={`${id}-list`} role="listbox" aria-label="Chats and people" className="go-to-list">
          {choices.map((choice) => (
            <Line key={choice.key} id={`${id}-${choice.key}`} choice={choice} isActive={choice === chosen} />
          ))}
        </ul>
        <p className="go-to-note" role="status">
          {failure ? (
            <Sentence of={failure} />
          ) : isBusy ? (
            'Looking…'
          ) : (
            choices.length === 0 && 'Nobody by that name among your chats.'
          )}
        </p>
      </div>
    </Sheet>
  );
}

function Line({ id, choice, isActive }: { id: string; choice: Choice; isActive: boolean }) {
  return (
    <li id={id} role="option" aria-selected={isActive} className="go-to-line" onClick={() => choice.run()}>
      {choice.person ? <Avatar id={choice.person.accountId} name={nameOf(choice.person)} size="s" /> : <Icon name="search" />}
      <span>
        <b>{choice.title}</b>
        <small>{choice.note}</small>
      </span>
    </li>
  );
}

/** The chats that fit what was typed, and whoever has it as a handle: asked for only when chosen, since the server learns of it. */
function useChoices(text: string, onClose: () => void) {
  const client = useClient();
  const [, go] = useLocation();
  const conversations = useSession((session) => session.conversations) ?? [];
  const [found, setFound] = useState<Person | null>(null);
  const { run, isBusy, isWaiting, failure, forget: forgetFailure } = useAttempt();
  const goTo = (id: string) => {
    onClose();
    go(`/c/${id}`);
  };
  const chats = findChats(conversations, text).slice(0, MAX_SHOWN);
  const choices: Choice[] = chats.map((chat) => choiceOf(chat, () => goTo(chat.id)));
  const handle = wantedOf(text);
  const isKnown = conversations.some(({ peer }) => peer.handle === handle);
  const write = (person: Person) => run(async () => goTo((await client.conversations.createDm(person.accountId)).id));
  if (found) {
    choices.push({
      key: 'found',
      person: found,
      title: `Write to ${nameOf(found)}`,
      note: `@${found.handle}`,
      run: () => void write(found),
    });
  } else if (isHandle(handle) && !isKnown) {
    const find = () => void run(async () => setFound(await client.people.find(handle)));
    choices.push({ key: 'find', title: `Find @${handle}`, note: 'Somebody new', run: find });
  }
  const forget = () => {
    setFound(null);
    forgetFailure();
  };
  return { choices, failure, isBusy, isWaiting, forget };
}

const choiceOf = ({ id, peer }: ConversationSummary, run: () => void): Choice => ({
  key: id,
  person: peer,
  title: nameOf(peer),
  note: peer.handle ? `@${peer.handle}` : 'Chat',
  run,
});
