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

  /** Oldest conversation ids first, as many as fit one answer: the rest comes when these were acknowledged. */
  list: Operations['listWelcomes'] = async ({ limit = DEFAULT_PAGE }, { accountId, deviceId }) => {
    const { rows } = await this.#database.pool.query<Row>(
      `select conversation_id, seq, epoch, from_account, bytes
       from (select *, sum(octet_length(bytes)) over (order by conversation_id) as total, row_number() over (order by conversation_id) as place
         from (select * from welcome where device_id = $1 and account_id = $2 order by conversation_id limit $3) as page) as sized
       where total <= $4 or place = 1 order by conversation_id`,
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
