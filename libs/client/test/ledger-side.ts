// The ledger's side of a statement written a second time, from the description of the layout, with Node's hash: lines whose hashes fit.
import { createHash } from 'node:crypto';
import type { AccountId, IntentId, SignedBody, StatementEntry, TransferId, TransferIntent } from '@rialto/contracts';
import { sign, type SigningKey, toBase64url, utf8 } from '@rialto/crypto';

export const LEDGER = 'ldg_AAAAAAAAAAAAAAAAAAAAAA' as TransferIntent['ledger'];
export const INTENT = 'int_AAAAAAAAAAAAAAAAAAAAAA' as IntentId;

/** What somebody asked for and signed. */
export interface Asked {
  readonly body: SignedBody;
  readonly intentId: IntentId;
  readonly memoHash: string | null;
}
export interface Wish {
  readonly from: AccountId;
  readonly to: AccountId;
  readonly amount: bigint;
  readonly currency?: string;
}
export interface Line {
  readonly kind?: StatementEntry['kind'];
  /** Null: a system account. */
  readonly from: AccountId | null;
  readonly to: AccountId | null;
  readonly amount: bigint;
  readonly asked?: Asked | null;
  /** Where it does not follow from the intent. */
  readonly transferId?: TransferId;
}
export type Place = Pick<StatementEntry, 'seq' | 'head' | 'balanceMinor'>;

/** An intent to pay of device chain entry 0. */
export function askedBy(key: SigningKey, { from, to, amount, currency = 'EUR' }: Wish): Asked {
  const intent: TransferIntent = {
    ledger: LEDGER,
    intentId: INTENT,
    from,
    to,
    currency,
    amountMinor: String(amount),
    maxFeeMinor: '0',
    memoHash: null,
    expiresAt: '2026-11-25T08:05:00.000Z',
    chainSeq: 0,
  };
  const signed = utf8(JSON.stringify(intent));
  const signature = toBase64url(sign('transfer-intent', signed, key.privateKey));
  return { body: { signed: toBase64url(signed), signature }, intentId: INTENT, memoHash: null };
}

/** One line in euros as a ledger would show it to `me`, behind `before`. */
export function entryOn(me: AccountId, before: Place, line: Line): StatementEntry {
  const { kind = 'transfer', from, to, amount, asked = null } = line;
  const direction = from === me ? 'debit' : 'credit';
  const balance = BigInt(before.balanceMinor) + (direction === 'credit' ? amount : -amount);
  const [debit, credit] = [from ?? 'processor', to ?? 'processor'];
  const key = asked?.intentId ?? 'top_x';
  const id = line.transferId
    ? bytesOf(line.transferId.slice(4))
    : sha256(['rialto/transfer/v1', debit, key].join('|')).subarray(0, 16);
  const intentHash = asked ? sha256(bytesOf(asked.body.signed)).toString('hex') : '';
  const requestHash = sha256(['rialto/request/v1', id.toString('hex'), debit, credit, amount, 'EUR', kind, intentHash].join('|'));
  const salt = Buffer.alloc(16, 3);
  const ownLink = sha256(salt, bytesOf(before.head), int8(BigInt(before.seq + 1)), int8(balance));
  const otherLink = Buffer.alloc(32, 9);
  const [debitLink, creditLink] = direction === 'debit' ? [ownLink, otherLink] : [otherLink, ownLink];
  return {
    transferId: `tra_${id.toString('base64url')}` as TransferId,
    kind,
    direction,
    counterparty: direction === 'debit' ? to : from,
    currency: 'EUR',
    amountMinor: String(amount),
    seq: before.seq + 1,
    balanceMinor: String(balance),
    previousHead: before.head,
    head: sha256(debitLink, creditLink, requestHash).toString('base64url'),
    salt: salt.toString('base64url'),
    otherLink: otherLink.toString('base64url'),
    requestHash: requestHash.toString('base64url'),
    intent: asked && asked.body,
    intentId: asked && asked.intentId,
    memoHash: asked && asked.memoHash,
    at: '2026-11-25T08:00:00.000Z',
  };
}

/** What a true line says, so that it can be told again elsewhere. */
export function lineOf(me: AccountId, entry: StatementEntry): Line {
  const { kind, direction, counterparty, amountMinor, transferId, intent, intentId, memoHash } = entry;
  const [from, to] = direction === 'debit' ? [me, counterparty] : [counterparty, me];
  return {
    kind,
    from,
    to,
    amount: BigInt(amountMinor),
    transferId,
    asked: intent && intentId && { body: intent, intentId, memoHash },
  };
}

const sha256 = (...parts: (string | Uint8Array)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const bytesOf = (text: string) => Buffer.from(text, 'base64url');
function int8(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}
