import type { Conversation, MessageView, Person } from '@rialto/client';
import { Fragment, useEffect, useRef } from 'react';
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
  onOlder: () => void;
  onReply: (message: MessageView) => void;
}

/** The thread. Only what is near the view is in the document; the oldest page asks for the one before it. */
export function MessageLog({ conversation, peer, messages, hasOlder, onOlder, onReply }: LogProps) {
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
  }, [last?.id, last, messages.length]);

  if (messages.length === 0) {
    return (
      <div className="log-start">
        <Note>{SYSTEM_WORDS['conversation-opened']}</Note>
        <p>Say something to {nameOf(peer)}.</p>
      </div>
    );
  }
  return (
    <div className="log" role="log" aria-label={`Messages with ${nameOf(peer)}`} tabIndex={0}>
      <div ref={scroller} className="log-scroll">
        <div className="log-spacer" />
        <Virtualizer
          ref={list}
          scrollRef={scroller}
          shift={isPrepend}
          onScroll={(offset) => {
            const handle = list.current;
            if (!handle) return;
            isNearEnd.current = handle.scrollSize - handle.viewportSize - offset < NEAR_END_PX;
            if (offset < NEAR_END_PX && hasOlder) onOlder();
          }}
        >
          <div className="log-top">
            {hasOlder ? (
              <span className="spinner" role="status" aria-label="Loading older messages" />
            ) : (
              <Note>{SYSTEM_WORDS['conversation-opened']}</Note>
            )}
          </div>
          {messages.map((message, index) => {
            const [before, after] = [messages[index - 1], messages[index + 1]];
            const isNewDay = !before || dayName(before.sentAt) !== dayName(message.sentAt);
            return (
              <Fragment key={message.id}>
                <div className={`log-row${isNewDay || !isOneRun(before, message) ? ' log-row-first' : ''}`}>
                  {isNewDay && <p className="log-day">{dayName(message.sentAt)}</p>}
                  {message.gapBefore ? (
                    <Note>
                      {message.gapBefore} {message.gapBefore === 1 ? 'message is' : 'messages are'} missing here.
                    </Note>
                  ) : null}
                  {message.body.type === 'system' ? (
                    <Note>{SYSTEM_WORDS[message.body.text]}</Note>
                  ) : (
                    <Bubble
                      conversation={conversation}
                      message={message}
                      peer={peer}
                      joinsBefore={!isNewDay && isOneRun(before, message)}
                      joinsAfter={isOneRun(message, after)}
                      onReply={onReply}
                    />
                  )}
                </div>
              </Fragment>
            );
          })}
        </Virtualizer>
      </div>
    </div>
  );
}

function Note({ children }: { children: React.ReactNode }) {
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
