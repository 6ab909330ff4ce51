import { AppError, type DeviceCaller, type DeviceId, type Handlers, messaging } from '@rialto/contracts';
import type { Bundle, PublicSuite } from '@rialto/crypto/server';
import type { Database, Push } from '@rialto/service';
import type { Pool, PoolClient } from 'pg';
import { type AcceptedCommit, bundleOf, judge } from './bundle.ts';
import { storeCommit } from './sequence.ts';

type Operations = Handlers<typeof messaging>;
type Input = Parameters<Operations['commit']>[0];
/** Commits of a conversation that nobody has accepted: enough for a device that comes or goes, too few to fill a stranger's log. */
export const MAX_REQUEST_COMMITS = 10;

interface Head {
  readonly epoch: number;
  readonly lastSeq: number;
  readonly awaitsAcceptance: boolean;
}
interface Committed {
  readonly seq: number;
  readonly epoch: number;
  /** When this call stored it; undefined when an earlier one did. */
  readonly at: string | undefined;
}

/**
 * The sequencer: one commit an epoch. It judges from public state, so it never holds a key of the group. Neither a block nor a request that
 * waits stops commits: removing a lost device must always be possible, and nothing that a commit carries is shown to anybody.
 */
export class Commits {
  readonly #database: Database;
  readonly #push: Push;
  readonly #suite: PublicSuite;
  constructor({ database, push, suite }: { database: Database; push: Push; suite: PublicSuite }) {
    this.#database = database;
    this.#push = push;
    this.#suite = suite;
  }

  commit: Operations['commit'] = async (input, caller) => {
    const { pool } = this.#database;
    const bundle = bundleOf(input);
    const before = await readGroup(pool, input.conversationId, caller.accountId);
    const known = await findCommit(pool, input, caller);
    if (known !== undefined) return { ...known, duplicate: true };
    checkEpoch(input, before);
    // Judged before the row is locked: equal epochs mean equal group info, so the lock only has to compare the epoch.
    const session = { account: caller.accountId, device: caller.deviceId };
    const accepted = await judge({ groupInfo: before.groupInfo, bundle, session }, this.#suite);
    const { seq, epoch, at } = await this.#database.transaction((client) =>
      sequence(client, { input, caller, bundle, accepted }),
    );
    if (at !== undefined) this.#tell(input, caller, { seq, at, accepted });
    return { seq, epoch, duplicate: at === undefined };
  };

  getGroupInfo: Operations['getGroupInfo'] = async ({ conversationId }, { accountId }) => {
    const { epoch, groupInfo } = await readGroup(this.#database.pool, conversationId, accountId);
    return { epoch, groupInfo: groupInfo.toString('base64url') };
  };

  #tell(input: Input, caller: DeviceCaller, { seq, at, accepted }: { seq: number; at: string; accepted: AcceptedCommit }): void {
    const { conversationId, clientMessageId, epoch, commit } = input;
    for (const { account, device } of accepted.added) {
      const deviceId = device as DeviceId;
      this.#push.toDevice(messaging.events.welcome, account, deviceId, { deviceId, conversationId });
    }
    const accountIds = accepted.policy.roster.map(({ account }) => account);
    this.#push.toAccounts(messaging.events.message, accountIds, {
      conversationId,
      seq,
      kind: 'commit',
      epoch,
      senderAccount: caller.accountId,
      senderDevice: caller.deviceId,
      clientMessageId,
      bytes: commit,
      at,
    });
  }
}

interface Sequenced {
  readonly input: Input;
  readonly caller: DeviceCaller;
  readonly bundle: Bundle;
  readonly accepted: AcceptedCommit;
}

/** Compare and set, under the conversation's row: whoever comes second finds another epoch. */
async function sequence(client: PoolClient, { input, caller, bundle, accepted }: Sequenced): Promise<Committed> {
  const { conversationId, clientMessageId, epoch } = input;
  const head = await lockHead(client, conversationId);
  const known = await findCommit(client, input, caller);
  if (known !== undefined) return { ...known, at: undefined };
  checkEpoch(input, head);
  await checkRoster(client, conversationId, accepted);
  if (head.awaitsAcceptance) await checkRequestCommits(client, conversationId);
  const seq = head.lastSeq + 1;
  await client.query(
    `update conversation set epoch = $2, last_seq = $3, roster_version = roster_version + 1, active_at = now()
     where conversation_id = $1`,
    [conversationId, epoch + 1, seq],
  );
  const session = { account: caller.accountId, device: caller.deviceId };
  const { commit, groupInfo, welcome } = bundle;
  const at = await storeCommit(client, {
    conversationId,
    seq,
    session,
    clientMessageId,
    epoch,
    commit,
    groupInfo,
    welcome,
    accepted,
  });
  return { seq, epoch: epoch + 1, at };
}

function checkEpoch({ epoch }: Input, head: Pick<Head, 'epoch' | 'lastSeq'>): void {
  if (epoch !== head.epoch) throw new AppError('stale-epoch', { epoch: head.epoch, lastSeq: head.lastSeq });
}

async function lockHead(client: PoolClient, conversationId: string): Promise<Head> {
  const { rows } = await client.query<{ epoch: string; last_seq: string; awaits_acceptance: boolean }>(
    'select epoch, last_seq, awaits_acceptance from conversation where conversation_id = $1 for no key update',
    [conversationId],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('A conversation went away; none ever does.');
  return { epoch: Number(row.epoch), lastSeq: Number(row.last_seq), awaitsAcceptance: row.awaits_acceptance };
}

/** Throws `not-a-member` for strangers, whether the conversation exists or not. Epoch and group info are of one moment. */
async function readGroup(
  pool: Pool,
  conversationId: string,
  accountId: string,
): Promise<{ epoch: number; lastSeq: number; groupInfo: Buffer }> {
  const { rows } = await pool.query<{ epoch: string; last_seq: string; bytes: Buffer }>(
    `select g.epoch, c.last_seq, g.bytes from conversation c join member m using (conversation_id) join group_info g using (conversation_id)
     where conversation_id = $1 and m.account_id = $2`,
    [conversationId, accountId],
  );
  const row = rows[0];
  if (row === undefined) throw new AppError('not-a-member');
  return { epoch: Number(row.epoch), lastSeq: Number(row.last_seq), groupInfo: row.bytes };
}

/** The commit that this device sent under this id before. Throws `conflict` when a message has the id. */
async function findCommit(
  on: Pool | PoolClient,
  { conversationId, clientMessageId }: Input,
  { accountId, deviceId }: DeviceCaller,
): Promise<{ seq: number; epoch: number } | undefined> {
  const { rows } = await on.query<{ seq: string; epoch: string; is_commit: boolean; sender_account: string }>(
    `select seq, epoch, is_commit, sender_account from message
     where conversation_id = $1 and sender_device = $2 and client_message_id = $3`,
    [conversationId, deviceId, clientMessageId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  if (!row.is_commit || row.sender_account !== accountId) throw new AppError('conflict');
  return { seq: Number(row.seq), epoch: Number(row.epoch) + 1 };
}

/** The members here are a copy of the policy's roster. Only groups change theirs, and there are none yet. */
async function checkRoster(client: PoolClient, conversationId: string, { policy }: AcceptedCommit): Promise<void> {
  const { rows } = await client.query<{ account_id: string }>('select account_id from member where conversation_id = $1', [
    conversationId,
  ]);
  const members = new Set(rows.map(({ account_id }) => account_id));
  const isSame = policy.roster.length === members.size && policy.roster.every(({ account }) => members.has(account));
  if (!isSame || policy.conversationId !== conversationId) throw new AppError('commit-refused', { reason: 'roster' });
}

async function checkRequestCommits(client: PoolClient, conversationId: string): Promise<void> {
  const { rows } = await client.query<{ commits: number }>(
    'select count(*)::integer as commits from message where conversation_id = $1 and is_commit',
    [conversationId],
  );
  if ((rows[0]?.commits ?? 0) > MAX_REQUEST_COMMITS) throw new AppError('rate-limited', { limit: 'request-commits' });
}
