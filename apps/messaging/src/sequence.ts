import type { LeafCredential } from '@rialto/crypto/server';
import type { PoolClient } from 'pg';
import type { AcceptedCommit } from './bundle.ts';

/** A commit that takes its place in the log. Whoever calls these functions holds the conversation's row. */
export interface Entry {
  readonly conversationId: string;
  readonly seq: number;
  readonly session: Pick<LeafCredential, 'account' | 'device'>;
  readonly clientMessageId: string;
  /** The epoch that the commit ends. */
  readonly epoch: number;
  readonly commit: Uint8Array;
  readonly groupInfo: Uint8Array;
  readonly welcome: Uint8Array | undefined;
  readonly accepted: AcceptedCommit;
}

/** Writes the commit, the group info after it, and what it means for the devices that came and went. Resolves with the row's time. */
export async function storeCommit(client: PoolClient, entry: Entry): Promise<string> {
  const { conversationId, seq, session, clientMessageId, epoch, commit, groupInfo } = entry;
  const { rows } = await client.query<{ at: Date }>(
    `insert into message (conversation_id, seq, is_commit, epoch, sender_account, sender_device, client_message_id, bytes, at)
     values ($1, $2, true, $3, $4, $5, $6, $7, clock_timestamp()) returning at`,
    [conversationId, seq, epoch, session.account, session.device, clientMessageId, commit],
  );
  await client.query(
    `insert into group_info (conversation_id, epoch, bytes) values ($1, $2, $3)
     on conflict (conversation_id) do update set epoch = excluded.epoch, bytes = excluded.bytes`,
    [conversationId, epoch + 1, groupInfo],
  );
  await storeLeaves(client, entry);
  await storeWelcomes(client, entry);
  const at = rows[0]?.at;
  if (at === undefined) throw new Error('An insert returned no row.');
  return at.toISOString();
}

/** A cursor for each leaf. A new one begins just before the commit that added it: what came earlier is not for it. */
async function storeLeaves(client: PoolClient, { conversationId, seq, accepted }: Entry): Promise<void> {
  const leaves = accepted.leaves.toSorted((a, b) => (a.device < b.device ? -1 : 1));
  const devices = leaves.map(({ device }) => device);
  // In the order in which acknowledgements take them (`acknowledge_rows`), or the two could wait for each other.
  await client.query(
    `select from device_cursor where conversation_id = $1 and device_id <> all ($2) order by device_id collate "default" for update`,
    [conversationId, devices],
  );
  await client.query('delete from device_cursor where conversation_id = $1 and device_id <> all ($2)', [conversationId, devices]);
  await client.query('delete from welcome where conversation_id = $1 and device_id <> all ($2)', [conversationId, devices]);
  await client.query(
    `insert into device_cursor (conversation_id, device_id, account_id, acknowledged)
     select $1, device, account, $4 from unnest($2::text[], $3::text[]) as leaf (device, account)
     on conflict (conversation_id, device_id) do nothing`,
    [conversationId, devices, leaves.map(({ account }) => account), seq - 1],
  );
}

async function storeWelcomes(client: PoolClient, entry: Entry): Promise<void> {
  const { conversationId, seq, epoch, session, welcome, accepted } = entry;
  if (welcome === undefined) return;
  await client.query(
    `insert into welcome (device_id, conversation_id, account_id, seq, epoch, from_account, bytes)
     select device, $1, account, $4, $5, $6, $7 from unnest($2::text[], $3::text[]) as added (device, account)
     on conflict (device_id, conversation_id) do update
     set account_id = excluded.account_id, seq = excluded.seq, epoch = excluded.epoch, from_account = excluded.from_account, bytes = excluded.bytes`,
    [
      conversationId,
      accepted.added.map(({ device }) => device),
      accepted.added.map(({ account }) => account),
      seq,
      epoch + 1,
      session.account,
      welcome,
    ],
  );
}
