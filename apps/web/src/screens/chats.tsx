import type { ConversationId } from '@rialto/contracts';
import { lazy, Suspense, useState } from 'react';
import { Button, IconButton, TryAgain } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, SkeletonRows } from '../parts/placeholder.tsx';
import { refreshConversations } from '../session/session.ts';
import { useClient, useSession } from '../session/state.ts';
import { nameOf } from '../session/words.ts';
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
          <Empty icon="chats" title="Choose a chat">
            Or begin one with somebody’s handle.
          </Empty>
        )}
      </div>
      <Suspense>{isNewOpen && <NewChatSheet onClose={() => setNewOpen(false)} />}</Suspense>
    </main>
  );
}

function ChatList({ selected, onNew }: { selected: string | null; onNew: () => void }) {
  const conversations = useSession((session) => session.conversations);
  const failure = useSession((session) => session.conversationsFailure);
  const [query, setQuery] = useState('');
  const wanted = query.trim().toLowerCase().replace(/^@/, '');
  const shown = (conversations ?? []).filter(
    ({ peer }) => nameOf(peer).toLowerCase().includes(wanted) || (peer.handle ?? '').includes(wanted),
  );
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
          />
        </div>
      )}
      {conversations === null && (failure === null ? <SkeletonRows /> : <Unread failure={failure} />)}
      {conversations?.length === 0 && (
        <Empty icon="chats" title="No chats yet" action={<Button onClick={onNew}>New chat</Button>}>
          Write to anybody here by their handle.
        </Empty>
      )}
      <ul className="chats-rows">
        {shown.map((conversation) => (
          <ChatRow key={conversation.id} conversation={conversation} isSelected={conversation.id === selected} />
        ))}
      </ul>
      {conversations && conversations.length > 0 && shown.length === 0 && <p className="chats-none">Nobody by that name.</p>}
    </>
  );
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
