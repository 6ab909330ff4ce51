// People with real key chains, and their devices with MLS keys and an engine each.
import type { AccountId, DeviceId } from '@rialto/contracts';
import {
  addDevice,
  type Chain,
  Chains,
  createKeyPackage,
  credentialFor,
  type Engine,
  newDeviceId,
  newSigningKey,
  type OwnKeyPackage,
  revokeDevice,
  type SigningKey,
  startChain,
  type Suite,
} from '@rialto/crypto';

/** One device: its token is what the session gave it. */
export class Device {
  readonly id: DeviceId;
  readonly deviceKey: SigningKey = newSigningKey();
  readonly mlsKey: SigningKey = newSigningKey();
  readonly engine: Engine;
  readonly person: Person;
  token = '';
  constructor(person: Person, suite: Suite, id = newDeviceId() as DeviceId) {
    this.person = person;
    this.id = id;
    this.engine = { suite, chains: new Chains() };
  }
  get certified() {
    return { device: this.id, deviceKey: this.deviceKey.publicKey, mlsKey: this.mlsKey.publicKey };
  }
  get signer() {
    return { device: this.id, privateKey: this.deviceKey.privateKey };
  }
  keyPackage(): Promise<OwnKeyPackage> {
    return createKeyPackage(this.engine, this.mlsKey, credentialFor(this.person.chain, this.id), { nowMs: Date.now() });
  }
}

/** An account; the first device signs what changes its chain. */
export class Person {
  chain: Chain;
  readonly first: Device;
  readonly #suite: Suite;
  constructor(suite: Suite) {
    this.#suite = suite;
    this.first = new Device(this, suite);
    this.chain = startChain(this.first.certified, newSigningKey());
  }
  get id(): AccountId {
    return this.chain.account as AccountId;
  }
  addDevice(id?: DeviceId): Device {
    const device = new Device(this, this.#suite, id);
    this.chain = addDevice(this.chain, device.certified, this.first.signer);
    return device;
  }
  revoke(device: Device): void {
    this.chain = revokeDevice(this.chain, device.id, this.first.signer);
  }
}
