// Real: PostgreSQL with the service's schema and functions. A commit that takes leaves away meets acknowledgements of the same devices.
import { createTestDatabase, type TestDatabase } from '@rialto/service/testing';
import { Client, type PoolClient } from 'pg';
import { type Entry, storeCommit } from '../src/sequence.ts';

const ROUNDS = 20;
const DEVICES = 8;
const deviceIds = Array.from({ length: DEVICES }, (_unused, n) => String(n).repeat(22));
const ACCOUNT = 'A'.repeat(43);
const TURN_MS = 5;
const MAX_WAIT_MS = 5_000;

let database: TestDatabase;
const clients: Client[] = [];
beforeAll(async () => {
  database = await createTestDatabase(['messaging']);
}, 60_000);
afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await database.drop();
});

/** A connection of its own: four of them wait for each other here. */
async function connection(): Promise<PoolClient> {
  const client = new Client({ connectionString: database.adminUrl });
  await client.connect();
  clients.push(client);
  await client.query('set search_path to messaging');
  return client as unknown as PoolClient;
}

/** A conversation with eight leaves, whose rows lie in the table in the order that is wrong for whoever walks through it. */
async function opened(on: PoolClient, round: number): Promise<string> {
  const id = `cnv_${String(round).padStart(22, '0')}`;
  await on.query(
    `insert into conversation (conversation_id, kind, created_by, epoch, last_seq, awaits_acceptance) values ($1, 'dm', $2, 1, 9, false)`,
    [id, ACCOUNT],
  );
  for (const device of deviceIds.toReversed())
    await on.query('insert into device_cursor (conversation_id, device_id, account_id, acknowledged) values ($1, $2, $3, 0)', [
      id,
      device,
      ACCOUNT,
    ]);
  return id;
}

/** The commit that leaves the first device and takes all others out. */
async function removeAllButOne(on: PoolClient, conversationId: string): Promise<void> {
  const session = { account: ACCOUNT, device: deviceIds[0] ?? '' };
  const bytes = new Uint8Array([1]);
  const entry = {
    conversationId,
    seq: 10,
    session,
    clientMessageId: 'msg_commit',
    epoch: 1,
    commit: bytes,
    groupInfo: bytes,
    welcome: undefined,
    accepted: { leaves: [session], added: [] },
  } as unknown as Entry;
  await on.query('begin');
  try {
    await on.query('select from conversation where conversation_id = $1 for no key update', [conversationId]);
    await storeCommit(on, entry);
    await on.query('commit');
  } catch (error) {
    await on.query('rollback');
    throw error;
  }
}
const acknowledgeAll = (on: PoolClient, conversationId: string) =>
  on.query('select item from acknowledge_rows($1::text[], $2::text[], $3::text[], $4::bigint[])', [
    deviceIds.map(() => conversationId),
    deviceIds.map(() => ACCOUNT),
    deviceIds,
    deviceIds.map(() => 9),
  ]);
async function waiting(on: PoolClient, count: number): Promise<void> {
  const end = Date.now() + MAX_WAIT_MS;
  while (Date.now() < end) {
    const { rowCount } = await on.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if ((rowCount ?? 0) >= count) return;
    await new Promise((resolve) => setTimeout(resolve, TURN_MS));
  }
  throw new Error('nobody waits for anybody');
}

test('taking many leaves out and acknowledging for them at the same moment never ends in a deadlock', async () => {
  const [setup, middle, commits, cursors] = await Promise.all([connection(), connection(), connection(), connection()]);
  // What the planner may choose for a small table, and then takes the rows as they lie.
  await commits.query('set enable_indexscan = off');
  await commits.query('set enable_bitmapscan = off');
  const outcomes: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const id = await opened(setup, round);
    // Somebody holds a row in the middle until both have taken what they could get.
    await middle.query('begin');
    await middle.query('select from device_cursor where conversation_id = $1 and device_id = $2 for update', [id, deviceIds[4]]);
    const both = [() => removeAllButOne(commits, id), () => acknowledgeAll(cursors, id)];
    const running = (round % 2 === 0 ? both : both.toReversed()).map(async (run) => {
      await run();
    });
    await waiting(setup, running.length);
    await middle.query('commit');
    for (const outcome of await Promise.allSettled(running))
      outcomes.push(outcome.status === 'fulfilled' ? 'done' : String(outcome.reason));
    const { rows } = await setup.query('select device_id from device_cursor where conversation_id = $1', [id]);
    if (outcomes.slice(-2).every((outcome) => outcome === 'done')) expect(rows).toEqual([{ device_id: deviceIds[0] }]);
  }
  expect(outcomes).toEqual(outcomes.map(() => 'done'));
}, 60_000);
