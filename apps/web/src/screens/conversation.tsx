import type { Conversation, ConversationSummary, MessageView } from '@rialto/client';
import type { ConversationId } from '@rialto/contracts';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { Avatar } from '../parts/avatar.tsx';
import { IconButton, TryAgain } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, SkeletonRows } from '../parts/placeholder.tsx';
import { notifyFailure } from '../session/failure.ts';
import { showCall } from '../session/session.ts';
import { notify, useClient, useSession } from '../session/state.ts';
import { useMessages } from '../session/use-messages.ts';
import { nameOf, sayError } from '../session/words.ts';
import { Composer } from './composer.tsx';
import './conversation.css';
import { MessageLog } from './message-log.tsx';
import { RequestBar } from './request-bar.tsx';

const PaySheet = lazy(() => import('./pay.tsx'));

export function ConversationScreen({ conversationId }: { conversationId: ConversationId }) {
  const summary = useSession((session) => session.conversations?.find(({ id }) => id === conversationId));
  const isKnown = useSession((session) => session.conversations !== null);
  const { conversation, messages, hasOlder, failure, retry, loadOlder } = useMessages(conversationId);
  const [replyTo, setReplyTo] = useState<MessageView | null>(null);
  const [search, setSearch] = useSearchParams();
  const isPaying = search.has('pay');
  const setPaying = (is: boolean) => setSearch(is ? { pay: '' } : {}, { replace: true });
  useMarkRead(conversation, messages);

  // The list is read a moment after a chat was opened here; then the chat itself is there already.
  if (!summary) return <NotListed isMissing={isKnown && !conversation && failure !== null} />;
  const isRequest = summary.needs === 'acceptance';
  return (
    <div className="conversation">
      <Head summary={summary} />
      {summary.peer.alarm && <KeysAlarm summary={summary} />}
      {isRequest ? (
        <Empty icon="chats" title={`${nameOf(summary.peer)} wants to write to you`}>
          Nothing of it was opened yet. If you accept, they can write, call and see when their messages arrive.
        </Empty>
      ) : failure ? (
        <Empty icon="warning" title="The messages cannot be read just now" action={<TryAgain onClick={retry} />}>
          {failure}
        </Empty>
      ) : messages ? (
        <MessageLog
          conversation={conversation}
          peer={summary.peer}
          messages={messages}
          hasOlder={hasOlder}
          canWrite={summary.needs === undefined && summary.standing === 'accepted'}
          onOlder={loadOlder}
          onReply={setReplyTo}
        />
      ) : (
        <div className="conversation-loading">
          <SkeletonRows rows={3} />
        </div>
      )}
      <Foot
        summary={summary}
        conversation={conversation}
        replyTo={replyTo}
        onReplyEnd={() => setReplyTo(null)}
        onPay={() => setPaying(true)}
      />
      <Suspense>
        {isPaying && conversation && (
          <PaySheet conversation={conversation} peer={summary.peer} onClose={() => setPaying(false)} />
        )}
      </Suspense>
    </div>
  );
}

/** A chat that is not in the list, or not yet. On a phone the way back is here and nowhere else. */
function NotListed({ isMissing }: { isMissing: boolean }) {
  return (
    <div className="conversation">
      <header className="conversation-head">
        <Link href="/" className="conversation-back" aria-label="Back to chats">
          <Icon name="back" />
        </Link>
      </header>
      {isMissing ? (
        <Empty icon="chats" title="There is no such chat here">
          It may belong to another device or account.
        </Empty>
      ) : (
        <SkeletonRows />
      )}
    </div>
  );
}

interface FootProps {
  summary: ConversationSummary;
  conversation: Conversation | null;
  replyTo: MessageView | null;
  onReplyEnd: () => void;
  onPay: () => void;
}
/** The composer, or what must be decided or awaited before there is one. */
function Foot({ summary, conversation, ...composer }: FootProps) {
  if (summary.needs === 'acceptance' || summary.standing === 'blocked') return <RequestBar summary={summary} />;
  if (summary.needs === 'repair') {
    return (
      <p className="conversation-repair">
        This device lost its place in the conversation. As soon as {nameOf(summary.peer)} or another device of yours is online, it
        is added again.
      </p>
    );
  }
  return conversation && <Composer key={summary.id} conversation={conversation} peer={summary.peer} {...composer} />;
}

function Head({ summary }: { summary: ConversationSummary }) {
  const { peer } = summary;
  const client = useClient();
  const canCall = summary.needs === undefined && summary.standing === 'accepted';
  const call = async (media: 'audio' | 'video') => {
    try {
      showCall(await client.calls.start(summary.id, { media }));
    } catch (thrown) {
      notifyFailure(thrown, () => void call(media));
    }
  };
  return (
    <header className="conversation-head">
      <Link href="/" className="conversation-back" aria-label="Back to chats">
        <Icon name="back" />
      </Link>
      <Avatar id={peer.accountId} name={nameOf(peer)} />
      <Link href={`/u/${peer.accountId}/safety`} className="conversation-who" title="Safety number">
        <h1>
          <span>{nameOf(peer)}</span>
          {peer.isVerified && <Icon name="shield" size={15} />}
        </h1>
        <small>
          @{peer.handle}
          {peer.isVerified ? ' · verified' : ''}
        </small>
      </Link>
      <IconButton icon="phone" label={`Call ${nameOf(peer)}`} disabled={!canCall} onClick={() => void call('audio')} />
      <IconButton icon="video" label={`Video call ${nameOf(peer)}`} disabled={!canCall} onClick={() => void call('video')} />
      <Menu summary={summary} />
    </header>
  );
}

function Menu({ summary: { peer, standing } }: { summary: ConversationSummary }) {
  const client = useClient();
  const block = () =>
    void client.conversations[standing === 'blocked' ? 'unblock' : 'block'](peer.accountId).catch((thrown: unknown) =>
      notify(sayError(thrown)),
    );
  return (
    <details
      className="menu"
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) event.currentTarget.open = false;
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !event.currentTarget.open) return;
        event.preventDefault();
        event.currentTarget.open = false;
        event.currentTarget.querySelector('summary')?.focus();
      }}
    >
      <summary className="icon-button" aria-label="More" title="More">
        <Icon name="more" />
      </summary>
      <div className="menu-items">
        <Link href={`/u/${peer.accountId}/safety`}>
          <Icon name="shield" /> Safety number
        </Link>
        <button type="button" onClick={block}>
          <Icon name="close" /> {standing === 'blocked' ? 'Unblock' : 'Block'} {nameOf(peer)}
        </button>
      </div>
    </details>
  );
}

function KeysAlarm({ summary: { peer } }: { summary: ConversationSummary }) {
  return (
    <p className="conversation-alarm" role="alert">
      <Icon name="warning" />
      <span>
        {nameOf(peer)}’s keys changed in a way that should not happen.{' '}
        <Link href={`/u/${peer.accountId}/safety`}>Compare the safety number</Link> before you write.
      </span>
    </p>
  );
}

/** What is on the screen of a visible window was read. */
function useMarkRead(
  conversation: { markRead(id: string): Promise<void> } | null,
  messages: readonly MessageView[] | null,
): void {
  const newest = messages?.findLast((message) => !message.isMine)?.id;
  useEffect(() => {
    if (!conversation || !newest) return;
    const mark = () => {
      if (document.visibilityState === 'visible')
        conversation.markRead(newest).catch((thrown: unknown) => notify(sayError(thrown)));
    };
    mark();
    document.addEventListener('visibilitychange', mark);
    return () => document.removeEventListener('visibilitychange', mark);
  }, [conversation, newest]);
}
