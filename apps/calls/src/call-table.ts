import { AppError, type AccountId, type CallId, type CallView, type ConversationId, type DeviceId } from '@rialto/contracts';
import type { Kit } from '@rialto/service';
import { seatsOf, type Call, type Device, type Tombstone } from './domain/call.ts';

/** Calls that may go on beside each other in one account's list; more live ones than devices there cannot be, but a bound costs nothing. */
export const MAX_LIVE_LISTED = 50;
/** Signals of one call within a window; ICE with restarts and an upgrade stays far below. */
export const MAX_SIGNALS_PER_WINDOW = 300;
export const SIGNAL_WINDOW_MS = 60_000;

/** A stored call with its times. */
export interface StoredCall extends Call {
  readonly createdAt: Date;
  readonly answeredAt: Date | null;
  readonly endedAt: Date | null;
}
type Queryable = Pick<Kit['database']['pool'], 'query'>;
interface Row {
  call_id: CallId;
  conversation_id: ConversationId | null;
  media: CallView['media'];
  caller: AccountId;
  caller_device: DeviceId;
  callee: AccountId;
  callee_device: DeviceId | null;
  state: Call['state'];
  end_reason: Call['endReason'];
  merged_into: CallId | null;
  version: number;
  has_caller_spoken: boolean;
  created_at: Date;
  answered_at: Date | null;
  ended_at: Date | null;
}
const COLUMNS = `call_id, conversation_id, media, caller, caller_device, callee, callee_device, state, end_reason, merged_into,
  version, has_caller_spoken, created_at, answered_at, ended_at`;

export const isTombstone = (found: StoredCall | Tombstone): found is Tombstone => !('state' in found);

const storedFrom = (row: Row): StoredCall | Tombstone =>
  row.conversation_id === null
    ? { callId: row.call_id, caller: row.caller }
    : {
        callId: row.call_id,
        conversationId: row.conversation_id,
        media: row.media,
        caller: row.caller,
        callerDevice: row.caller_device,
        callee: row.callee,
        calleeDevice: row.callee_device,
        state: row.state,
        endReason: row.end_reason,
        mergedInto: row.merged_into,
        version: row.version,
        hasCallerSpoken: row.has_caller_spoken,
        createdAt: row.created_at,
        answeredAt: row.answered_at,
        endedAt: row.ended_at,
      };

function callFrom(row: Row): StoredCall {
  const stored = storedFrom(row);
  if (isTombstone(stored)) throw new Error('a query for calls returned a tombstone');
  return stored;
}

export async function findCall(database: Queryable, callId: CallId): Promise<StoredCall | Tombstone | undefined> {
  const { rows } = await database.query<Row>(`select ${COLUMNS} from call where call_id = $1`, [callId]);
  return rows[0] && storedFrom(rows[0]);
}

/**
 * Starts of one conversation wait for each other, or two that meet head-on would not see each other under READ COMMITTED.
 * Held until the transaction ends.
 */
export async function lockStarts(client: Queryable, conversationId: ConversationId): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtextextended('call-start/' || $1, 0))`, [conversationId]);
}

/** The oldest unanswered call of `from` to `to` in a conversation. */
export async function findOncoming(
  client: Queryable,
  { conversationId, from, to }: { conversationId: ConversationId; from: AccountId; to: AccountId },
): Promise<StoredCall | undefined> {
  const { rows } = await client.query<Row>(
    `select ${COLUMNS} from call where conversation_id = $1 and caller = $2 and callee = $3 and state in ('inviting', 'ringing')
     order by created_at, call_id limit 1`,
    [conversationId, from, to],
  );
  return rows[0] && callFrom(rows[0]);
}

export async function isDeviceSeated(client: Queryable, deviceId: DeviceId): Promise<boolean> {
  const { rowCount } = await client.query('select 1 from seat where device_id = $1', [deviceId]);
  return rowCount === 1;
}

/** Stores a new call with the seats it takes. Undefined when the id is taken (also by a tombstone). Throws `busy` when a seat is. */
export async function insertCall(client: Queryable, call: Call): Promise<StoredCall | undefined> {
  const { rows } = await client.query<Row>(
    `insert into call (call_id, conversation_id, media, caller, caller_device, callee, callee_device, state, end_reason, merged_into, version, ended_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, case when $8 = 'ended' then now() end)
     on conflict (call_id) do nothing returning ${COLUMNS}`,
    [
      call.callId,
      call.conversationId,
      call.media,
      call.caller,
      call.callerDevice,
      call.callee,
      call.calleeDevice,
      call.state,
      call.endReason,
      call.mergedInto,
      call.version,
    ],
  );
  if (rows[0] === undefined) return undefined;
  await takeSeats(client, call.callId, seatsOf(call));
  return callFrom(rows[0]);
}

/** Remembers that a call was cancelled before its invite came. False when the call is there by now. */
export async function insertTombstone(client: Queryable, callId: CallId, by: Device): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into call (call_id, caller, caller_device, state, end_reason, version, ended_at)
     values ($1, $2, $3, 'ended', 'cancelled', 0, now()) on conflict (call_id) do nothing`,
    [callId, by.accountId, by.deviceId],
  );
  return rowCount === 1;
}

/** Makes the call whose cancel came first out of its tombstone, ended as it is. */
export async function fillTombstone(client: Queryable, call: Call): Promise<StoredCall | undefined> {
  const { rows } = await client.query<Row>(
    `update call set conversation_id = $2, media = $3, caller_device = $4, callee = $5, version = $6
     where call_id = $1 and conversation_id is null returning ${COLUMNS}`,
    [call.callId, call.conversationId, call.media, call.callerDevice, call.callee, call.version],
  );
  return rows[0] && callFrom(rows[0]);
}

/** Deletes a tombstone whose invite never came. */
export async function deleteTombstone(client: Queryable, callId: CallId): Promise<void> {
  await client.query('delete from call where call_id = $1 and conversation_id is null', [callId]);
}

/**
 * The compare-and-set: stores `after` if the call is still at the version before it, with the seats that it takes or frees.
 * Undefined when another change was first. Throws `busy` when a seat is taken.
 */
export async function replaceCall(client: Queryable, before: Call, after: Call): Promise<StoredCall | undefined> {
  const { rows } = await client.query<Row>(
    `update call set state = $3, end_reason = $4, callee_device = $5, merged_into = $6, version = $7, media = $8,
       answered_at = coalesce(answered_at, case when $3 in ('accepted', 'active') then now() end),
       ended_at = case when $3 = 'ended' then now() end
     where call_id = $1 and version = $2 returning ${COLUMNS}`,
    [
      after.callId,
      before.version,
      after.state,
      after.endReason,
      after.calleeDevice,
      after.mergedInto,
      after.version,
      after.media,
    ],
  );
  if (rows[0] === undefined) return undefined;
  const held = seatsOf(before);
  const kept = seatsOf(after);
  if (kept.length === 0) await client.query('delete from seat where call_id = $1', [after.callId]);
  await takeSeats(
    client,
    after.callId,
    kept.filter((deviceId) => !held.includes(deviceId)),
  );
  return callFrom(rows[0]);
}

async function takeSeats(client: Queryable, callId: CallId, devices: readonly DeviceId[]): Promise<void> {
  for (const deviceId of devices) {
    const { rowCount } = await client.query('insert into seat (device_id, call_id) values ($1, $2) on conflict do nothing', [
      deviceId,
      callId,
    ]);
    if (rowCount !== 1) throw new AppError('busy');
  }
}

/** Counts one signal of a live call, and notes that the caller's device speaks. False when the window is full or the call is over. */
export async function countSignal(database: Queryable, callId: CallId, isFromCaller: boolean): Promise<boolean> {
  const { rowCount } = await database.query(
    `update call set
       signals_in_window = case when signal_window_at > now() - make_interval(secs => $3) then signals_in_window + 1 else 1 end,
       signal_window_at = case when signal_window_at > now() - make_interval(secs => $3) then signal_window_at else now() end,
       has_caller_spoken = has_caller_spoken or ($2 and state = 'accepted')
     where call_id = $1 and state <> 'ended'
       and (signals_in_window < $4 or signal_window_at <= now() - make_interval(secs => $3))`,
    [callId, isFromCaller, SIGNAL_WINDOW_MS / 1_000, MAX_SIGNALS_PER_WINDOW],
  );
  return rowCount === 1;
}

/** Newest first; the id decides between calls of one instant, so that a page ends at one call and at no other. */
const NEWEST_FIRST = 'order by created_at desc, call_id desc';
const OF_ACCOUNT = (condition: string) => `select ${COLUMNS} from (
    (select * from call where caller = $1 and ${condition} ${NEWEST_FIRST} limit $2)
    union (select * from call where callee = $1 and ${condition} ${NEWEST_FIRST} limit $2)
  ) mine ${NEWEST_FIRST} limit $2`;

/** The live calls of an account, newest first. */
export async function listLive(database: Queryable, accountId: AccountId): Promise<StoredCall[]> {
  const { rows } = await database.query<Row>(OF_ACCOUNT(`state <> 'ended'`), [accountId, MAX_LIVE_LISTED]);
  return rows.map(callFrom);
}

/**
 * The ended calls of an account that are older than a call (null: all), newest first. Calls that were merged are told by the call that went
 * on. The place of `before` is read here, since a time that has left PostgreSQL has lost its microseconds.
 */
export async function listEnded(
  database: Queryable,
  { accountId, before, limit }: { accountId: AccountId; before: CallId | null; limit: number },
): Promise<StoredCall[]> {
  const place = '(select edge.created_at, edge.call_id from call edge where edge.call_id = $3)';
  const condition = `state = 'ended' and conversation_id is not null and end_reason <> 'merged'
    and ($3::text is null or (created_at, call_id) < ${place})`;
  const { rows } = await database.query<Row>(OF_ACCOUNT(condition), [accountId, limit, before]);
  return rows.map(callFrom);
}
