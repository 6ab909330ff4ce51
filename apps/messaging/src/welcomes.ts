import { type AccountId, type ConversationId, DEFAULT_PAGE, type Handlers, type messaging } from '@rialto/contracts';
import type { Database } from '@rialto/service';
import { MAX_PAGE_BYTES } from './messages.ts';

type Operations = Handlers<typeof messaging>;

interface Row {
  conversation_id: ConversationId;
  seq: string;
  epoch: string;
  from_account: AccountId;
  bytes: Buffer;
}

/** What lets a device into groups that it was added to. Commits store them; acknowledging the commit's row removes them. */
export class Welcomes {
  readonly #database: Database;
  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * As many as fit one answer: the rest comes when these were acknowledged. Accepted conversations come first, because a welcome of a request
   * stays unacknowledged for as long as it is not accepted: many strangers must not keep an accepted one out of sight.
   */
  list: Operations['listWelcomes'] = async ({ limit = DEFAULT_PAGE }, { accountId, deviceId }) => {
    const { rows } = await this.#database.pool.query<Row>(
      `select conversation_id, seq, epoch, from_account, bytes
       from (select *, sum(octet_length(bytes)) over place as total, row_number() over place as number
         from (select w.*, m.standing from welcome w join member m using (conversation_id, account_id)
           where w.device_id = $1 and w.account_id = $2 order by m.standing = 'requested', conversation_id limit $3) as page
         window place as (order by standing = 'requested', conversation_id)) as sized
       where total <= $4 or number = 1 order by standing = 'requested', conversation_id`,
      [deviceId, accountId, limit, MAX_PAGE_BYTES],
    );
    const welcomes = rows.map((row) => ({
      conversationId: row.conversation_id,
      seq: Number(row.seq),
      epoch: Number(row.epoch),
      from: row.from_account,
      welcome: row.bytes.toString('base64url'),
    }));
    return { welcomes };
  };
}
