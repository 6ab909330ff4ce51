import {
  type AccountId,
  AppError,
  type ConversationId,
  type ConversationView,
  DEFAULT_PAGE,
  type Handlers,
  messaging,
} from '@rialto/contracts';
import type { Database, Push } from '@rialto/service';
import type { PoolClient } from 'pg';
import { decodeCursor, encodeCursor } from './domain/page-cursor.ts';
import type { Standing } from './domain/standing.ts';

type Operations = Handlers<typeof messaging>;

interface Row {
  conversation_id: ConversationId;
  kind: ConversationView['kind'];
  created_by: AccountId;
  epoch: string;
  last_seq: string;
  first_seq: string;
  created_at: Date;
  active_at: Date;
  members: { accountId: AccountId; standing: Standing }[];
  has_blocked: boolean;
  cursor: string;
}

/**
 * One conversation as its caller sees it. Whom the caller has blocked is the caller's to know; that others have blocked the caller is
 * nowhere in it: their standing stays what it was.
 */
const SELECT_VIEW = `select c.conversation_id, c.kind, c.created_by, c.epoch, c.last_seq, c.first_seq, c.created_at, c.active_at,
    (select json_agg(json_build_object('accountId', m.account_id, 'standing', m.standing) order by m.account_id)
      from member m where m.conversation_id = c.conversation_id) as members,
    c.is_blocked and exists (select from member m join block b on b.blocked_account_id = m.account_id and b.account_id = $1
      where m.conversation_id = c.conversation_id) as has_blocked,
    coalesce((select d.acknowledged from device_cursor d where d.conversation_id = c.conversation_id and d.device_id = $2 and d.account_id = $1), 0)
      as cursor
  from member own join conversation c using (conversation_id) where own.account_id = $1`;

/** Conversations as their members see them, and accepting what a stranger asked for. */
export class Conversations {
  readonly #database: Database;
  readonly #push: Push;
  constructor({ database, push }: { database: Database; push: Push }) {
    this.#database = database;
    this.#push = push;
  }

  get: Operations['getConversation'] = async ({ conversationId }, { accountId, deviceId }) => {
    const { rows } = await this.#database.pool.query<Row>(`${SELECT_VIEW} and c.conversation_id = $3`, [
      accountId,
      deviceId,
      conversationId,
    ]);
    if (rows[0] === undefined) throw new AppError('not-a-member');
    return viewOf(rows[0], accountId);
  };

  list: Operations['listConversations'] = async ({ cursor, limit = DEFAULT_PAGE }, { accountId, deviceId }) => {
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    if (cursor !== undefined && after === undefined) throw new AppError('invalid-input');
    const [activeAtMs, id] = after ?? [null, null];
    const { rows } = await this.#database.pool.query<Row>(
      `${SELECT_VIEW} and ($3::timestamptz is null or (c.active_at, c.conversation_id) < ($3, $4))
       order by c.active_at desc, c.conversation_id desc limit $5`,
      [accountId, deviceId, activeAtMs === null ? null : new Date(activeAtMs), id, limit],
    );
    const last = rows.length === limit ? rows.at(-1) : undefined;
    return {
      conversations: rows.map((row) => viewOf(row, accountId)),
      nextCursor: last === undefined ? null : encodeCursor([last.active_at.getTime(), last.conversation_id]),
    };
  };

  accept: Operations['acceptConversation'] = async ({ conversationId }, { accountId }) =>
    this.acceptAs(accountId, conversationId);

  /** Tells each member its own standing; those who asked learn by it that they may write. Repeating it changes and tells nothing. */
  async acceptAs(accountId: AccountId, conversationId: ConversationId): Promise<{ standing: Standing }> {
    const { standing, accountIds } = await this.#database.transaction((client) => accept(client, conversationId, accountId));
    for (const each of accountIds) {
      const own = each === accountId ? standing : 'accepted';
      this.#push.toAccount(messaging.events.conversationChanged, each, { conversationId, standing: own });
    }
    return { standing };
  }
}

async function accept(
  client: PoolClient,
  conversationId: ConversationId,
  accountId: AccountId,
): Promise<{ standing: Standing; accountIds: readonly AccountId[] }> {
  await client.query('select from conversation where conversation_id = $1 for no key update', [conversationId]);
  const { rowCount } = await client.query(
    `update member set standing = 'accepted' where conversation_id = $1 and account_id = $2 and standing = 'requested'`,
    [conversationId, accountId],
  );
  const { rows } = await client.query<{ account_id: AccountId; standing: Standing; has_blocked: boolean }>(
    `select m.account_id, m.standing,
       exists (select from block b where b.account_id = $2 and b.blocked_account_id = m.account_id) as has_blocked
     from member m where m.conversation_id = $1`,
    [conversationId, accountId],
  );
  if (!rows.some((row) => row.account_id === accountId)) throw new AppError('not-a-member');
  // Accepting does not lift a block: that is a choice of its own.
  const standing = rows.some((row) => row.has_blocked) ? 'blocked' : 'accepted';
  if (rowCount === 0) return { standing, accountIds: [] };
  if (rows.every((row) => row.standing === 'accepted')) {
    await client.query('update conversation set awaits_acceptance = false, request_messages = 0 where conversation_id = $1', [
      conversationId,
    ]);
  }
  return { standing, accountIds: rows.map((row) => row.account_id) };
}

function viewOf(row: Row, accountId: AccountId): ConversationView {
  const own = row.members.find((member) => member.accountId === accountId)?.standing ?? 'requested';
  const standing = row.kind === 'dm' && row.has_blocked ? 'blocked' : own;
  return {
    conversationId: row.conversation_id,
    kind: row.kind,
    createdBy: row.created_by,
    members: row.members.map((member) => (member.accountId === accountId ? { ...member, standing } : member)),
    standing,
    epoch: Number(row.epoch),
    lastSeq: Number(row.last_seq),
    firstSeq: Number(row.first_seq),
    cursor: Number(row.cursor),
    createdAt: row.created_at.toISOString(),
  };
}
