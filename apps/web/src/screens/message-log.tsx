import type { Conversation, MessageView, Person } from '@rialto/client';
import { type ReactNode, useEffect, useRef } from 'react';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import { Icon } from '../parts/icon.tsx';
import { dayName } from '../session/time.ts';
import { nameOf, SYSTEM_WORDS } from '../session/words.ts';
import { Bubble } from './bubble.tsx';
import './message-log.css';

const RUN_MS = 5 * 60_000;
/** Closer to the end than this, new messages keep the end in view. */
const NEAR_END_PX = 120;

interface LogProps {
  conversation: Conversation | null;
  peer: Person;
  messages: readonly MessageView[];
  hasOlder: boolean;
  canWrite: boolean;
  onOlder: () => void;
  onReply: (message: MessageView) => void;
}

/** The thread. Only what is near the view is in the document; the oldest page asks for the one before it. */
export function MessageLog({ messages, hasOlder, canWrite, onOlder, ...row }: LogProps) {
  const { scroller, list, isPrepend, onScroll } = useScrolling(messages, hasOlder, onOlder);
  const name = nameOf(row.peer);
  if (messages.length === 0) {
    return (
      <div className="log-start">
        <Note>{SYSTEM_WORDS['conversation-opened']}</Note>
        {canWrite && <p>Say something to {name}.</p>}
      </div>
    );
  }
  return (
    <div className="log" role="log" aria-label={`Messages with ${name}`} tabIndex={0}>
      <div ref={scroller} className="log-scroll">
        <div className="log-spacer" />
        <Virtualizer ref={list} scrollRef={scroller} shift={isPrepend} onScroll={onScroll}>
          <div className="log-top">
            {hasOlder ? (
              <span className="spinner" role="status" aria-label="Loading older messages" />
            ) : (
              <Note>{SYSTEM_WORDS['conversation-opened']}</Note>
            )}
          </div>
          {messages.map((message, index) => (
            <LogRow key={message.id} message={message} before={messages[index - 1]} after={messages[index + 1]} {...row} />
          ))}
        </Virtualizer>
      </div>
    </div>
  );
}

/** Keeps the end in view for who reads there, and the place of who reads earlier when older messages come in above. */
function useScrolling(messages: readonly MessageView[], hasOlder: boolean, onOlder: () => void) {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const isNearEnd = useRef(true);
  const oldest = useRef(messages[0]?.id);
  const isPrepend = oldest.current !== messages[0]?.id;
  useEffect(() => {
    oldest.current = messages[0]?.id;
  }, [messages]);
  const last = messages.at(-1);
  useEffect(() => {
    if (last && (isNearEnd.current || last.isMine)) list.current?.scrollToIndex(messages.length, { align: 'end' });
  }, [last, messages.length]);
  const onScroll = (offset: number) => {
    const handle = list.current;
    if (!handle) return;
    isNearEnd.current = handle.scrollSize - handle.viewportSize - offset < NEAR_END_PX;
    if (offset < NEAR_END_PX && hasOlder) onOlder();
  };
  return { scroller, list, isPrepend, onScroll };
}

interface RowProps extends Omit<LogProps, 'messages' | 'hasOlder' | 'canWrite' | 'onOlder'> {
  message: MessageView;
  before: MessageView | undefined;
  after: MessageView | undefined;
}
function LogRow({ message, before, after, ...bubble }: RowProps) {
  const isNewDay = !before || dayName(before.sentAt) !== dayName(message.sentAt);
  const joinsBefore = !isNewDay && isOneRun(before, message);
  const gap = message.gapBefore ?? 0;
  return (
    <div className={`log-row${joinsBefore ? '' : ' log-row-first'}`}>
      {isNewDay && <p className="log-day">{dayName(message.sentAt)}</p>}
      {gap > 0 && <Note>{gap === 1 ? 'A message is missing here.' : `${gap} messages are missing here.`}</Note>}
      {message.body.type === 'system' ? (
        <Note>{SYSTEM_WORDS[message.body.text]}</Note>
      ) : (
        <Bubble message={message} joinsBefore={joinsBefore} joinsAfter={isOneRun(message, after)} {...bubble} />
      )}
    </div>
  );
}

function Note({ children }: { children: ReactNode }) {
  return (
    <p className="log-note">
      <Icon name="shield" size={15} />
      <span>{children}</span>
    </p>
  );
}

/** A run: one sender, close in time. */
function isOneRun(first: MessageView | undefined, second: MessageView | undefined): boolean {
  if (!first || !second || first.sender !== second.sender) return false;
  if (first.body.type === 'system' || second.body.type === 'system') return false;
  return Math.abs(Date.parse(second.sentAt) - Date.parse(first.sentAt)) < RUN_MS;
}
