import type { ConversationId } from '@rialto/contracts';
import type { Emitter } from '../events.ts';
import type { MessageView } from '../views.ts';

/** Changes that a reader may be behind. A slower one loses the oldest: the list of the conversation has them. */
const MAX_BEHIND = 1_000;

/** New and changed messages from the moment of asking, until the loop is left or `closed`. */
export async function* messageStream(
  events: Emitter,
  id: ConversationId,
  closed: AbortSignal,
): AsyncGenerator<MessageView, void> {
  const waiting: MessageView[] = [];
  let wake = () => {};
  const off = events.on('message.changed', ({ conversationId, message }) => {
    if (conversationId !== id) return;
    waiting.push(message);
    if (waiting.length > MAX_BEHIND) waiting.shift();
    wake();
  });
  const end = () => wake();
  closed.addEventListener('abort', end, { once: true });
  try {
    while (!closed.aborted) {
      const next = waiting.shift();
      if (next) yield next;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    off();
    closed.removeEventListener('abort', end);
  }
}
