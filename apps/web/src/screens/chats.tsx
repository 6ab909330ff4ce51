import type { ConversationId } from '@rialto/contracts';
import { type KeyboardEvent, lazy, Suspense, useRef, useState } from 'react';
import { Button, IconButton, TryAgain } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, SkeletonRows } from '../parts/placeholder.tsx';
import { findChats } from '../session/find-chats.ts';
import { refreshConversations } from '../session/session.ts';
import { useClient, useSession } from '../session/state.ts';
import { ChatRow } from './chat-row.tsx';
import './chats.css';
import { ConversationScreen } from './conversation.tsx';

const NewChatSheet = lazy(() => import('./new-chat.tsx'));

/** The list of conversations, and beside it (on wide screens) the one that is open. */
export function ChatsScreen({ conversationId }: { conversationId: string | null }) {
  const [isNewOpen, setNewOpen] = useState(false);
  return (
    <main className={`chats${conversationId ? ' chats-open' : ''}`}>
      <section className="chats-list" aria-label="Chats">
        <ChatList selected={conversationId} onNew={() => setNewOpen(true)} />
      </section>
      <div className="chats-thread">
        {conversationId ? (
          <ConversationScreen key={conversationId} conversationId={conversationId as ConversationId} />
        ) : (
          <NothingOpen />
        )}
      </div>
      <Suspense>{isNewOpen && <NewChatSheet onClose={() => setNewOpen(false)} />}</Suspense>
    </main>
  );
}

/** Beside the list while no chat is open. Where there is none yet, it says what others need to begin one. */
function NothingOpen() {
  const isEmpty = useSession((session) => session.conversations?.length === 0);
  const handle = useSession((session) => session.account?.handle);
  return isEmpty ? (
    <Empty icon="person" title={`You are @${handle}`}>
      Give this handle to whoever should write to you.
    </Empty>
  ) : (
    <Empty icon="chats" title="Choose a chat">
      Or begin one with somebody’s handle.
    </Empty>
  );
}

function ChatList({ selected, onNew }: { selected: string | null; onNew: () => void }) {
  const conversations = useSession((session) => session.conversations);
  const failure = useSession((session) => session.conversationsFailure);
  const [query, setQuery] = useState('');
  const shown = findChats(conversations ?? [], query);
  const rows = useRef<HTMLUListElement>(null);
  const [focused, setFocused] = useState<string | null>(null);
  const stop = [focused, selected].find((id) => shown.some((each) => each.id === id)) ?? shown[0]?.id;
  return (
    <>
      <header className="chats-head">
        <h1>Chats</h1>
        <IconButton icon="plus" label="New chat" onClick={onNew} />
      </header>
      {(conversations?.length ?? 0) > 0 && (
        <div className="chats-search">
          <Icon name="search" />
          <input
            type="search"
            placeholder="Search"
            aria-label="Search chats"
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === 'Escape') setQuery('');
              else if (event.key === 'ArrowDown') moveFocus(event, rows.current);
            }}
          />
        </div>
      )}
      {conversations === null && (failure === null ? <SkeletonRows /> : <Unread failure={failure} />)}
      {conversations?.length === 0 && (
        <Empty icon="chats" title="No chats yet" action={<Button onClick={onNew}>New chat</Button>}>
          Write to anybody here by their handle.
        </Empty>
      )}
      <ul ref={rows} className="chats-rows" onKeyDown={(event) => moveFocus(event, event.currentTarget)}>
        {shown.map((conversation) => (
          <ChatRow
            key={conversation.id}
            conversation={conversation}
            isSelected={conversation.id === selected}
            isStop={conversation.id === stop}
            onFocus={() => setFocused(conversation.id)}
          />
        ))}
      </ul>
      {conversations && conversations.length > 0 && shown.length === 0 && <p className="chats-none">Nobody by that name.</p>}
    </>
  );
}

/** The arrows, Home and End move the focus from chat to chat; at the ends it stays. */
function moveFocus(event: KeyboardEvent, list: HTMLUListElement | null): void {
  const links = [...(list?.querySelectorAll<HTMLElement>('a.chat-row') ?? [])];
  const at = links.indexOf(document.activeElement as HTMLElement);
  const to = { ArrowDown: Math.min(at + 1, links.length - 1), ArrowUp: Math.max(at - 1, 0), Home: 0, End: links.length - 1 }[
    event.key
  ];
  if (to === undefined) return;
  event.preventDefault();
  links[to]?.focus();
}

function Unread({ failure }: { failure: string }) {
  const client = useClient();
  return (
    <Empty
      icon="warning"
      title="The chats cannot be read just now"
      action={<TryAgain onClick={() => void refreshConversations(client)} />}
    >
      {failure}
    </Empty>
  );
}
