// What the MLS tests share: accounts with devices, a sequencer that keeps one group info, and a conversation whose members read one log.
import type { ClientState } from 'ts-mls';
import {
  addDevice,
  type Chain,
  Chains,
  type CertifiedDevice,
  type ChainSigner,
  newDeviceId,
  revokeDevice,
  startChain,
} from '../src/device-chain.ts';
import { toBase64url, randomBytes } from '../src/primitives.ts';
import { newSigningKey, type SigningKey } from '../src/signature.ts';
import type { Suite } from '../src/mls/cipher-suite.ts';
import { credentialFor, type LeafCredential } from '../src/mls/credential.ts';
import type { Engine, Intent, Received, Step } from '../src/mls/engine.ts';
import { Group } from '../src/mls/group.ts';
import { decodeSnapshot, type GroupSave, type StoredGroup, storedAfter } from '../src/mls/group-state.ts';
import { createKeyPackage, type NewKeyPackage } from '../src/mls/own-key-package.ts';
import { type Kind, dmPolicy, groupPolicy, selfPolicy } from '../src/mls/policy.ts';
import { type Bundle, judgeCommit, openGroup } from '../src/mls/sequencer.ts';
import { readSealedMessage } from '../src/mls/sealed-message.ts';

export class Account {
  chain: Chain;
  readonly root: SigningKey = newSigningKey();
  readonly devices: Device[];

  constructor(suite: Suite) {
    const first = new Device(this, suite);
    this.chain = startChain(first.certified, this.root);
    this.devices = [first];
  }
  get id(): string {
    return this.chain.account;
  }
  get first(): Device {
    return must(this.devices[0]);
  }
  /** With `id`, a device that calls itself as another one does: a chain alone cannot know. */
  addDevice(suite: Suite, id?: string): Device {
    const device = new Device(this, suite, id);
    this.chain = addDevice(this.chain, device.certified, this.first.signer);
    this.devices.push(device);
    return device;
  }
  revoke(device: Device): void {
    this.devices.splice(this.devices.indexOf(device), 1);
    this.chain = revokeDevice(this.chain, device.id, this.first.signer);
  }
}

export class Device {
  readonly account: Account;
  readonly id: string;
  readonly deviceKey: SigningKey = newSigningKey();
  readonly mlsKey: SigningKey = newSigningKey();
  readonly engine: Engine;

  constructor(account: Account, suite: Suite, id: string = newDeviceId()) {
    this.account = account;
    this.id = id;
    this.engine = { suite, chains: new Chains() };
  }
  get name(): { account: string; device: string } {
    return { account: this.account.id, device: this.id };
  }
  get certified(): CertifiedDevice {
    return { device: this.id, deviceKey: this.deviceKey.publicKey, mlsKey: this.mlsKey.publicKey };
  }
  get signer(): ChainSigner {
    return { device: this.id, privateKey: this.deviceKey.privateKey };
  }
  credential(chain: Chain = this.account.chain): LeafCredential {
    return credentialFor(chain, this.id);
  }
  /** With `credential`, a package that lies about its device. */
  keyPackage(credential: LeafCredential = this.credential()): Promise<NewKeyPackage> {
    return createKeyPackage(this.engine, this.mlsKey, credential, { nowMs: Date.now() });
  }
}

export type Answer = { accepted: true } | { accepted: false; reason: string };

/** The messaging service's part, in memory: the latest group info and one log. */
export class Sequencer {
  readonly #suite: Suite;
  groupInfo: Uint8Array;
  readonly log: Uint8Array[] = [];

  constructor(suite: Suite, groupInfo: Uint8Array) {
    this.#suite = suite;
    this.groupInfo = groupInfo;
  }
  async submit(bundle: Bundle, session: { account: string; device: string }): Promise<Answer> {
    const answer = await judgeCommit({ groupInfo: this.groupInfo, bundle, session }, this.#suite);
    if (!answer.accepted) return { accepted: false, reason: answer.reason };
    this.groupInfo = bundle.groupInfo;
    this.log.push(bundle.commit);
    return { accepted: true };
  }
  append(bytes: Uint8Array): void {
    readSealedMessage(bytes);
    this.log.push(bytes);
  }
}

/** A member and what its device has on disk. */
export type Seat = { device: Device; group: Group; stored: StoredGroup; seen: Set<string>; read: number };

const stored = (save: GroupSave) => storedAfter(undefined, save);

export class Conversation {
  readonly suite: Suite;
  readonly sequencer: Sequencer;
  seats: Seat[];
  readonly id: string;
  #accounts: Account[];
  #sent = new WeakMap<Uint8Array, Seat>();

  private constructor(suite: Suite, id: string, sequencer: Sequencer, seat: Seat, accounts: Account[]) {
    this.suite = suite;
    this.id = id;
    this.sequencer = sequencer;
    this.seats = [seat];
    this.#accounts = accounts;
  }

  /** Opens a conversation and lets the first account add the first device of each other one, all by one commit. */
  static async open(suite: Suite, { kind, accounts }: { kind: Kind; accounts: [Account, ...Account[]] }): Promise<Conversation> {
    const [creator, ...others] = accounts;
    const id = toBase64url(randomBytes(9));
    const policy =
      kind === 'dm'
        ? dmPolicy(id, [creator.id, must(others[0]).id])
        : kind === 'self'
          ? selfPolicy(id, creator.id)
          : groupPolicy(id, creator.id);
    creator.first.engine.chains.learn(creator.chain.bytes);
    const { group, save, groupInfo } = await Group.create(creator.first.engine, await creator.first.keyPackage(), policy);
    await openGroup(groupInfo, creator.chain, suite);
    const seat: Seat = { device: creator.first, group, stored: stored(save), seen: new Set(), read: 0 };
    const conversation = new Conversation(suite, id, new Sequencer(suite, groupInfo), seat, accounts);
    if (others.length > 0) {
      const joiners = others.map((account) => account.first);
      const set = kind === 'group' ? { roster: { set: others.map((account) => entry(account, false)) } } : {};
      await conversation.add(seat, joiners, set);
    }
    return conversation;
  }

  seat(device: Device): Seat {
    return must(this.seats.find((candidate) => candidate.device === device));
  }

  /** Writes what a step wants saved, then lets it take effect: the order that the engine asks for. */
  take<T>(seat: Seat, step: Step<T>): T {
    if (step.save) seat.stored = storedAfter(seat.stored, step.save);
    step.settle();
    return step.result;
  }

  reload(seat: Seat): void {
    seat.group = Group.load(seat.device.engine, seat.stored);
  }

  /** As a client does it: the message table refuses a second row with the same mark, in the transaction that saves the state. */
  async receive(seat: Seat, bytes: Uint8Array): Promise<Received> {
    const key = (mark: { epoch: bigint; leaf: number; messageId: string }) => `${mark.epoch} ${mark.leaf} ${mark.messageId}`;
    const result = this.take(seat, await seat.group.receive(bytes, { seen: (mark) => seat.seen.has(key(mark)) }));
    if (result.kind === 'message') seat.seen.add(key(result.message.mark));
    return result;
  }

  async send(seat: Seat, plaintext: Uint8Array): Promise<Uint8Array> {
    const { bytes } = this.take(seat, await seat.group.send(plaintext));
    this.#sent.set(bytes, seat);
    this.sequencer.append(bytes);
    return bytes;
  }

  submit(seat: Seat, bundle: Bundle): Promise<Answer> {
    return this.sequencer.submit(bundle, seat.device.name);
  }

  /** Commits until it wins: catch up, try, and try again when somebody else was first. */
  async commit(seat: Seat, intent: Intent): Promise<Bundle> {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await this.catchUp(seat);
      const bundle = this.take(seat, await seat.group.commit(intent));
      const answer = await this.submit(seat, bundle);
      if (answer.accepted) {
        await this.catchUp(seat);
        return bundle;
      }
      if (answer.reason !== 'stale-epoch') throw new Error(answer.reason);
    }
    throw new Error('never won');
  }

  async add(seat: Seat, devices: Device[], intent: Intent = {}): Promise<void> {
    const packages = await Promise.all(devices.map((device) => device.keyPackage()));
    const chains = [...new Set(devices.map((device) => device.account.chain))];
    const add = packages.map((own) => own.publicBytes);
    const { welcome } = await this.commit(seat, { ...intent, add, evidence: { chains } });
    for (const [index, device] of devices.entries()) {
      this.teach(device);
      const own = must(packages[index]);
      const { group, save } = await Group.join(device.engine, own, must(welcome), { conversationId: this.id });
      this.seats.push({ device, group, stored: stored(save), seen: new Set(), read: this.sequencer.log.length });
    }
  }

  /** Comes back in place of the seat's old leaf, with a new state. */
  async rejoin(seat: Seat): Promise<void> {
    const { device } = seat;
    this.teach(device);
    const { groupInfo } = this.sequencer;
    const evidence = { chains: [device.account.chain] };
    const rejoined = await Group.rejoin(device.engine, await device.keyPackage(), { groupInfo, pin: seat.group.pin, evidence });
    const answer = await this.submit(seat, rejoined.bundle);
    if (!answer.accepted) throw new Error(answer.reason);
    Object.assign(seat, { group: rejoined.group, stored: stored(rejoined.save), read: this.sequencer.log.length });
  }

  /** The chains that the identity service would serve: every version still named by a leaf is a prefix of the newest. */
  teach(device: Device): void {
    for (const account of this.#accounts) device.engine.chains.learn(account.chain.bytes);
  }

  know(account: Account): void {
    if (!this.#accounts.includes(account)) this.#accounts.push(account);
  }

  async catchUp(seat: Seat): Promise<Received[]> {
    const received: Received[] = [];
    while (seat.read < this.sequencer.log.length && this.seats.includes(seat)) {
      const bytes = must(this.sequencer.log[seat.read]);
      seat.read += 1;
      if (this.#sent.get(bytes) === seat) continue; // a device knows its own messages by their bytes
      const result = await this.receive(seat, bytes);
      if (result.kind === 'removed') this.seats.splice(this.seats.indexOf(seat), 1);
      received.push(result);
    }
    return received;
  }

  async everyoneCatchesUp(): Promise<void> {
    for (const seat of this.seats.slice()) await this.catchUp(seat);
  }
}

export const entry = (account: Account, admin: boolean, minChainSeq = 0) => ({
  account: account.id,
  role: admin ? ('admin' as const) : ('member' as const),
  minChainSeq,
});

/** The raw state behind a seat: what an attacker who is a member, or a probe, works with. */
export const rawState = (seat: Seat): ClientState => decodeSnapshot(seat.stored, seat.device.engine.chains).snapshot.state;

export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('expected a value');
  return value;
}
