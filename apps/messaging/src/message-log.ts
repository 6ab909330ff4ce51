import { AppError, type ErrorCode, isErrorCode, MAX_PAST_EPOCHS, MAX_REQUEST_MESSAGES } from '@rialto/contracts';
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

/** The writer of sealed messages. A conversation always takes the same lane, so a sender's order is kept and no two lanes wait for one row. */
export class MessageLog {
  readonly #lanes: readonly Batcher<NewMessage, Stored>[];
  readonly #rosterReads: Batcher<string, readonly string[]>;
  readonly #rosters = new Map<string, { readonly version: number; readonly accountIds: Promise<readonly string[]> }>();

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

  /** Remembered as a promise: messages of one conversation that wait for its roster go on in their order. */
  accountsOf(conversationId: string, version: number): Promise<readonly string[]> {
    const known = this.#rosters.get(conversationId);
    if (known?.version === version) return known.accountIds;
    const accountIds = this.#rosterReads.add(conversationId);
    accountIds.catch(() => this.#rosters.delete(conversationId));
    if (this.#rosters.size >= MAX_ROSTERS) this.#rosters.clear();
    this.#rosters.set(conversationId, { version, accountIds });
    return accountIds;
  }
}

async function readRosters(connection: Pool, conversationIds: readonly string[]): Promise<(readonly string[])[]> {
  const { rows } = await connection.query<[conversationId: string, accountId: string]>({
    name: 'rosters',
    text: 'select conversation_id, account_id from member where conversation_id = any ($1::text[])',
    values: [arrayOf(conversationIds)],
    rowMode: 'array',
  });
  const rosters = new Map<string, string[]>(conversationIds.map((id) => [id, []]));
  for (const [conversationId, accountId] of rows) rosters.get(conversationId)?.push(accountId);
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
