import { type AccountId, AppError, type ClientMessageId, type ConversationId, idFrom } from '@rialto/contracts';
import {
  ChainMissing,
  CommitRefused,
  currentDevices,
  type Chain,
  decodePin,
  encodePin,
  type Engine,
  fromBase64url,
  Group,
  randomBytes,
  readWelcome,
  toBase64url,
} from '@rialto/crypto';
import type { KeyPackages } from '../account/key-packages.ts';
import { ClientError } from '../client-error.ts';
import type { Emitter } from '../events.ts';
import type { Outgoing, OutgoingCommit } from '../messages/outgoing-record.ts';
import type { Api } from '../transport/api.ts';
import type { Cell } from './cell.ts';
import { MAX_REJOINS_PER_DAY } from './conversation-record.ts';
import { removalOf, revokedDevices } from './revoked-devices.ts';
import { dayOf } from './row-failure.ts';

const MAX_COMMIT_TRIES = 5;

export interface MembershipPorts {
  readonly api: Pick<Api['messaging'], 'commit' | 'getGroupInfo'>;
  readonly engine: Engine;
  readonly keyPackages: KeyPackages;
  readonly outgoing: Outgoing;
  readonly events: Pick<Emitter, 'emit'>;
  readonly me: { readonly accountId: AccountId; readonly deviceId: string };
  ownChain(): Chain;
  now(): number;
  /** Reads the conversation's log up to its end. */
  sync(cell: Cell): Promise<void>;
  entered(cell: Cell, epoch: number): void;
  /** Asks for the chains of both, within a limit. Not inside `cell.run`. */
  freshChains(cell: Cell): Promise<void>;
}
export interface WaitingWelcome {
  readonly seq: number;
  readonly welcome: string;
}

/** How this device comes into a group, comes back into one, and ends epochs. */
export class Membership {
  readonly #ports: MembershipPorts;
  constructor(ports: MembershipPorts) {
    this.#ports = ports;
  }

  /** Joins by a welcome. A chain that it names and that is not here is asked for, once. */
  async join(cell: Cell, waiting: WaitingWelcome): Promise<boolean> {
    try {
      return await this.#join(cell, waiting);
    } catch (error) {
      if (!(error instanceof ChainMissing)) throw error;
      await this.#ports.freshChains(cell);
      return this.#join(cell, waiting);
    }
  }

  /** The key package that the welcome answers is deleted in the transaction that stores the group. */
  #join(cell: Cell, { welcome, seq }: WaitingWelcome): Promise<boolean> {
    return cell.run(async () => {
      const { record } = cell;
      if (record.membership === 'joined' || record.standing !== 'accepted') return false;
      const { keyPackages, events, engine } = this.#ports;
      const bytes = fromBase64url(welcome);
      const found = await keyPackages.find(readWelcome(bytes).refs);
      if (!found) return false;
      const known = record.pin === null ? {} : { pin: decodePin(fromBase64url(record.pin)) };
      const entered = await Group.join(engine, found.own, bytes, { conversationId: record.id, ...known });
      const isUnderstood = isDm(entered.group, record.id, [this.#ports.me.accountId, record.peer]);
      if (!isUnderstood) throw new ClientError('server-lied');
      const pin = toBase64url(encodePin(entered.group.pin));
      const joined = { ...record, membership: 'joined' as const, joinedAt: seq, pin, needsSelfUpdate: true, waitingSince: null };
      await cell.begin(joined, entered, keyPackages.used(found));
      if (found.isLastResort) events.emit('problem', { code: 'welcomed-by-last-resort', conversationId: record.id });
      events.emit('conversations.changed', { conversationId: record.id });
      this.#ports.entered(cell, Number(entered.group.epoch));
      return true;
    });
  }

  /** Fresh key material right after joining, so that nothing depends on a key package any more. Failing is no harm: it is tried again. */
  async selfUpdate(cell: Cell): Promise<void> {
    if (!cell.record.needsSelfUpdate || cell.record.membership !== 'joined') return;
    await this.#commit(cell, { kind: 'update' });
  }

  /**
   * Takes the own account's revoked devices out, all in one commit, again when another's commit was first. Failing is no harm to what
   * is in the chain already: it is tried again whenever this conversation is read.
   */
  async removeRevoked(cell: Cell): Promise<void> {
    const { me, ownChain } = this.#ports;
    for (let attempt = 0; attempt < MAX_COMMIT_TRIES; attempt += 1) {
      const isClean = await cell.run(
        async () =>
          !cell.exists || cell.record.membership !== 'joined' || revokedDevices(cell.group, ownChain(), me.deviceId).length === 0,
      );
      if (isClean) return;
      await this.#commit(cell, { kind: 'remove' });
    }
  }

  /** Goes on with a commit that was cut off: its bytes go out again as they were. */
  async resume(cell: Cell): Promise<void> {
    const commit = await this.#ports.outgoing.commit(cell.id as ConversationId);
    if (!commit || commit.what.kind === 'open') return;
    if (commit.what.kind === 'rejoin') await this.#submitRejoin(cell, commit);
    else await this.#commit(cell, commit.what);
  }

  /**
   * Comes back by external commit, believing group info only as far as the pin allows, at most `MAX_REJOINS_PER_DAY` times a day.
   * Returns whether this device is in the group again.
   */
  async rejoin(cell: Cell): Promise<boolean> {
    const { api, freshChains } = this.#ports;
    if (!(await cell.run(() => this.#mayRejoin(cell)))) return false;
    const { groupInfo } = await api.getGroupInfo({ conversationId: cell.record.id });
    await freshChains(cell);
    const commit = await cell.run(() => this.#planRejoin(cell, groupInfo));
    return commit ? this.#submitRejoin(cell, commit) : false;
  }

  async #mayRejoin(cell: Cell): Promise<boolean> {
    const { pin } = cell.record;
    const { day, count } = this.#rejoinsToday(cell);
    if (pin !== null && count < MAX_REJOINS_PER_DAY) return true;
    await this.#giveUp(cell, { day, count });
    return false;
  }

  #rejoinsToday({ record: { rejoins } }: Cell): { day: string; count: number } {
    const day = dayOf(this.#ports.now());
    return { day, count: rejoins.day === day ? rejoins.count : 0 };
  }

  async #planRejoin(cell: Cell, groupInfo: string): Promise<OutgoingCommit | undefined> {
    const { record } = cell;
    const { engine, keyPackages, outgoing, events, ownChain } = this.#ports;
    if (record.membership !== 'broken' || record.pin === null) return undefined; // it came back while the server was asked
    const { day, count } = this.#rejoinsToday(cell);
    const pin = decodePin(fromBase64url(record.pin));
    const from = { groupInfo: fromBase64url(groupInfo), pin, evidence: { chains: [ownChain()] } };
    const entered = await Group.rejoin(engine, await keyPackages.fresh(), from).catch(async (error: unknown) => {
      // Group info that the pin refuses will be refused again: a member has to add this device.
      if (!(error instanceof CommitRefused)) throw error;
      await cell.write({ patch: { membership: 'lost', rejoins: { day, count: count + 1 } } });
      events.emit('problem', { code: 'conversation-needs-repair', conversationId: record.id, detail: error.reason });
      return undefined;
    });
    if (!entered) return undefined;
    const { state, tree } = entered.save;
    const commit: OutgoingCommit = {
      conversationId: record.id,
      id: idFrom<ClientMessageId>('msg', randomBytes(16)),
      state: 'published',
      what: {
        kind: 'rejoin',
        group: { state: toBase64url(state), tree: toBase64url(tree?.bytes ?? new Uint8Array()) },
        pin: toBase64url(encodePin(entered.group.pin)),
      },
      bundle: {
        epoch: Number(entered.group.epoch) - 1,
        commit: toBase64url(entered.bundle.commit),
        groupInfo: toBase64url(entered.bundle.groupInfo),
        welcome: null,
      },
    };
    await cell.write({
      patch: { rejoins: { day, count: count + 1 }, membership: 'broken' },
      changes: [outgoing.putCommit(commit)],
    });
    return commit;
  }

  /** Without a pin only a member can help; after too many tries today, tomorrow may. It is told once. */
  async #giveUp(cell: Cell, { day, count }: { day: string; count: number }): Promise<void> {
    const { record } = cell;
    const isTold = record.pin === null ? record.membership === 'lost' : count > MAX_REJOINS_PER_DAY;
    if (isTold) return;
    const membership = record.pin === null ? 'lost' : 'broken';
    await cell.write({ patch: { membership, rejoins: { day, count: MAX_REJOINS_PER_DAY + 1 } } });
    this.#ports.events.emit('problem', { code: 'conversation-needs-repair', conversationId: record.id });
    this.#ports.events.emit('conversations.changed', { conversationId: record.id });
  }

  async #submitRejoin(cell: Cell, commit: OutgoingCommit): Promise<boolean> {
    const { outgoing, engine, events } = this.#ports;
    if (commit.what.kind !== 'rejoin') throw new Error('not a rejoin');
    const { group: saved, pin } = commit.what;
    try {
      const { seq } = await this.#submit(commit);
      await cell.run(async () => {
        const save = { state: fromBase64url(saved.state), tree: fromBase64url(saved.tree) };
        const group = Group.load(engine, save);
        const tree = { epoch: group.epoch, bytes: save.tree };
        const joined = { membership: 'joined' as const, joinedAt: seq, pin, needsSelfUpdate: false, unreadableInARow: 0 };
        await cell.begin({ ...cell.record, ...joined }, { group, save: { state: save.state, tree } }, [
          outgoing.deleteCommit(cell.record.id),
        ]);
      });
      events.emit('conversations.changed', { conversationId: cell.record.id });
      return true;
    } catch (error) {
      if (!(error instanceof AppError) || (error.code !== 'stale-epoch' && error.code !== 'commit-refused')) throw error;
      await cell.run(() => cell.write({ changes: [outgoing.deleteCommit(cell.record.id)] }));
      return false;
    }
  }

  /** Commits until it wins: prepare, send, read the log; when another was first, prepare anew on what it made. */
  async #commit(cell: Cell, what: Extract<OutgoingCommit['what'], { kind: 'update' | 'remove' }>): Promise<void> {
    for (let attempt = 0; attempt < MAX_COMMIT_TRIES; attempt += 1) {
      const commit = await cell.run(() => this.#prepared(cell, what));
      if (!commit) return;
      try {
        await this.#submit(commit);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        if (error.code === 'commit-refused' || error.code === 'not-a-member') return this.#drop(cell);
        if (error.code !== 'stale-epoch') throw error;
      }
      await this.#ports.sync(cell); // gives the group the winner, ours or not
      if (!(await this.#ports.outgoing.commit(cell.id as ConversationId))) return;
    }
  }

  async #prepared(
    cell: Cell,
    what: Extract<OutgoingCommit['what'], { kind: 'update' | 'remove' }>,
  ): Promise<OutgoingCommit | undefined> {
    const { outgoing, me, ownChain } = this.#ports;
    const waiting = await outgoing.commit(cell.record.id);
    if (waiting?.state === 'published' && cell.group.hasPendingCommit) return waiting;
    if (cell.record.membership !== 'joined') return undefined;
    const intent = what.kind === 'update' ? {} : removalOf(cell.group, ownChain(), me.deviceId);
    if (!intent) return undefined;
    const epoch = Number(cell.group.epoch);
    const step = await cell.group.commit(intent);
    const { commit, groupInfo, welcome } = step.result;
    const published: OutgoingCommit = {
      conversationId: cell.record.id,
      id: idFrom<ClientMessageId>('msg', randomBytes(16)),
      what,
      state: 'published',
      bundle: {
        epoch,
        commit: toBase64url(commit),
        groupInfo: toBase64url(groupInfo),
        welcome: welcome ? toBase64url(welcome) : null,
      },
    };
    await cell.write({ changes: [outgoing.putCommit(published)], step });
    return published;
  }

  async #submit({ conversationId, id, bundle }: OutgoingCommit): Promise<{ seq: number }> {
    if (!bundle) throw new Error('a commit without its bundle');
    return this.#ports.api.commit({ conversationId, clientMessageId: id, ...bundle });
  }

  #drop(cell: Cell): Promise<void> {
    return cell.run(async () => {
      const changes = [this.#ports.outgoing.deleteCommit(cell.record.id)];
      const step = cell.hasGroup && cell.group.hasPendingCommit ? await cell.group.dropPending() : undefined;
      await cell.write({ changes, ...(step && { step }) });
    });
  }
}

/** A welcome may come from anybody: it must be for the conversation of exactly these two, and hold nobody else. */
function isDm(group: Group, conversationId: string, accounts: readonly string[]): boolean {
  const { policy, members } = group;
  const roster = policy.roster.map(({ account }) => account);
  return (
    policy.kind === 'dm' &&
    policy.conversationId === conversationId &&
    roster.length === accounts.length &&
    accounts.every((account) => roster.includes(account)) &&
    members.every(({ account }) => accounts.includes(account))
  );
}

/** The devices of a chain but this one: what has to be added to a conversation beside it. */
export const otherDevices = (chain: Chain, own: string): string[] =>
  [...currentDevices(chain).keys()].filter((device) => device !== own);
