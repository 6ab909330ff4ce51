import type { AccountId, ConversationId } from '@rialto/contracts';
import type { Call } from './calls/call.ts';
import type { ConnectionState, MessageView, Problem, TopUp } from './views.ts';

/** What the client tells without being asked. */
export interface ClientEvents {
  'connection.changed': { readonly state: ConnectionState };
  'account.changed': Record<string, never>;
  'person.changed': { readonly accountId: AccountId };
  /** The list of conversations, or one of its rows, is different now. */
  'conversations.changed': { readonly conversationId: ConversationId | null };
  /** A message is new or different: state, reactions, body. */
  'message.changed': { readonly conversationId: ConversationId; readonly message: MessageView };
  'wallet.changed': { readonly currency: string | null };
  'topUp.changed': TopUp;
  'call.incoming': Call;
  'call.changed': Call;
  problem: Problem;
}
export type EventName = keyof ClientEvents;

/** Typed events. A listener that throws does not disturb the others: its error surfaces as an uncaught one, as it would from a timer. */
export class Emitter<E extends object = ClientEvents> {
  #listeners = new Map<keyof E, Set<(payload: never) => void>>();

  /** Returns the function that ends the subscription. */
  on<N extends keyof E>(name: N, listener: (payload: E[N]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<N extends keyof E>(name: N, payload: E[N]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as (payload: E[N]) => void)(payload);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
