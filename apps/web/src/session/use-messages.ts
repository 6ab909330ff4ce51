import type { Conversation, MessageView } from '@rialto/client';
import type { ConversationId } from '@rialto/contracts';
import { useCallback, useEffect, useRef, useState } from 'react';
import { merge } from './merge-messages.ts';
import { notify, useClient } from './state.ts';
import { sayError } from './words.ts';

const PAGE = 60;

export interface MessageList {
  readonly conversation: Conversation | null;
  /** In reading order; null until the first page was read. */
  readonly messages: readonly MessageView[] | null;
  readonly hasOlder: boolean;
  /** Why the first page could not be read, as a sentence. */
  readonly failure: string | null;
  retry(): void;
  loadOlder(): void;
}

/** The newest page of a conversation and everything that changes in it, with older pages on demand. */
export function useMessages(conversationId: ConversationId): MessageList {
  const client = useClient();
  const [conversation, setConversation] = useState<Conversation | null>(null);
  const [messages, setMessages] = useState<readonly MessageView[] | null>(null);
  const [hasOlder, setHasOlder] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const [attempt, setAttempt] = useState(0);
  const isLoading = useRef(false);

  useEffect(() => {
    let isCurrent = true;
    setConversation(null);
    setMessages(null);
    setFailure(null);
    const early: MessageView[] = []; // what changes while the first page is read
    const stop = client.on('message.changed', (change) => {
      if (change.conversationId !== conversationId) return;
      early.push(change.message);
      setMessages((now) => now && merge(now, [change.message]));
    });
    void (async () => {
      const opened = await client.conversations.get(conversationId);
      const page = await opened.page({ limit: PAGE });
      if (!isCurrent) return;
      setConversation(opened);
      setHasOlder(page.length === PAGE);
      setMessages(merge(page, early));
    })().catch((thrown: unknown) => isCurrent && setFailure(sayError(thrown)));
    return () => {
      isCurrent = false;
      stop();
    };
  }, [client, conversationId, attempt]);

  const oldest = messages?.[0]?.order;
  const loadOlder = useCallback(() => {
    if (!conversation || oldest === undefined || isLoading.current) return;
    isLoading.current = true;
    conversation
      .page({ before: oldest, limit: PAGE })
      .then((page) => {
        setHasOlder(page.length === PAGE);
        setMessages((now) => now && merge(page, now));
      })
      .catch((thrown: unknown) => notify(sayError(thrown)))
      .finally(() => {
        isLoading.current = false;
      });
  }, [conversation, oldest]);

  const retry = useCallback(() => setAttempt((now) => now + 1), []);
  return { conversation, messages, hasOlder, failure, retry, loadOlder };
}
