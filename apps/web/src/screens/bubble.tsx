import type { Conversation, MessageView, Person } from '@rialto/client';
import { useState } from 'react';
import { IconButton } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { notify, useSession } from '../session/state.ts';
import { clockTime, duration } from '../session/time.ts';
import { callLine, nameOf, sayCode, sayError, UNDECRYPTABLE_WORDS } from '../session/words.ts';
import { PaymentCard } from './payment-card.tsx';

const EMOJI = ['👍', '❤️', '😂', '😮', '😢', '🎉'] as const;
const STATE_WORDS = { sending: 'Sending', sent: 'Sent', delivered: 'Delivered', read: 'Read', failed: 'Not sent' } as const;

interface BubbleProps {
  conversation: Conversation | null;
  message: MessageView;
  peer: Person;
  joinsBefore: boolean;
  joinsAfter: boolean;
  onReply: (message: MessageView) => void;
}

export function Bubble({ conversation, message, peer, joinsBefore, joinsAfter, onReply }: BubbleProps) {
  const [isChoosing, setChoosing] = useState(false);
  const canAct =
    conversation !== null && message.state !== 'failed' && message.state !== 'sending' && message.body.type !== 'undecryptable';
  const react = (emoji: string | null) => {
    setChoosing(false);
    conversation?.react(message.id, emoji).catch((thrown: unknown) => notify(sayError(thrown)));
  };
  return (
    <article aria-label={`${message.isMine ? 'You' : nameOf(peer)}, ${clockTime(message.sentAt)}`}>
      <div className={`bubble-row${message.isMine ? ' bubble-row-mine' : ''}`}>
        {message.body.type === 'payment' ? (
          <PaymentCard body={message.body} isMine={message.isMine} peer={peer} quote={<Quote message={message} />}>
            <Meta message={message} onReact={react} />
          </PaymentCard>
        ) : (
          <TextBubble message={message} peer={peer} joinsBefore={joinsBefore} joinsAfter={joinsAfter} onReact={react} />
        )}
        {canAct && (
          <span className="bubble-actions">
            {isChoosing ? (
              <span
                className="emoji-bar"
                role="group"
                aria-label="Reactions"
                onKeyDown={(event) => event.key === 'Escape' && setChoosing(false)}
              >
                {EMOJI.map((emoji) => (
                  <button key={emoji} type="button" aria-label={`React with ${emoji}`} onClick={() => react(emoji)}>
                    {emoji}
                  </button>
                ))}
              </span>
            ) : (
              <>
                <IconButton icon="smile" label="React" onClick={() => setChoosing(true)} />
                <IconButton icon="reply" label="Reply" onClick={() => onReply(message)} />
              </>
            )}
          </span>
        )}
      </div>
      {message.state === 'failed' && conversation && <Failed conversation={conversation} message={message} />}
    </article>
  );
}

type TextBubbleProps = Omit<BubbleProps, 'conversation' | 'onReply'> & { onReact: (emoji: string | null) => void };
function TextBubble({ message, peer, joinsBefore, joinsAfter, onReact }: TextBubbleProps) {
  const { isMine, body, reactions } = message;
  const isMuted = body.type === 'undecryptable' || body.type === 'unsupported';
  const look = [
    'bubble',
    isMine ? 'bubble-mine' : 'bubble-theirs',
    joinsBefore && 'bubble-joins-before',
    joinsAfter && 'bubble-joins-after',
  ];
  if (isMuted) look.push('bubble-muted');
  if (reactions.length > 0) look.push('bubble-has-reactions');
  return (
    <div className={look.filter(Boolean).join(' ')}>
      <Quote message={message} />
      <Content message={message} peer={peer} />
      <Meta message={message} onReact={onReact} />
    </div>
  );
}

function Quote({ message: { replyTo } }: { message: MessageView }) {
  return replyTo && <span className="bubble-quote">{replyTo.excerpt}</span>;
}

/** When it was written, how far it came, and what people think of it. */
function Meta({ message, onReact }: { message: MessageView; onReact: (emoji: string | null) => void }) {
  const { isMine, sentAt, state, reactions } = message;
  return (
    <>
      <span className="bubble-meta">
        <time dateTime={sentAt}>{clockTime(sentAt)}</time>
        {isMine && <StateMark state={state} />}
      </span>
      {reactions.length > 0 && <Reactions reactions={reactions} onReact={onReact} />}
    </>
  );
}

function Content({ message: { body }, peer }: { message: MessageView; peer: Person }) {
  switch (body.type) {
    case 'text':
      return <span className="bubble-text">{body.text}</span>;
    case 'call':
      return (
        <span className="bubble-text">
          {callLine(body.outcome, body.media)}
          {body.durationMs > 0 ? ` · ${duration(body.durationMs)}` : ''}
        </span>
      );
    case 'undecryptable':
      return (
        <span className="bubble-text">
          This message cannot be opened. {UNDECRYPTABLE_WORDS[body.reason]}{' '}
          {body.willRepair ? 'Rialto is repairing the conversation.' : `Ask ${nameOf(peer)} to send it again.`}
        </span>
      );
    case 'unsupported':
    case 'payment': // has a card of its own
    case 'system': // stands between the bubbles
      return <span className="bubble-text">A message of a kind that this version does not know. Reload to update.</span>;
  }
}

function StateMark({ state }: { state: MessageView['state'] }) {
  const icon = { sending: 'clock', sent: 'check', delivered: 'checks', read: 'checks', failed: 'warning' } as const;
  return (
    <>
      <Icon name={icon[state]} size={16} />
      <span className="visually-hidden">{STATE_WORDS[state]}</span>
    </>
  );
}

function Reactions({ reactions, onReact }: { reactions: MessageView['reactions']; onReact: (emoji: string | null) => void }) {
  const me = useSession((session) => session.account?.accountId);
  return (
    <span className="bubble-reactions">
      {reactions.map(({ emoji, by }) => {
        const isMine = by.some((account) => account === me);
        return (
          <button
            key={emoji}
            type="button"
            aria-pressed={isMine}
            aria-label={`${emoji}, ${by.length}${isMine ? ', you: take back' : ''}`}
            onClick={() => onReact(isMine ? null : emoji)}
          >
            {emoji} {by.length}
          </button>
        );
      })}
    </span>
  );
}

function Failed({ conversation, message }: { conversation: Conversation; message: MessageView }) {
  const retry = () => void conversation.retry(message.id).catch((thrown: unknown) => notify(sayError(thrown)));
  return (
    <p className="bubble-failed" role="alert">
      <span>Not sent. {sayCode(message.error)}</span>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </p>
  );
}
