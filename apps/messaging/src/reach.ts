import type { Handlers, messaging } from '@rialto/contracts';
import type { Database } from '@rialto/service';
import { areBlocked } from './blocks.ts';
import { pairOf } from './domain/dm.ts';

type Operations = Handlers<typeof messaging>;

/** Whether one account may reach another: asked by services before they ring or show a card. */
export class Reach {
  readonly #database: Database;
  constructor(database: Database) {
    this.#database = database;
  }

  /** Without a conversation, the dm of the two is meant. */
  get: Operations['getReach'] = async ({ from, to, conversationId }) => {
    const { pool } = this.#database;
    const pair = pairOf(from, to);
    const [isBlocked, { rows }] = await Promise.all([
      areBlocked(pool, pair),
      pool.query<{ members: number; accepted: number }>(
        `select count(*)::integer as members, (count(*) filter (where standing = 'accepted'))::integer as accepted
         from member where account_id in ($1, $2) and conversation_id = coalesce($3,
           (select conversation_id from dm where first_account = $1 and second_account = $2))`,
        [...pair, conversationId ?? null],
      ),
    ]);
    const { members, accepted } = rows[0] ?? { members: 0, accepted: 0 };
    return { isBlocked, isAccepted: accepted === pair.length, areBothMembers: members === pair.length };
  };
}
