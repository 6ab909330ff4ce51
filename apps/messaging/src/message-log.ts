import { AppError, type ErrorCode, isErrorCode, type LogRow, MAX_PAST_EPOCHS, MAX_REQUEST_MESSAGES } from '@rialto/contracts';
import { Batcher, type Database } from '@rialto/service';
import type { Pool } from 'pg';
import { arrayOf, byteaArray } from './postgres-arrays.ts';

/** More lanes than two did not help: a batch is one commit, and two keep the disk busy. */
const LANES = 2;
/** A batch of the longest messages still fits PostgreSQL's memory easily. */
const MAX_BATCH_ITEMS = 256;
const MAX_ROSTERS = 100_000;
/** Ids are random from here on, in every sign. */
const LANE_SIGN = 10;

export interface NewMessage {
  readonly conversationId: string;
  readonly accountId: string;
  readonly deviceId: string;
  readonly clientMessageId: string;
  readonly epoch: number;
  readonly bytes: Buffer;
}
export interface Stored {
  readonly seq: number;
  readonly at: string;
  readonly duplicate: boolean;
  readonly rosterVersion: number;
}
type Sent = Pick<LogRow, 'conversationId' | 'senderAccount' | 'senderDevice'>;
/** The accounts of a conversation, each with its devices that are leaves of the group. */
type Roster = readonly { readonly accountId: string; readonly deviceIds: readonly string[] }[];

/** The writer of sealed messages. A conversation always takes the same lane, so a sender's order is kept and no two lanes wait for one row. */
export class MessageLog {
  readonly #lanes: readonly Batcher<NewMessage, Stored>[];
  readonly #rosterReads: Batcher<string, Roster>;
  readonly #rosters = new Map<string, { readonly version: number; readonly roster: Promise<Roster> }>();

  constructor(database: Database) {
    const reads = database.lane();
    this.#rosterReads = new Batcher((ids) => readRosters(reads, ids), { keyOf: (id) => id });
    this.#lanes = Array.from({ length: LANES }, () => {
      // A plan made while the table was empty would scan it for ever after.
      const connection = database.lane({ enable_seqscan: 'off' });
      const keyOf = (message: NewMessage) => message.conversationId + message.deviceId + message.clientMessageId;
      return new Batcher((messages) => appendMany(connection, messages), { keyOf, maxItems: MAX_BATCH_ITEMS });
    });
  }

  /** Resolves once the message is committed. Throws `not-a-member`, or what the function `append_messages` refuses it with. */
  append(message: NewMessage): Promise<Stored> {
    const lane = this.#lanes[message.conversationId.charCodeAt(LANE_SIGN) % LANES];
    if (lane === undefined) throw new Error('A conversation without a lane.');
    return lane.add(message);
  }

  /**
   * Who is to be told of a row: every account of the conversation, but not the sender's own while no other device of it is in the group,
   * since the sender has the answer. Throws what keeps the roster from being read.
   */
  async readersOf({ conversationId, senderAccount, senderDevice }: Sent, version: number): Promise<string[]> {
    const roster = await this.#rosterOf(conversationId, version);
    const hasReader = ({ accountId, deviceIds }: Roster[number]) =>
      accountId !== senderAccount || deviceIds.some((deviceId) => deviceId !== senderDevice);
    return roster.filter(hasReader).map(({ accountId }) => accountId);
  }

  /** Remembered as a promise: messages of one conversation that wait for its roster go on in their order. */
  #rosterOf(conversationId: string, version: number): Promise<Roster> {
    const known = this.#rosters.get(conversationId);
    if (known?.version === version) return known.roster;
    const roster = this.#rosterReads.add(conversationId);
    roster.catch(() => this.#rosters.delete(conversationId));
    if (this.#rosters.size >= MAX_ROSTERS) this.#rosters.clear();
    this.#rosters.set(conversationId, { version, roster });
    return roster;
  }
}

async function readRosters(connection: Pool, conversationIds: readonly string[]): Promise<Roster[]> {
  const { rows } = await connection.query<[conversationId: string, accountId: string, deviceIds: string[]]>({
    name: 'rosters',
    text: `select conversation_id, account_id, array(
        select device_id from device_cursor d where d.conversation_id = m.conversation_id and d.account_id = m.account_id)
      from member m where conversation_id = any ($1::text[])`,
    values: [arrayOf(conversationIds)],
    rowMode: 'array',
  });
  const rosters = new Map<string, Roster[number][]>(conversationIds.map((id) => [id, []]));
  for (const [conversationId, accountId, deviceIds] of rows) rosters.get(conversationId)?.push({ accountId, deviceIds });
  return [...rosters.values()];
}

const APPEND = `select item, seq, at, duplicate, roster_version, refusal
  from append_messages($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bytea[], $7, $8)`;
type Row = [item: number, seq: string | null, at: Date, duplicate: boolean, rosterVersion: number, refusal: string | null];

async function appendMany(connection: Pool, messages: readonly NewMessage[]): Promise<(Stored | AppError)[]> {
  const values = [
    arrayOf(messages.map((message) => message.conversationId)),
    arrayOf(messages.map((message) => message.accountId)),
    arrayOf(messages.map((message) => message.deviceId)),
    arrayOf(messages.map((message) => message.clientMessageId)),
    arrayOf(messages.map((message) => message.epoch)),
    byteaArray(messages.map((message) => message.bytes)),
    MAX_PAST_EPOCHS,
    MAX_REQUEST_MESSAGES,
  ];
  const { rows } = await connection.query<Row>({ name: 'append', text: APPEND, values, rowMode: 'array' });
  const results = messages.map((): Stored | AppError | undefined => undefined);
  for (const [item, seq, at, duplicate, rosterVersion, refusal] of rows) {
    results[item - 1] =
      seq === null ? new AppError(codeOf(refusal)) : { seq: Number(seq), at: at.toISOString(), duplicate, rosterVersion };
  }
  return results.map((result) => result ?? new AppError('not-a-member'));
}

function codeOf(refusal: string | null): ErrorCode {
  if (!isErrorCode(refusal)) throw new Error(`append_messages refused with ${refusal}`);
  return refusal;
}
