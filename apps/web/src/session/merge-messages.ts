import type { MessageView } from '@rialto/client';

/** Later versions of a message replace earlier ones. */
export function merge(known: readonly MessageView[], changed: readonly MessageView[]): readonly MessageView[] {
  const byId = new Map(known.map((message) => [message.id, message]));
  for (const message of changed) byId.set(message.id, message);
  return [...byId.values()].sort((a, b) => a.order - b.order);
}
