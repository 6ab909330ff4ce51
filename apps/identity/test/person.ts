// People as their own devices make them: a root key, a chain, device keys, and the calls that they send.
import { randomUUID } from 'node:crypto';
import {
  type AccountId,
  AppError,
  type Bound,
  type ClaimId,
  type DeviceId,
  identity,
  idFrom,
  type Input,
  isErrorCode,
  type Output,
  type SessionRequest,
  type SignaturePurpose,
} from '@rialto/contracts';
import {
  addDevice,
  type Chain,
  createKeyPackage,
  credentialFor,
  newDeviceId,
  newSigningKey,
  randomBytes,
  Reader,
  revokeDevice,
  ROOT_SIGNER,
  sign,
  type SigningKey,
  startChain,
  type Suite,
  toBase64url,
} from '@rialto/crypto';
import type { NatsClient } from '@rialto/service';

export const ORIGIN = 'http://localhost:7420';

export class Device {
  readonly id = newDeviceId() as DeviceId;
  readonly deviceKey: SigningKey = newSigningKey();
  readonly mlsKey: SigningKey = newSigningKey();
  token = '';
  get certified() {
    return { device: this.id, deviceKey: this.deviceKey.publicKey, mlsKey: this.mlsKey.publicKey };
  }
}

/** One account with its devices, before any server knows of it. */
export class Person {
  readonly root: SigningKey = newSigningKey();
  readonly first = new Device();
  chain: Chain = startChain(this.first.certified, this.root);

  get id(): AccountId {
    return this.chain.account as AccountId;
  }
  /** The chain with another device, and its newest entry as it is uploaded. The person keeps neither. */
  adding(device: Device, signer: Device = this.first): { chain: Chain; entry: string } {
    const chain = addDevice(this.chain, device.certified, { device: signer.id, privateKey: signer.deviceKey.privateKey });
    return { chain, entry: newestEntry(chain) };
  }
  revoking(device: Device, signer: Device | 'root' = this.first): { chain: Chain; entry: string } {
    const by =
      signer === 'root'
        ? { device: ROOT_SIGNER, privateKey: this.root.privateKey }
        : { device: signer.id, privateKey: signer.deviceKey.privateKey };
    const chain = revokeDevice(this.chain, device.id, by);
    return { chain, entry: newestEntry(chain) };
  }
  async keyPackages(
    suite: Suite,
    count: number,
    { device = this.first, lastResort = false, nowMs = Date.now() } = {},
  ): Promise<string[]> {
    const made = Array.from({ length: count }, () =>
      createKeyPackage({ suite }, device.mlsKey, credentialFor(this.chain, device.id), { nowMs, lastResort }),
    );
    return (await Promise.all(made)).map(({ publicBytes }) => toBase64url(publicBytes));
  }
}

function newestEntry(chain: Chain): string {
  const entry = new Reader(chain.bytes).list(64).at(-1);
  if (entry === undefined) throw new Error('an empty chain');
  return toBase64url(entry);
}

export const newClaimId = (): ClaimId => idFrom('clm', randomBytes(16));

/** Calls as the gateway sends them. */
export class Calls {
  readonly #nats: NatsClient;
  constructor(nats: NatsClient) {
    this.#nats = nats;
  }

  call<O extends Bound>(operation: O, input: Input<O>, by?: Pick<Device, 'token'>): Promise<Output<O>> {
    return this.#nats.call(operation, input, by === undefined ? {} : { token: by.token });
  }

  async signed<O extends Bound>(operation: O, input: Input<O>, by: Device, purpose = operation.signedAs): Promise<Output<O>> {
    const body = signedBody(purpose ?? 'session', input, by);
    const reply = await this.#nats.send(operation, JSON.stringify({ requestId: randomUUID(), token: by.token, ...body }));
    const parsed = JSON.parse(reply) as { ok: Output<O> } | { error: { code: string; details?: unknown } };
    if ('ok' in parsed) return parsed.ok;
    throw new AppError(isErrorCode(parsed.error.code) ? parsed.error.code : 'internal', parsed.error.details);
  }

  async register(person: Person): Promise<void> {
    await this.call(identity.operations.createAccount, { accountId: person.id, chain: toBase64url(person.chain.bytes) });
    await this.signIn(person, person.first);
  }

  async signIn(
    person: Person,
    device: Device,
    change: Partial<SessionRequest> = {},
  ): Promise<{ signed: string; signature: string }> {
    const { nonce } = await this.call(identity.operations.createChallenge, {});
    const at = new Date().toISOString();
    const body = signedBody(
      'session',
      { accountId: person.id, deviceId: device.id, origin: ORIGIN, nonce, at, ...change },
      device,
    );
    device.token = (await this.call(identity.operations.createSession, body)).token;
    return body;
  }
}

export function signedBody(purpose: SignaturePurpose, input: unknown, by: Device): { signed: string; signature: string } {
  const bytes = Buffer.from(JSON.stringify(input));
  return { signed: bytes.toString('base64url'), signature: toBase64url(sign(purpose, bytes, by.deviceKey.privateKey)) };
}

const EVENTUALLY_MS = 10_000;
/** Tries an expectation until it holds: a push follows its answer, and how soon depends on the machine. */
export async function eventually(expectation: () => void): Promise<void> {
  for (const end = Date.now() + EVENTUALLY_MS; ;) {
    try {
      return expectation();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
