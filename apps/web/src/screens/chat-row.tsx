import type { ConversationSummary, MessageView } from '@rialto/client';
import { Link } from 'wouter';
import { Avatar } from '../parts/avatar.tsx';
import { Icon } from '../parts/icon.tsx';
import { sayAmount } from '../session/money.ts';
import { useSession } from '../session/state.ts';
import { listTime } from '../session/time.ts';
import { nameOf, previewOf } from '../session/words.ts';

interface ChatRowProps {
  conversation: ConversationSummary;
  isSelected: boolean;
  /** Among all chats one is a stop of the Tab key; the arrows move from there. */
  isStop: boolean;
  onFocus: () => void;
}
export function ChatRow({ conversation, isSelected, isStop, onFocus }: ChatRowProps) {
  const { id, peer, lastMessage, unread, needs, pendingSends, activeAt } = conversation;
  return (
    <li>
      <Link
        href={`/c/${id}`}
        className="chat-row"
        aria-current={isSelected ? 'true' : undefined}
        tabIndex={isStop ? 0 : -1}
        onFocus={onFocus}
      >
        <Avatar id={peer.accountId} name={nameOf(peer)} />
        <span className="chat-row-text">
          <span className="chat-row-name">
            <span>{nameOf(peer)}</span>
            {peer.isVerified && <Icon name="shield" size={15} />}
            {peer.isVerified && <span className="visually-hidden">verified</span>}
          </span>
          <span className="chat-row-preview">
            {needs === 'acceptance' ? (
              'Wants to write to you'
            ) : lastMessage ? (
              <Preview message={lastMessage} />
            ) : (
              'No messages yet'
            )}
          </span>
        </span>
        <span className="chat-row-side">
          <time dateTime={activeAt}>{listTime(lastMessage?.sentAt ?? activeAt)}</time>
          {needs === 'acceptance' ? (
            <span className="badge">new</span>
          ) : pendingSends > 0 ? (
            <span className="chat-row-waiting" title="Waits to be sent">
              <Icon name="clock" size={16} />
              <span className="visually-hidden">{pendingSends} waiting to be sent</span>
            </span>
          ) : unread > 0 ? (
            <span className="badge">
              {unread}
              <span className="visually-hidden"> unread</span>
            </span>
          ) : null}
        </span>
      </Link>
    </li>
  );
}

function Preview({ message }: { message: MessageView }) {
  const balances = useSession((session) => session.balances);
  const text = previewOf(message.body, message.isMine, ({ amountMinor, currency }) => sayAmount(amountMinor, currency, balances));
  return message.state === 'failed' ? <span className="chat-row-failed">Not sent: {text}</span> : text;
}
