import { randomInt } from 'node:crypto';
import {
  type AccountId,
  type Bound,
  CONTRACTS,
  type ClaimId,
  type ClientMessageId,
  type DeviceId,
  type IdPrefix,
  idFrom,
  type Input,
  type Output,
  type SignaturePurpose,
  type SignedBody,
} from '@rialto/contracts';
import {
  addDevice,
  type Chain,
  Chains,
  createKeyPackage,
  credentialFor,
  type Engine,
  newDeviceId,
  newSigningKey,
  type NewKeyPackage,
  randomBytes,
  Reader,
  ready,
  revokeDevice,
  sign,
  type SigningKey,
  startChain,
  toBase64url,
  xwingSuite,
} from '@rialto/crypto';
import { callHttp } from './call.ts';
import type { System } from './system.ts';

const { identity } = CONTRACTS;
const MAX_CHAIN_ENTRIES = 64;
const KEY_PACKAGES = 4;

export const newId = <T extends string>(prefix: IdPrefix): T => idFrom(prefix, randomBytes(16)) as unknown as T;
export const newMessageId = (): ClientMessageId => newId('msg');
export const newClaimId = (): ClaimId => newId('clm');
export const newHandle = (name: string): string => `${name}_${randomInt(2 ** 47).toString(36)}`;

/** A device with bare keys and no client around them, so that a test may send what no client would. */
export class Device {
  readonly id = newDeviceId() as DeviceId;
  readonly deviceKey: SigningKey = newSigningKey();
  readonly mlsKey: SigningKey = newSigningKey();
  readonly person: Person;
  readonly engine: Engine;
  token = '';

  constructor(person: Person, suite: Engine['suite']) {
    this.person = person;
    this.engine = { suite, chains: new Chains() };
  }
  get certified() {
    return { device: this.id, deviceKey: this.deviceKey.publicKey, mlsKey: this.mlsKey.publicKey };
  }
  get signer() {
    return { device: this.id, privateKey: this.deviceKey.privateKey };
  }

  /** The body of a `device-signed` operation. */
  signedBody(purpose: SignaturePurpose, input: unknown): SignedBody {
    const bytes = typeof input === 'string' || Buffer.isBuffer(input) ? Buffer.from(input) : Buffer.from(JSON.stringify(input));
    return { signed: bytes.toString('base64url'), signature: toBase64url(sign(purpose, bytes, this.deviceKey.privateKey)) };
  }

  /** Calls as this device, over the gateway that `url` names or the first. Signs what must be signed. */
  call<O extends Bound>(operation: O, input: Input<O>, url = this.person.system.url): Promise<Output<O>> {
    const body = operation.signedAs === undefined ? input : (this.signedBody(operation.signedAs, input) as unknown as Input<O>);
    return callHttp(operation, body, { url, token: this.token });
  }

  /** Opens a session by way of the gateway at `url`. */
  async signIn(origin = this.person.system.url, url = this.person.system.url): Promise<string> {
    const where = { url, from: this.person.from };
    const { nonce } = await callHttp(identity.operations.createChallenge, {}, where);
    const request = { accountId: this.person.id, deviceId: this.id, origin, nonce, at: new Date().toISOString() };
    const { token } = await callHttp(identity.operations.createSession, this.signedBody('session', request), where);
    this.token = token;
    return token;
  }

  keyPackage(options: { lastResort?: boolean } = {}): Promise<NewKeyPackage> {
    const credential = credentialFor(this.person.chain, this.id);
    return createKeyPackage(this.engine, this.mlsKey, credential, { nowMs: Date.now(), ...options });
  }

  /** Offers some single-use packages and a last resort; gives back what opens welcomes. */
  async publishKeyPackages(): Promise<NewKeyPackage[]> {
    const made = await Promise.all(Array.from({ length: KEY_PACKAGES }, () => this.keyPackage()));
    const lastResort = await this.keyPackage({ lastResort: true });
    const keyPackages = made.map(({ publicBytes }) => toBase64url(publicBytes));
    await this.call(identity.operations.publishKeyPackages, { keyPackages, lastResort: toBase64url(lastResort.publicBytes) });
    return [...made, lastResort];
  }
}

/** An account as its own device makes it, with its keys in the test's hand. */
export class Person {
  readonly system: System;
  readonly first: Device;
  readonly root: SigningKey = newSigningKey();
  readonly handle: string;
  readonly #suite: Engine['suite'];
  /** Every person comes from a loopback address of its own, as every household has one: limits count by address. */
  readonly from: string;
  chain: Chain;
  packages: NewKeyPackage[] = [];

  private constructor(system: System, name: string, suite: Engine['suite']) {
    this.system = system;
    this.handle = newHandle(name);
    this.#suite = suite;
    this.from = loopbackAddress();
    this.first = new Device(this, suite);
    this.chain = startChain(this.first.certified, this.root);
  }

  /** Somebody with keys and a chain of whom the system has not heard yet. */
  static async draft(system: System, name: string): Promise<Person> {
    await ready();
    return new Person(system, name, await xwingSuite());
  }
  /** A new account on the system, signed in, with a handle and key packages. */
  static async register(system: System, name: string): Promise<Person> {
    const person = await Person.draft(system, name);
    const { id, first, chain, from } = person;
    await callHttp(
      identity.operations.createAccount,
      { accountId: id, chain: toBase64url(chain.bytes) },
      { url: system.url, from },
    );
    await first.signIn();
    await first.call(identity.operations.claimHandle, { accountId: id, handle: person.handle });
    person.packages = await first.publishKeyPackages();
    return person;
  }

  get id(): AccountId {
    return this.chain.account as AccountId;
  }
  get chainSeq(): number {
    return this.chain.heads.length - 1;
  }
  call<O extends Bound>(operation: O, input: Input<O>, url?: string): Promise<Output<O>> {
    return this.first.call(operation, input, url);
  }

  /** A second device, certified by the first and signed in. */
  async addDevice(): Promise<Device> {
    const device = this.certifyDevice();
    await this.#upload();
    await device.signIn();
    return device;
  }
  async revoke(device: Device): Promise<void> {
    this.expelDevice(device);
    await this.#upload();
  }
  /** Adds a second device to the chain in hand; the newest entry is what the server must hear. */
  certifyDevice(): Device {
    const device = new Device(this, this.#suite);
    this.chain = addDevice(this.chain, device.certified, this.first.signer);
    return device;
  }
  expelDevice(device: Device): void {
    this.chain = revokeDevice(this.chain, device.id, this.first.signer);
  }
  async #upload(): Promise<void> {
    const entry = newestEntry(this.chain);
    await this.call(identity.operations.appendToChain, { accountId: this.id, entry });
  }
}

/** All entries of a chain, oldest first, as they travel. */
export const entriesOf = (chainBytes: Uint8Array): string[] =>
  new Reader(chainBytes).list(MAX_CHAIN_ENTRIES).map((entry) => toBase64url(entry));

export function newestEntry(chain: Chain): string {
  const entry = entriesOf(chain.bytes).at(-1);
  if (entry === undefined) throw new Error('an empty chain');
  return entry;
}

/** Linux answers on all of 127.0.0.0/8; elsewhere there is one loopback address, and the limits are met sooner. */
export function loopbackAddress(): string {
  if (process.platform !== 'linux') return '127.0.0.1';
  return `127.${randomInt(1, 250)}.${randomInt(0, 255)}.${randomInt(1, 250)}`;
}
