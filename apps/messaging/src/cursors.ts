import { AppError, type Handlers, type messaging } from '@rialto/contracts';
import { Batcher, type Database } from '@rialto/service';
import type { Pool } from 'pg';
import { arrayOf } from './postgres-arrays.ts';

type Operations = Handlers<typeof messaging>;

interface Acknowledgement {
  readonly conversationId: string;
  readonly accountId: string;
  readonly deviceId: string;
  readonly upTo: number;
}
/** The device has no leaf in the group. */
const NO_CURSOR = -1;

/** How far each device has processed each conversation. Every message is acknowledged by every device, so these are batched as well. */
export class Cursors {
  readonly #database: Database;
  readonly #batch: Batcher<Acknowledgement, number>;

  constructor(database: Database) {
    this.#database = database;
    const connection = database.lane({ enable_seqscan: 'off' });
    const keyOf = ({ conversationId, deviceId }: Acknowledgement) => conversationId + deviceId;
    this.#batch = new Batcher((items) => acknowledgeMany(connection, items), { keyOf });
  }

  /** A member's device that is not in the group has nothing to acknowledge: its cursor is 0 until a commit adds it. */
  acknowledge: Operations['acknowledge'] = async ({ conversationId, upTo }, { accountId, deviceId }) => {
    const cursor = await this.#batch.add({ conversationId, accountId, deviceId, upTo });
    if (cursor !== NO_CURSOR) return { cursor };
    const { rowCount } = await this.#database.pool.query('select from member where conversation_id = $1 and account_id = $2', [
      conversationId,
      accountId,
    ]);
    if (rowCount === 0) throw new AppError('not-a-member');
    return { cursor: 0 };
  };
}

const ACKNOWLEDGE = 'select item, acknowledged from acknowledge_rows($1::text[], $2::text[], $3::text[], $4::bigint[])';

async function acknowledgeMany(connection: Pool, items: readonly Acknowledgement[]): Promise<number[]> {
  const values = [
    arrayOf(items.map((item) => item.conversationId)),
    arrayOf(items.map((item) => item.accountId)),
    arrayOf(items.map((item) => item.deviceId)),
    arrayOf(items.map((item) => item.upTo)),
  ];
  const { rows } = await connection.query<[item: number, acknowledged: string]>({
    name: 'acknowledge',
    text: ACKNOWLEDGE,
    values,
    rowMode: 'array',
  });
  const cursors = items.map(() => NO_CURSOR);
  for (const [item, acknowledged] of rows) cursors[item - 1] = Number(acknowledged);
  return cursors;
}
