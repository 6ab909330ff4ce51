import {
  type AccountId,
  AppError,
  type ConversationId,
  type DeviceCaller,
  type DeviceId,
  type Handlers,
  identity,
  MAX_OPEN_REQUESTS,
  messaging,
} from '@rialto/contracts';
import { openGroup, type PublicSuite, readChain } from '@rialto/crypto/server';
import type { Database, NatsClient, Push } from '@rialto/service';
import type { Pool, PoolClient } from 'pg';
import { areBlocked, lockPair } from './blocks.ts';
import { type AcceptedCommit, bundleOf, judge } from './bundle.ts';
import { bytesOf } from './bytes.ts';
import type { Conversations } from './conversations.ts';
import { isDmOf, type Pair, pairOf } from './domain/dm.ts';
import type { Standing } from './domain/standing.ts';
import { storeCommit } from './sequence.ts';

type Operations = Handlers<typeof messaging>;
type Opening = Parameters<Operations['createDm']>[0];
/** A conversation begins with the commit that adds everybody; it ends epoch 0. */
const OPENING_SEQ = 1;
const OPENING_EPOCH = 0;

interface Parts {
  readonly database: Database;
  readonly nats: NatsClient;
  readonly push: Push;
  readonly suite: PublicSuite;
  readonly conversations: Conversations;
}
interface Opened {
  readonly created: boolean;
  readonly conversationId: ConversationId;
  readonly at?: string;
  readonly peerStanding?: Standing;
}

/** Conversations of two. One a pair, whoever opens it first; the other one is told which it is. */
export class Dms {
  readonly #database: Database;
  readonly #nats: NatsClient;
  readonly #push: Push;
  readonly #suite: PublicSuite;
  readonly #conversations: Conversations;
  constructor({ database, nats, push, suite, conversations }: Parts) {
    this.#database = database;
    this.#nats = nats;
    this.#push = push;
    this.#suite = suite;
    this.#conversations = conversations;
  }

  find: Operations['findDm'] = async ({ peer }, { accountId }) => {
    const found = await findDm(this.#database.pool, pairOf(accountId, peer));
    return { conversationId: found?.conversationId ?? null };
  };

  create: Operations['createDm'] = async (input, caller) => {
    if (input.peer === caller.accountId || input.epoch !== OPENING_EPOCH) throw new AppError('invalid-input');
    const pair = pairOf(caller.accountId, input.peer);
    const opened =
      (await this.#settled(this.#database.pool, { pair, input, caller })) ?? (await this.#judgeAndOpen(input, { pair, caller }));
    const { conversationId, created } = opened;
    // Who tries to open what the other one has opened already wants the conversation as well.
    if (!created) await this.#conversations.acceptAs(caller.accountId, conversationId);
    return { conversationId, created, seq: OPENING_SEQ };
  };

  async #judgeAndOpen(input: Opening, { pair, caller }: { pair: Pair; caller: DeviceCaller }): Promise<Opened> {
    const accepted = await this.#judge(input, { pair, caller });
    const opened = await this.#database.transaction((client) => this.#open(client, { input, pair, caller, accepted }));
    if (opened.at !== undefined)
      this.#tell({ input, caller, accepted, at: opened.at, peerStanding: opened.peerStanding ?? 'requested' });
    return opened;
  }

  /** What can be answered without judging anything: the pair has its conversation, or one of the two has blocked the other. */
  async #settled(
    on: Pool | PoolClient,
    { pair, input, caller }: { pair: Pair; input: Opening; caller: DeviceCaller },
  ): Promise<Opened | undefined> {
    const known = await findDm(on, pair);
    if (known !== undefined) {
      const created = known.conversationId === input.conversationId && known.createdBy === caller.accountId;
      return { created, conversationId: known.conversationId };
    }
    if (await areBlocked(on, pair)) throw new AppError('not-reachable');
    return undefined;
  }

  /** The group must be the dm of these two by its own policy, made by this device, and have devices of both after the commit. */
  async #judge(input: Opening, { pair, caller }: { pair: Pair; caller: DeviceCaller }): Promise<AcceptedCommit> {
    const initialGroupInfo = bytesOf(input.initialGroupInfo);
    const bundle = bundleOf(input);
    const { chain } = await this.#nats.call(identity.operations.getChain, { accountId: caller.accountId });
    const head = await openGroup(initialGroupInfo, readChain(bytesOf(chain)), this.#suite).catch((error: unknown) => {
      throw new AppError('commit-refused', { reason: 'initial-group-info' }, error);
    });
    const isOwn = head.creator.account === caller.accountId && head.creator.device === caller.deviceId;
    if (!isOwn || !isDmOf(head.policy, { conversationId: input.conversationId, pair })) {
      throw new AppError('commit-refused', { reason: 'not-this-dm' });
    }
    const session = { account: caller.accountId, device: caller.deviceId };
    const accepted = await judge({ groupInfo: initialGroupInfo, bundle, session }, this.#suite).catch((error: unknown) => {
      // A conversation that is about to begin has not moved on: its first commit names the wrong epoch.
      if (error instanceof AppError && error.code === 'stale-epoch') throw new AppError('commit-refused', { reason: 'epoch' });
      throw error;
    });
    if (!accepted.added.some(({ account }) => account === input.peer))
      throw new AppError('commit-refused', { reason: 'nobody-added' });
    return accepted;
  }

  async #open(
    client: PoolClient,
    { input, pair, caller, accepted }: { input: Opening; pair: Pair; caller: DeviceCaller; accepted: AcceptedCommit },
  ): Promise<Opened> {
    await lockPair(client, pair);
    const settled = await this.#settled(client, { pair, input, caller });
    if (settled !== undefined) return settled;
    const peerStanding = (await haveMet(client, caller.accountId, input.peer)) ? 'accepted' : 'requested';
    if (peerStanding === 'requested') await checkOpenRequests(client, caller.accountId);
    await insertDm(client, { input, pair, caller, peerStanding });
    const at = await storeCommit(client, {
      conversationId: input.conversationId,
      seq: OPENING_SEQ,
      session: { account: caller.accountId, device: caller.deviceId },
      clientMessageId: input.clientMessageId,
      epoch: OPENING_EPOCH,
      ...bundleOf(input),
      welcome: input.welcome === null ? undefined : bytesOf(input.welcome),
      accepted,
    });
    return { created: true, conversationId: input.conversationId, at, peerStanding };
  }

  #tell({ input, caller, accepted, at, peerStanding }: Told): void {
    const { conversationId, clientMessageId, peer } = input;
    const { accountId, deviceId } = caller;
    this.#push.toAccount(messaging.events.conversationChanged, accountId, { conversationId, standing: 'accepted' });
    this.#push.toAccount(messaging.events.conversationChanged, peer, { conversationId, standing: peerStanding });
    for (const added of accepted.added) {
      const device = added.device as DeviceId;
      this.#push.toDevice(messaging.events.welcome, added.account, device, { deviceId: device, conversationId });
    }
    this.#push.toAccounts(messaging.events.message, [accountId, peer], {
      conversationId,
      seq: OPENING_SEQ,
      kind: 'commit',
      epoch: OPENING_EPOCH,
      senderAccount: accountId,
      senderDevice: deviceId,
      clientMessageId,
      bytes: input.commit,
      at,
    });
  }
}

interface Told {
  readonly input: Opening;
  readonly caller: DeviceCaller;
  readonly accepted: AcceptedCommit;
  readonly at: string;
  readonly peerStanding: Standing;
}

export async function findDm(
  on: Pool | PoolClient,
  pair: Pair,
): Promise<{ conversationId: ConversationId; createdBy: AccountId } | undefined> {
  const { rows } = await on.query<{ conversation_id: ConversationId; created_by: AccountId }>(
    'select conversation_id, created_by from dm join conversation using (conversation_id) where first_account = $1 and second_account = $2',
    [...pair],
  );
  return rows[0] === undefined ? undefined : { conversationId: rows[0].conversation_id, createdBy: rows[0].created_by };
}

/** People who have both accepted another conversation need not ask again. */
async function haveMet(client: PoolClient, one: string, other: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from member a join member b using (conversation_id)
     where a.account_id = $1 and b.account_id = $2 and a.standing = 'accepted' and b.standing = 'accepted' limit 1`,
    [one, other],
  );
  return rowCount === 1;
}

/** Requests of one account are opened one after the other, so that the count is exact. */
async function checkOpenRequests(client: PoolClient, accountId: string): Promise<void> {
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`requests ${accountId}`]);
  const { rows } = await client.query<{ open: number }>(
    'select count(*)::integer as open from conversation where created_by = $1 and awaits_acceptance',
    [accountId],
  );
  if ((rows[0]?.open ?? 0) >= MAX_OPEN_REQUESTS) throw new AppError('request-full', { limit: MAX_OPEN_REQUESTS });
}

async function insertDm(
  client: PoolClient,
  { input, pair, caller, peerStanding }: { input: Opening; pair: Pair; caller: DeviceCaller; peerStanding: Standing },
): Promise<void> {
  const { rowCount } = await client.query(
    `insert into conversation (conversation_id, kind, created_by, epoch, last_seq, awaits_acceptance)
     values ($1, 'dm', $2, $3, $4, $5) on conflict (conversation_id) do nothing`,
    [input.conversationId, caller.accountId, OPENING_EPOCH + 1, OPENING_SEQ, peerStanding === 'requested'],
  );
  if (rowCount === 0) throw new AppError('conflict'); // another pair's conversation has this id
  await client.query('insert into dm (first_account, second_account, conversation_id) values ($1, $2, $3)', [
    ...pair,
    input.conversationId,
  ]);
  await client.query(`insert into member (conversation_id, account_id, standing) values ($1, $2, 'accepted'), ($1, $3, $4)`, [
    input.conversationId,
    caller.accountId,
    input.peer,
    peerStanding,
  ]);
}
