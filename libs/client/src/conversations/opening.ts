import { type AccountId, AppError, type ClaimId, type ClientMessageId, type ConversationId, idFrom } from '@rialto/contracts';
import {
  type Chain,
  dmPolicy,
  encodePin,
  type Engine,
  fromBase64url,
  Group,
  KeyPackageError,
  randomBytes,
  readKeyPackage,
  toBase64url,
} from '@rialto/crypto';
import type { KeyPackages } from '../account/key-packages.ts';
import { ClientError } from '../client-error.ts';
import type { MessageRecord } from '../messages/message-record.ts';
import type { Outbox } from '../messages/outbox.ts';
import type { Outgoing, OutgoingCommit } from '../messages/outgoing-record.ts';
import type { People } from '../people/people.ts';
import type { Api } from '../transport/api.ts';
import { type Cell, LEAVE_GROUP } from './cell.ts';
import { type ConversationRecord, newConversation } from './conversation-record.ts';
import { otherDevices } from './membership.ts';

export interface OpeningPorts {
  readonly api: {
    readonly messaging: Pick<Api['messaging'], 'createDm'>;
    readonly identity: Pick<Api['identity'], 'claimKeyPackages'>;
  };
  readonly engine: Engine;
  readonly keyPackages: KeyPackages;
  readonly outgoing: Outgoing;
  readonly outbox: Pick<Outbox, 'failuresOf'>;
  readonly people: Pick<People, 'learnChain' | 'trustedChain' | 'refresh'>;
  readonly me: { readonly accountId: AccountId; readonly deviceId: string };
  ownChain(): Chain;
  now(): number;
  cell(id: ConversationId): Cell;
  show(records: readonly MessageRecord[]): void;
}
/** `created: false`: the two have a conversation already, `id`; ours, in `cell`, has to give way to it. */
export interface Opened {
  readonly id: ConversationId;
  readonly created: boolean;
  readonly cell: Cell;
}

/** Opens the conversation of two people: a group with all devices of both, stored here before the server hears of it. */
export class Opening {
  readonly #ports: OpeningPorts;
  constructor(ports: OpeningPorts) {
    this.#ports = ports;
  }

  /**
   * `again`: one that the server refused before. It keeps its id and what was written into it, and gets another group: under the first one
   * nothing was ever sealed. Throws `AppError` (`not-reachable`, `request-full`) and `ClientError` (`keys-changed`, `server-lied`).
   */
  async open(peer: AccountId, again?: Cell): Promise<Opened> {
    const { me, engine, keyPackages, outgoing, ownChain, cell } = this.#ports;
    await this.#ports.people.trustedChain(peer);
    const theirs = await this.#claim(peer);
    if (theirs.packages.length === 0) throw new AppError('not-reachable');
    const hasOthers = otherDevices(ownChain(), me.deviceId).length > 0;
    const ours = hasOthers ? await this.#claim(me.accountId) : { packages: [], chain: ownChain() };
    const id = again?.record.id ?? idFrom<ConversationId>('cnv', randomBytes(16));
    const entered = await Group.create(engine, await keyPackages.fresh(), dmPolicy(id, [me.accountId, peer]));
    const step = await entered.group.commit({
      add: [...theirs.packages, ...ours.packages],
      evidence: { chains: [theirs.chain, ours.chain] },
    });
    const { commit, groupInfo, welcome } = step.result;
    const intent: OutgoingCommit = {
      conversationId: id,
      id: idFrom<ClientMessageId>('msg', randomBytes(16)),
      what: { kind: 'open', peer, initialGroupInfo: toBase64url(entered.groupInfo) },
      state: 'published',
      bundle: {
        epoch: 0,
        commit: toBase64url(commit),
        groupInfo: toBase64url(groupInfo),
        welcome: welcome ? toBase64url(welcome) : null,
      },
    };
    const record = {
      ...(again?.record ?? this.#newRecord(id, peer)),
      membership: 'opening' as const,
      pin: toBase64url(encodePin(entered.group.pin)),
    };
    // One transaction for the group with its pending commit: the tree of the second save holds what the first one's did.
    const tree = step.save?.tree ?? entered.save.tree;
    const save = { state: step.save?.state ?? entered.save.state, ...(tree && { tree }) };
    const fresh = cell(id);
    await fresh.run(() => fresh.begin(record, { group: entered.group, save }, [outgoing.putCommit(intent)]));
    step.settle();
    return this.submit(fresh, intent);
  }

  /** Asks the server, with the same bytes however often. What it refuses for good is not tried again by itself. */
  async submit(cell: Cell, { what, bundle, conversationId, id }: OutgoingCommit): Promise<Opened> {
    if (what.kind !== 'open' || !bundle) throw new Error('not an opening');
    const { api } = this.#ports;
    try {
      const { peer, initialGroupInfo } = what;
      const answer = await api.messaging.createDm({ conversationId, clientMessageId: id, peer, initialGroupInfo, ...bundle });
      const created = answer.conversationId === conversationId;
      if (created) await cell.run(() => confirm(cell));
      return { id: answer.conversationId, created, cell };
    } catch (error) {
      if (isRefusal(error)) await this.refuse(cell, error.code);
      throw error;
    }
  }

  /**
   * There will be no such conversation: it goes, unless the user wrote into it. Then its messages fail with the reason, and stay, for
   * trying again.
   */
  refuse(cell: Cell, error: string): Promise<void> {
    const { outgoing, outbox, show } = this.#ports;
    return cell.run(async () => {
      const { changes, shown, isEmpty } = await outbox.failuresOf(cell, error);
      const all = [...changes, outgoing.deleteCommit(cell.record.id)];
      if (isEmpty) return cell.forget(all);
      await cell.write({ patch: { membership: 'refused' }, changes: all, step: LEAVE_GROUP });
      show(shown);
    });
  }

  #newRecord(id: ConversationId, peer: AccountId): ConversationRecord {
    const activeAt = new Date(this.#ports.now()).toISOString();
    return newConversation({ id, peer, standing: 'accepted', membership: 'opening', createdByMe: true, activeAt });
  }

  /** One key package of each device, each checked against the account's own chain. A device without a usable one is left out. */
  async #claim(accountId: AccountId): Promise<{ packages: Uint8Array[]; chain: Chain }> {
    const { api, people, engine, me, now } = this.#ports;
    const claimId = idFrom<ClaimId>('clm', randomBytes(16));
    const { chain: offered, keyPackages } = await api.identity.claimKeyPackages({ accountId, claimId });
    const chain = await people.learnChain(accountId, offered);
    const packages = new Map<string, Uint8Array>();
    for (const { keyPackage } of keyPackages) {
      const bytes = fromBase64url(keyPackage);
      const checked = await readKeyPackage(bytes, { chain, nowMs: now(), suite: engine.suite }).catch((error: unknown) => {
        if (!(error instanceof KeyPackageError)) throw error;
        return undefined;
      });
      if (!checked) continue;
      if (checked.account !== accountId) throw new ClientError('server-lied');
      if (checked.device !== me.deviceId) packages.set(checked.device, bytes);
    }
    return { packages: [...packages.values()], chain };
  }
}

/** An answer after which asking again is of no use. That this device is not signed in says nothing of the conversation. */
export function isRefusal(error: unknown): error is AppError | ClientError {
  if (error instanceof ClientError) return error.code === 'keys-changed' || error.code === 'server-lied';
  return error instanceof AppError && !error.retryable && error.code !== 'unauthenticated';
}

/** The log may have been faster than the answer; then it is confirmed already. */
async function confirm(cell: Cell): Promise<void> {
  if (cell.record.membership === 'opening') await cell.write({ patch: { membership: 'joined' } });
}
