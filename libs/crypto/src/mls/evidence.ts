import { type Chain, currentDevices, DEVICE_ID_BYTES, readChain } from '../device-chain.ts';
import { EncodingError, Reader, Writer } from '../encoding.ts';
import { fromBase64url, HASH_BYTES, sameBytes, toBase64url } from '../primitives.ts';
import { sign, verify } from '../signature.ts';
import type { RosterEntry } from './policy.ts';

/**
 * What a commit's authenticated data carries so that nobody needs to look anything up to judge it: the chains of the devices that it
 * adds, raises or revokes, and the statements of accounts that asked to leave.
 */
export type Evidence = { chains?: Pick<Chain, 'bytes'>[]; leaving?: Uint8Array[] };
export type VerifiedEvidence = { chains: Map<string, Chain>; leaving: Set<string> };

type Judged = { groupId: Uint8Array; roster: RosterEntry[] };

const MAX_EVIDENCE_BYTES = 256 * 1024;
const MAX_ITEMS = 100;

export function encodeEvidence({ chains = [], leaving = [] }: Evidence): Uint8Array {
  const bytes = chains.map((chain) => chain.bytes);
  return new Writer().list(bytes).list(leaving).finish();
}

/** Throws unless everything in it verifies, with one chain for each account. */
export function readEvidence(bytes: Uint8Array, group: Judged): VerifiedEvidence {
  if (bytes.length > MAX_EVIDENCE_BYTES) throw new EncodingError('evidence too large');
  const reader = new Reader(bytes);
  const chains = new Map<string, Chain>();
  for (const chain of reader.list(MAX_ITEMS).map(readChain)) {
    if (chains.has(chain.account)) throw new EncodingError('two chains for one account');
    chains.set(chain.account, chain);
  }
  const leaving = new Set(reader.list(MAX_ITEMS).map((statement) => readLeaveStatement(statement, group, chains)));
  reader.end();
  return { chains, leaving };
}

/** Signed by any device of the account: "remove us from this group", good for the membership that existed at `epoch`. */
export function leaveStatement(
  leave: { groupId: Uint8Array; account: string; device: string; epoch: bigint },
  deviceKey: Uint8Array,
): Uint8Array {
  const body = new Writer()
    .bytes(leave.groupId)
    .fixed(fromBase64url(leave.account, HASH_BYTES))
    .fixed(fromBase64url(leave.device, DEVICE_ID_BYTES))
    .number(leave.epoch, 8)
    .finish();
  const signature = sign('leave', body, deviceKey);
  return new Writer().bytes(body).bytes(signature).finish();
}

function readLeaveStatement(bytes: Uint8Array, group: Judged, chains: Map<string, Chain>): string {
  const signed = new Reader(bytes);
  const [body, signature] = [signed.bytes(), signed.bytes()];
  signed.end();
  const reader = new Reader(body);
  const groupId = reader.bytes();
  const [account, device, epoch] = [
    toBase64url(reader.fixed(HASH_BYTES)),
    toBase64url(reader.fixed(DEVICE_ID_BYTES)),
    reader.bigint(),
  ];
  reader.end();
  const chain = chains.get(account);
  const deviceKey = chain && currentDevices(chain).get(device)?.deviceKey;
  const since = group.roster.find((entry) => entry.account === account)?.since;
  if (!deviceKey || since === undefined || epoch < since || !sameBytes(groupId, group.groupId))
    throw new EncodingError('leave statement of somebody else');
  if (!verify('leave', body, signature, deviceKey)) throw new EncodingError('leave statement signature');
  return account;
}
