import type { AccountId, ConversationId } from '@rialto/contracts';
import { EMPTY_LOG_HASH, toBase64url } from '@rialto/crypto';
import type { Standing } from '../views.ts';

/**
 * Where this device stands in a conversation.
 * `opening`: ours, not confirmed by the server yet. `refused`: ours, and the server will not have it; what was written into it is kept, and
 * writing or trying again opens it anew. `waiting`: no welcome yet. `joined`. `broken`: cannot read, may come back by its pin.
 * `lost`: cannot come back without a member's help. `removed`: was taken out.
 */
export type Membership = 'opening' | 'refused' | 'waiting' | 'joined' | 'broken' | 'lost' | 'removed';

/** Everything of a conversation but its messages and its group, under `conversation/<id>`. */
export interface ConversationRecord {
  readonly id: ConversationId;
  readonly peer: AccountId;
  readonly standing: Standing;
  readonly membership: Membership;
  readonly createdByMe: boolean;
  /** ISO time. */
  readonly activeAt: string;
  /** The last row of the log that was durably processed here. */
  readonly cursor: number;
  /** The last row that the server knows to be processed here. */
  readonly acknowledged: number;
  /** Rows up to this one were sealed before this device was in the group: they are counted into the hash and not opened. */
  readonly joinedAt: number;
  /** Running hash of the log up to `cursor`, or null when its beginning was never seen here. */
  readonly logHash: string | null;
  readonly nextOrder: number;
  /** The number of this device's next message. */
  readonly nextN: number;
  /** The last `n` of each other device. */
  readonly lastN: Readonly<Record<string, number>>;
  readonly unread: number;
  readonly lastVisible: number | null;
  readonly pin: string | null;
  readonly needsSelfUpdate: boolean;
  /** Messages that did not open since the last row that did. */
  readonly unreadableInARow?: number;
  readonly rejoins: { readonly day: string; readonly count: number };
  /** ISO time since when this device has waited for a welcome. */
  readonly waitingSince: string | null;
  /** Messages whose receipt is still to be sent. */
  readonly receiptsDue: { readonly delivered: readonly string[]; readonly read: readonly string[] };
}

export const newConversation = (
  about: Pick<ConversationRecord, 'id' | 'peer' | 'standing' | 'membership' | 'createdByMe' | 'activeAt'>,
): ConversationRecord => ({
  ...about,
  cursor: 0,
  acknowledged: 0,
  joinedAt: 0,
  logHash: toBase64url(EMPTY_LOG_HASH),
  nextOrder: 1,
  nextN: 0,
  lastN: {},
  unread: 0,
  lastVisible: null,
  pin: null,
  needsSelfUpdate: false,
  rejoins: { day: '', count: 0 },
  waitingSince: null,
  receiptsDue: { delivered: [], read: [] },
});

export const MAX_REJOINS_PER_DAY = 3;
