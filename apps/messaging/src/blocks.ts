import { type AccountId, AppError, type ConversationId, type Handlers, messaging } from '@rialto/contracts';
import type { Database, Push } from '@rialto/service';
import type { Pool, PoolClient } from 'pg';
import { type Pair, pairOf } from './domain/dm.ts';
import type { Standing } from './domain/standing.ts';
import { BlockTable } from './tables.ts';

type Operations = Handlers<typeof messaging>;
/** Accounts that one account may have blocked; all of them are listed in one answer. */
export const MAX_BLOCKS = 5_000;

/** Who has blocked whom. The blocked one is never told; sending to the dm just stops, in both directions. */
export class Blocks {
  readonly #database: Database;
  readonly #push: Push;
  constructor({ database, push }: { database: Database; push: Push }) {
    this.#database = database;
    this.#push = push;
  }

  block: Operations['blockAccount'] = async ({ accountId: other }, { accountId }) => {
    if (other === accountId) throw new AppError('invalid-input');
    const pair = pairOf(accountId, other);
    const changed = await this.#database.transaction(async (client) => {
      await lockPair(client, pair);
      await checkCount(client, accountId);
      await client.query('insert into block (account_id, blocked_account_id) values ($1, $2) on conflict do nothing', [
        accountId,
        other,
      ]);
      return markDm(client, pair, accountId);
    });
    this.#tell(accountId, changed && { conversationId: changed.conversationId, standing: 'blocked' });
    return { blocked: true };
  };

  unblock: Operations['unblockAccount'] = async ({ accountId: other }, { accountId }) => {
    const pair = pairOf(accountId, other);
    const changed = await this.#database.transaction(async (client) => {
      await lockPair(client, pair);
      await client.query('delete from block where account_id = $1 and blocked_account_id = $2', [accountId, other]);
      return markDm(client, pair, accountId);
    });
    this.#tell(accountId, changed);
    return { blocked: false };
  };

  list: Operations['listBlocks'] = async (_input, { accountId }) => {
    const rows = await this.#database.dataSource
      .getRepository(BlockTable)
      .find({ where: { accountId }, order: { blockedAt: 'DESC', blockedAccountId: 'ASC' }, take: MAX_BLOCKS });
    return { accounts: rows.map(({ blockedAccountId }) => blockedAccountId as AccountId) };
  };

  /** Only the blocker's own devices. */
  #tell(accountId: AccountId, changed: { conversationId: ConversationId; standing: Standing } | undefined): void {
    if (changed !== undefined) this.#push.toAccount(messaging.events.conversationChanged, accountId, changed);
  }
}

/** Opening a dm and blocking look at each other's rows, so they take turns. */
export async function lockPair(client: PoolClient, pair: Pair): Promise<void> {
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`pair ${pair.join(' ')}`]);
}

export async function areBlocked(on: Pool | PoolClient, pair: Pair): Promise<boolean> {
  const { rowCount } = await on.query(
    'select from block where (account_id, blocked_account_id) in (($1, $2), ($2, $1)) limit 1',
    [...pair],
  );
  return rowCount === 1;
}

/** Repeats in the conversation's row whether the pair may write, which is what sending reads. Undefined when they have no dm. */
async function markDm(
  client: PoolClient,
  pair: Pair,
  accountId: string,
): Promise<{ conversationId: ConversationId; standing: Standing } | undefined> {
  const { rows } = await client.query<{ conversation_id: ConversationId; standing: Standing }>(
    `update conversation c set is_blocked = $3 from dm, member m
     where dm.first_account = $1 and dm.second_account = $2 and c.conversation_id = dm.conversation_id
       and m.conversation_id = c.conversation_id and m.account_id = $4
     returning c.conversation_id, m.standing`,
    [...pair, await areBlocked(client, pair), accountId],
  );
  const row = rows[0];
  return row === undefined ? undefined : { conversationId: row.conversation_id, standing: row.standing };
}

async function checkCount(client: PoolClient, accountId: string): Promise<void> {
  const { rows } = await client.query<{ blocks: number }>('select count(*)::integer as blocks from block where account_id = $1', [
    accountId,
  ]);
  if ((rows[0]?.blocks ?? 0) >= MAX_BLOCKS) throw new AppError('rate-limited', { limit: 'blocks' });
}
