import { EncodingError, Reader, Writer } from './encoding.ts';
import { fromBase64url, hash, HASH_BYTES, randomBytes, sameBytes, toBase64url } from './primitives.ts';
import { PUBLIC_KEY_BYTES, sign, type SigningKey, verify } from './signature.ts';

/** One device as its account certified it: `deviceKey` signs chain entries, sessions and payments, `mlsKey` signs as an MLS leaf. */
export type CertifiedDevice = { device: string; deviceKey: Uint8Array; mlsKey: Uint8Array };
export type ChainOperation = 'genesis' | 'add' | 'revoke';
/** `signer` is a device id, or `ROOT_SIGNER`. */
export type ChainEntry = { operation: ChainOperation; device: string; signer: string };
/** A verified device chain. `heads[seq]` and `devices[seq]` are the chain as it stood after entry `seq`. */
export type Chain = {
  account: string;
  rootKey: Uint8Array;
  heads: readonly string[];
  devices: readonly ReadonlyMap<string, CertifiedDevice>[];
  entries: readonly ChainEntry[];
  bytes: Uint8Array;
};
/** Who signs an entry: a device of the account, or the root key under `ROOT_SIGNER`. */
export type ChainSigner = { device: string; privateKey: Uint8Array };

/** Not retryable: the bytes are wrong for everybody. */
export class ChainError extends Error {}
/** Retryable: a chain that a credential names is not here yet. Never a reason to call a commit invalid. */
export class ChainMissing extends Error {
  head: string;
  constructor(head: string) {
    super('a device chain is not here yet');
    this.head = head;
  }
}

export const MAX_CHAIN_ENTRIES = 64;
export const MAX_CHAIN_BYTES = 32 * 1024;
export const MAX_DEVICES = 10;
export const DEVICE_ID_BYTES = 16;
/** Sixteen zero bytes: the signer id that stands for the account's root key. */
export const ROOT_SIGNER = 'A'.repeat(22);

const OPERATIONS: readonly ChainOperation[] = ['genesis', 'add', 'revoke'];
const none = new Uint8Array();

type Body = { operation: ChainOperation; subject: CertifiedDevice; rootKey: Uint8Array; signer: string };

export function newDeviceId(): string {
  return toBase64url(randomBytes(DEVICE_ID_BYTES));
}

/** Starts an account: its id is the hash of this first entry, so no server can change the keys behind an id. */
export function startChain(first: CertifiedDevice, root: SigningKey): Chain {
  return append([], { operation: 'genesis', subject: first, rootKey: root.publicKey, signer: ROOT_SIGNER }, root.privateKey);
}

/** Throws `ChainError` when the account has its ten devices, or the id or a key was used before. */
export function addDevice(chain: Chain, subject: CertifiedDevice, signer: ChainSigner): Chain {
  return append(entriesOf(chain.bytes), { operation: 'add', subject, rootKey: none, signer: signer.device }, signer.privateKey);
}

/** Throws `ChainError` when the device is not in the chain. */
export function revokeDevice(chain: Chain, device: string, signer: ChainSigner): Chain {
  const subject = { device, deviceKey: none, mlsKey: none };
  return append(
    entriesOf(chain.bytes),
    { operation: 'revoke', subject, rootKey: none, signer: signer.device },
    signer.privateKey,
  );
}

/** Verifies every link and signature from the first entry. Throws `ChainError`. */
export function readChain(bytes: Uint8Array): Chain {
  try {
    return verified(bytes);
  } catch (cause) {
    throw cause instanceof EncodingError ? new ChainError(cause.message, { cause }) : cause;
  }
}

/** The devices of the chain as it stands now. */
export function currentDevices(chain: Chain): ReadonlyMap<string, CertifiedDevice> {
  return chain.devices.at(-1) ?? new Map();
}

export type ChainComparison = { verdict: 'same' | 'extended' | 'stale' | 'forked'; chain: Chain };

/**
 * What to believe when somebody offers another chain of a known account. A shorter one is an alarm (`stale`), two entries for one
 * seq are one (`forked`): the known chain stays, except that an entry of the root key wins over one of a device. The returned
 * chain is the one to keep. Throws `ChainError` for a chain of another account.
 */
export function compareChains(known: Chain, offered: Chain): ChainComparison {
  if (known.account !== offered.account) throw new ChainError('chain of another account');
  const shared = Math.min(known.heads.length, offered.heads.length);
  for (let seq = 0; seq < shared; seq += 1) {
    if (known.heads[seq] === offered.heads[seq]) continue;
    const rootWins = offered.entries[seq]?.signer === ROOT_SIGNER && known.entries[seq]?.signer !== ROOT_SIGNER;
    return { verdict: 'forked', chain: rootWins ? offered : known };
  }
  if (offered.heads.length > shared) return { verdict: 'extended', chain: offered };
  return { verdict: known.heads.length > shared ? 'stale' : 'same', chain: known };
}

/** The chains that a client has verified. They are addressed by their hash, so every client finds the same one or none. */
export class Chains {
  #byHead = new Map<string, Chain>();
  #byBytes = new Map<string, Chain>();

  /** Throws `ChainError`. */
  learn(bytes: Uint8Array): Chain {
    const known = this.#byBytes.get(toBase64url(hash(bytes))); // verified before, to the last bit
    if (known) return known;
    const chain = readChain(bytes);
    this.#byBytes.set(toBase64url(hash(bytes)), chain);
    for (const head of chain.heads) if (!this.#byHead.has(head)) this.#byHead.set(head, chain);
    return chain;
  }

  /** Throws `ChainMissing`. */
  find(head: string): Chain {
    const chain = this.#byHead.get(head);
    if (!chain) throw new ChainMissing(head);
    return chain;
  }
}

function verified(bytes: Uint8Array): Chain {
  if (bytes.length > MAX_CHAIN_BYTES) throw new ChainError('too large');
  const heads: string[] = [];
  const states: ReadonlyMap<string, CertifiedDevice>[] = [];
  const entries: ChainEntry[] = [];
  const used = new Set<string>();
  let rootKey: Uint8Array = none;
  let previousHash: Uint8Array = new Uint8Array(HASH_BYTES);
  for (const [seq, { body, signature }] of splitEntries(bytes).entries()) {
    const { operation, subject, signer, ...entry } = readBody(body, seq, previousHash);
    if ((seq === 0) !== (operation === 'genesis')) throw new ChainError('the first entry, and no other, is the genesis');
    if (seq === 0) {
      rootKey = entry.rootKey;
      used.add(toBase64url(rootKey));
    }
    const previous = states.at(-1) ?? new Map<string, CertifiedDevice>();
    const signerKey = signer === ROOT_SIGNER ? rootKey : previous.get(signer)?.deviceKey;
    if (!signerKey || !verify('device-chain', body, signature, signerKey)) throw new ChainError('signature');
    states.push(applied(previous, operation, subject, used));
    previousHash = hash(body);
    heads.push(toBase64url(previousHash));
    entries.push({ operation, device: subject.device, signer });
  }
  const [account] = heads;
  if (account === undefined) throw new ChainError('empty');
  return { account, rootKey, heads, devices: states, entries, bytes };
}

/** Ids and keys are used once in an account's life: a revoked device never comes back under its old name. */
function applied(
  previous: ReadonlyMap<string, CertifiedDevice>,
  operation: ChainOperation,
  subject: CertifiedDevice,
  used: Set<string>,
): ReadonlyMap<string, CertifiedDevice> {
  const devices = new Map(previous);
  if (operation === 'revoke') {
    if (!devices.delete(subject.device)) throw new ChainError('revokes a device that is not there');
    return devices;
  }
  for (const name of [subject.device, toBase64url(subject.deviceKey), toBase64url(subject.mlsKey)]) {
    if (used.has(name)) throw new ChainError('a device id or key is used twice');
    used.add(name);
  }
  devices.set(subject.device, subject);
  if (devices.size > MAX_DEVICES) throw new ChainError(`more than ${MAX_DEVICES} devices`);
  return devices;
}

function append(entries: Uint8Array[], { operation, subject, rootKey, signer }: Body, privateKey: Uint8Array): Chain {
  const last = entries.at(-1);
  const body = new Writer()
    .number(entries.length, 4)
    .fixed(last ? hash(new Reader(last).bytes()) : new Uint8Array(HASH_BYTES))
    .number(OPERATIONS.indexOf(operation), 1)
    .fixed(fromBase64url(subject.device, DEVICE_ID_BYTES))
    .bytes(subject.deviceKey)
    .bytes(subject.mlsKey)
    .bytes(rootKey)
    .fixed(fromBase64url(signer, DEVICE_ID_BYTES))
    .finish();
  const signature = sign('device-chain', body, privateKey);
  const entry = new Writer().bytes(body).bytes(signature).finish();
  return readChain(new Writer().list([...entries, entry]).finish());
}

function readBody(body: Uint8Array, seq: number, previousHash: Uint8Array): Body {
  const reader = new Reader(body);
  if (reader.number(4) !== seq || !sameBytes(reader.fixed(HASH_BYTES), previousHash)) throw new ChainError('link');
  const operation = OPERATIONS[reader.number(1)];
  const device = toBase64url(reader.fixed(DEVICE_ID_BYTES));
  const [deviceKey, mlsKey, rootKey] = [reader.bytes(), reader.bytes(), reader.bytes()];
  const signer = toBase64url(reader.fixed(DEVICE_ID_BYTES));
  reader.end();
  if (!operation || device === ROOT_SIGNER) throw new ChainError('entry');
  const keyBytes = operation === 'revoke' ? 0 : PUBLIC_KEY_BYTES;
  const rootBytes = operation === 'genesis' ? PUBLIC_KEY_BYTES : 0;
  if (deviceKey.length !== keyBytes || mlsKey.length !== keyBytes || rootKey.length !== rootBytes)
    throw new ChainError('key length');
  if (operation === 'genesis' && signer !== ROOT_SIGNER) throw new ChainError('the root key signs the first entry');
  return { operation, subject: { device, deviceKey, mlsKey }, rootKey, signer };
}

function splitEntries(bytes: Uint8Array): { body: Uint8Array; signature: Uint8Array }[] {
  return entriesOf(bytes).map((entry) => {
    const fields = new Reader(entry);
    const signed = { body: fields.bytes(), signature: fields.bytes() };
    fields.end();
    return signed;
  });
}

function entriesOf(bytes: Uint8Array): Uint8Array[] {
  const reader = new Reader(bytes);
  const entries = reader.list(MAX_CHAIN_ENTRIES);
  reader.end();
  return entries;
}
