import type { Conversation, MessageView, Person } from '@rialto/client';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { IconButton } from '../parts/button.tsx';
import { notify } from '../session/state.ts';
import { nameOf, sayError } from '../session/words.ts';
import './composer.css';

const MAX_CHARS = 8_000;

interface ComposerProps {
  conversation: Conversation;
  peer: Person;
  replyTo: MessageView | null;
  onReplyEnd: () => void;
  onPay: () => void;
}

/** Enter sends, Shift+Enter begins a line, Escape gives up a reply. A draft lives as long as the tab. */
export function Composer({ conversation, peer, replyTo, onReplyEnd, onPay }: ComposerProps) {
  const draftKey = `rialto.draft.${conversation.id}`;
  const [text, setText] = useState(() => drafts.get(draftKey) ?? '');
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    drafts.set(draftKey, text);
    const element = area.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [draftKey, text]);
  useEffect(() => area.current?.focus(), [replyTo]);

  const send = async () => {
    const content = text.trim();
    if (content === '') return;
    setText('');
    onReplyEnd();
    try {
      await conversation.send({ text: content, ...(replyTo ? { replyTo: replyTo.id } : {}) });
    } catch (thrown) {
      setText((now) => now || content);
      notify(sayError(thrown));
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      void send();
    } else if (event.key === 'Escape' && replyTo) onReplyEnd();
  };
  return (
    <div className="composer">
      {replyTo && (
        <div className="composer-reply">
          <span className="bubble-quote">
            {replyTo.body.type === 'text' ? replyTo.body.text : replyTo.body.type === 'payment' ? 'A payment' : 'A call'}
          </span>
          <IconButton icon="close" label="Do not reply" onClick={onReplyEnd} />
        </div>
      )}
      <div className="composer-row">
        <IconButton icon="money" label={`Send money to ${nameOf(peer)}`} onClick={onPay} />
        <textarea
          ref={area}
          rows={1}
          value={text}
          maxLength={MAX_CHARS}
          placeholder={`Message ${nameOf(peer)}`}
          aria-label={`Message ${nameOf(peer)}`}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <IconButton icon="send" label="Send" look="filled" disabled={text.trim() === ''} onClick={() => void send()} />
      </div>
    </div>
  );
}

/** In memory only: a draft is plaintext and does not belong in the browser's open storage. */
const drafts = new Map<string, string>();
