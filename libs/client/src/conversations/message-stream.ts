import type { ConversationId } from '@rialto/contracts';
import type { Emitter } from '../events.ts';
import type { MessageView } from '../views.ts';

/** Changes that a reader may be behind. A slower one loses the oldest: the list of the conversation has them. */
const MAX_BEHIND = 1_000;

/** New and changed messages from the moment of asking, until the loop is left or `closed`. */
export function messageStream(events: Emitter, id: ConversationId, closed: AbortSignal): AsyncIterable<MessageView> {
  const waiting: MessageView[] = [];
  let wake = () => {};
  const off = events.on('message.changed', ({ conversationId, message }) => {
    if (conversationId !== id) return;
    waiting.push(message);
    if (waiting.length > MAX_BEHIND) waiting.shift();
    wake();
  });
  closed.addEventListener('abort', () => wake(), { once: true });
  const next = async (): Promise<IteratorResult<MessageView, undefined>> => {
    while (!closed.aborted) {
      const value = waiting.shift();
      if (value) return { done: false, value };
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    off();
    return { done: true, value: undefined };
  };
  const end = async (): Promise<IteratorResult<MessageView, undefined>> => {
    off();
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}
