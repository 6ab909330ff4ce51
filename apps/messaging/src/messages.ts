import { AppError, DEFAULT_PAGE, type Handlers, type LogRow, MAX_MESSAGE_BYTES, messaging } from '@rialto/contracts';
import { readSealedMessage, type SealedMessage } from '@rialto/crypto/server';
import type { Database, Logger, Push } from '@rialto/service';
import { bytesOf } from './bytes.ts';
import type { MessageLog } from './message-log.ts';

type Operations = Handlers<typeof messaging>;
/** Rows of one answer: they must fit one frame of a socket after base64url. A single row may be larger than this and comes alone. */
export const MAX_PAGE_BYTES = 900_000;

interface PageRow {
  seq: string;
  is_commit: boolean;
  epoch: string;
  sender_account: string;
  sender_device: string;
  client_message_id: string;
  bytes: Buffer;
  at: Date;
}

/** Sealed messages: appended, told to whoever is connected, and read again by whoever missed them. */
export class Messages {
  readonly #database: Database;
  readonly #log: MessageLog;
  readonly #push: Push;
  readonly #logger: Logger;
  constructor({ database, messageLog, push, log }: { database: Database; messageLog: MessageLog; push: Push; log: Logger }) {
    this.#database = database;
    this.#log = messageLog;
    this.#push = push;
    this.#logger = log;
  }

  /** Nothing of uneven length is awaited between the commit and the push, so pushes of one conversation leave in the log's order. */
  send: Operations['sendMessage'] = async (input, { accountId, deviceId }) => {
    const { conversationId, clientMessageId, epoch } = input;
    const bytes = sealedBytesOf(input);
    const stored = await this.#log.append({ conversationId, accountId, deviceId, clientMessageId, epoch, bytes });
    const { seq, at, duplicate, rosterVersion } = stored;
    // A retry may carry other bytes than those that are stored, and whoever missed the first push sees the gap.
    if (!duplicate) {
      const row = { ...input, seq, kind: 'application' as const, senderAccount: accountId, senderDevice: deviceId, at };
      this.#tell(row, rosterVersion);
    }
    return { seq, duplicate, at };
  };

  #tell(row: LogRow, rosterVersion: number): void {
    this.#log.readersOf(row, rosterVersion).then(
      (accountIds) => this.#push.toAccounts(messaging.events.message, accountIds, row),
      (error: unknown) => this.#logger.warn({ err: error }, 'a push was not sent; its readers will see the gap'),
    );
  }

  list: Operations['listMessages'] = async ({ conversationId, after, limit = DEFAULT_PAGE }, { accountId }) => {
    const { pool } = this.#database;
    // The rows first: what is deleted meanwhile then shows in `firstSeq`, and never as a gap without a reason.
    const { rows } = await pool.query<PageRow>({
      name: 'page',
      text: PAGE,
      values: [conversationId, after, limit, MAX_PAGE_BYTES],
    });
    const found = await pool.query<{ last_seq: string; first_seq: string }>({
      name: 'page-bounds',
      text: `select last_seq, first_seq from conversation join member using (conversation_id) where conversation_id = $1 and account_id = $2`,
      values: [conversationId, accountId],
    });
    const bounds = found.rows[0];
    if (bounds === undefined) throw new AppError('not-a-member');
    return {
      rows: rows.map((row) => logRowOf(conversationId, row)),
      lastSeq: Number(bounds.last_seq),
      firstSeq: Number(bounds.first_seq),
    };
  };
}

const PAGE = `select seq, is_commit, epoch, sender_account, sender_device, client_message_id, bytes, at
  from (select *, sum(octet_length(bytes)) over (order by seq) as total, row_number() over (order by seq) as place
    from (select * from message where conversation_id = $1 and seq > $2 order by seq limit $3) as page) as sized
  where total <= $4 or place = 1 order by seq`;

function logRowOf(conversationId: LogRow['conversationId'], row: PageRow): LogRow {
  return {
    conversationId,
    seq: Number(row.seq),
    kind: row.is_commit ? 'commit' : 'application',
    epoch: Number(row.epoch),
    senderAccount: row.sender_account as LogRow['senderAccount'],
    senderDevice: row.sender_device as LogRow['senderDevice'],
    clientMessageId: row.client_message_id as LogRow['clientMessageId'],
    bytes: row.bytes.toString('base64url'),
    at: row.at.toISOString(),
  };
}

/**
 * Refuses what no member could open: another conversation's or epoch's message, or a commit that hides in a PrivateMessage. And what
 * they would take for a replay: bytes under another id than the one their sender signed.
 */
function sealedBytesOf({
  conversationId,
  clientMessageId,
  epoch,
  bytes: text,
}: Parameters<Operations['sendMessage']>[0]): Buffer {
  const bytes = bytesOf(text);
  if (bytes.length > MAX_MESSAGE_BYTES) throw new AppError('payload-too-large');
  const sealed = readSealed(bytes);
  if (sealed.conversationId !== conversationId || sealed.epoch !== BigInt(epoch)) throw new AppError('invalid-input');
  if (clientMessageId !== `msg_${sealed.messageId}`) throw new AppError('invalid-input');
  return bytes;
}

function readSealed(bytes: Buffer): SealedMessage {
  try {
    return readSealedMessage(bytes);
  } catch (error) {
    throw new AppError('invalid-input', undefined, error); // the decoder's errors are not all typed
  }
}
