import type { AccountId, ClientMessageId, ConversationId } from '@rialto/contracts';
import { fromBase64url, hash, sameBytes, toBase64url } from '@rialto/crypto';
import { Rows, sortable } from '../rows.ts';
import type { Change, Store } from '../store.ts';
import type { WireBody } from './envelope.ts';

/**
 * The intent to send one message. `planned`: known here, not sealed. `published`: sealed and stored, the same bytes go out until
 * there is an answer. `committed`: the server has it at `seq`. Counted into this device's log, it is deleted.
 */
export interface OutgoingMessage {
  readonly conversationId: ConversationId;
  readonly id: ClientMessageId;
  readonly position: number;
  readonly body: WireBody;
  readonly isVisible: boolean;
  readonly state: 'planned' | 'published' | 'committed' | 'failed';
  readonly n?: number;
  readonly epoch?: number;
  readonly bytes?: string;
  /** Hashes of what was sealed of it before, newest last: an attempt whose answer was lost may be the one that the server has stored. */
  readonly earlier?: readonly string[];
  readonly seq?: number;
}
/** Sealing anew is bounded within one attempt to send; this bounds what is remembered of many. */
const MAX_EARLIER = 20;

/** As it was before it was sealed, remembering that it was. */
export function unsealed({ epoch: _epoch, bytes, earlier = [], ...rest }: OutgoingMessage): OutgoingMessage {
  const all = bytes === undefined ? earlier : [...earlier, toBase64url(hash(fromBase64url(bytes)))].slice(-MAX_EARLIER);
  return { ...rest, state: 'planned', ...(all.length > 0 && { earlier: all }) };
}

/**
 * Whether these are bytes that this device has sealed for this message: the last ones, or those of an earlier attempt, unless the server has
 * said that it stored the last ones.
 */
export function wasSealedHere({ bytes, earlier = [], state, seq }: OutgoingMessage, stored: Uint8Array): boolean {
  if (bytes !== undefined && sameBytes(fromBase64url(bytes), stored)) return true;
  const isSettled = state === 'committed' && seq !== undefined;
  return !isSettled && earlier.includes(toBase64url(hash(stored)));
}

/** The intent to end an epoch, at most one a conversation at a time. */
export interface OutgoingCommit {
  readonly conversationId: ConversationId;
  readonly id: ClientMessageId;
  readonly what:
    | { readonly kind: 'open'; readonly peer: AccountId; readonly initialGroupInfo: string }
    | { readonly kind: 'update' }
    | { readonly kind: 'remove' }
    | { readonly kind: 'rejoin'; readonly group: { readonly state: string; readonly tree: string }; readonly pin: string };
  readonly state: 'planned' | 'published';
  readonly bundle?: {
    readonly epoch: number;
    readonly commit: string;
    readonly groupInfo: string;
    readonly welcome: string | null;
  };
}

/** The table of intents. */
export class Outgoing {
  readonly #messages: Rows<OutgoingMessage>;
  readonly #commits: Rows<OutgoingCommit>;

  constructor(store: Store) {
    this.#messages = new Rows(store, 'outgoing');
    this.#commits = new Rows(store, 'outgoing');
  }

  /** In the order in which they were written. */
  async messages(conversationId: ConversationId): Promise<OutgoingMessage[]> {
    return (await this.#messages.list({ prefix: `${conversationId}/message/` })).map(({ value }) => value);
  }
  async message(conversationId: ConversationId, id: string): Promise<OutgoingMessage | undefined> {
    return (await this.messages(conversationId)).find((message) => message.id === id);
  }
  /** The message that the server has stored at this place of the log. */
  async committedAt(conversationId: ConversationId, seq: number): Promise<OutgoingMessage | undefined> {
    return (await this.messages(conversationId)).find((message) => message.state === 'committed' && message.seq === seq);
  }
  put(message: OutgoingMessage): Change {
    return this.#messages.put(messageKey(message), message);
  }
  delete(message: OutgoingMessage): Change {
    return this.#messages.delete(messageKey(message));
  }

  commit(conversationId: ConversationId): Promise<OutgoingCommit | undefined> {
    return this.#commits.get(commitKey(conversationId));
  }
  putCommit(commit: OutgoingCommit): Change {
    return this.#commits.put(commitKey(commit.conversationId), commit);
  }
  deleteCommit(conversationId: ConversationId): Change {
    return this.#commits.delete(commitKey(conversationId));
  }

  /** Conversations in which something waits. */
  async conversations(): Promise<ConversationId[]> {
    const rows = await this.#messages.list();
    return [...new Set(rows.map(({ value }) => value.conversationId))];
  }
}

const messageKey = ({ conversationId, position }: OutgoingMessage) => `${conversationId}/message/${sortable(position)}`;
const commitKey = (conversationId: ConversationId) => `${conversationId}/commit`;
