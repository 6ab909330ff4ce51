import { createHash } from 'node:crypto';

/**
 * What a statement is made of, so that whoever holds one can recompute it. PostgreSQL computes the same in `migrations/0002-posting.sql`;
 * the tests compare both. All hashes are SHA-256, `‖` joins bytes, `int8` is a signed big-endian integer of eight bytes.
 *
 *     id          = the first 16 bytes of SHA-256(UTF-8("rialto/transfer/v1|" + scope + "|" + key)); the transfer id is "tra_" + base64url(id)
 *     requestHash = SHA-256(UTF-8("rialto/request/v1|" + hex(id) + "|" + debit + "|" + credit + "|" + amount + "|" + currency
 *                                 + "|" + kind + "|" + intentHash))
 *     debitLink   = SHA-256(debitSalt  ‖ debit's previous head  ‖ int8(debit's seq)  ‖ int8(debit's balance after it))
 *     creditLink  = SHA-256(creditSalt ‖ credit's previous head ‖ int8(credit's seq) ‖ int8(credit's balance after it))
 *     head        = SHA-256(debitLink ‖ creditLink ‖ requestHash), the new head of both accounts
 *
 * - For a transfer, `scope` is the payer's account id and `key` the intent id, so both parties know the id beforehand. For a top-up they are
 *   `processor` and the top-up's id.
 * - `debit` and `credit` are account ids, or the system account of the kind where the contract shows no counterparty: a top-up is debited from
 *   `processor`, a refund is credited to `processor`, an operator's entry stands against `operator`.
 * - `amount` is decimal without sign; `kind` is the word of the contract; `hex` is lower case.
 * - `intentHash` is SHA-256 of the signed intent's bytes in hex, or nothing where there is no intent.
 * - Balances are of what is posted; money on hold counts in them.
 * - A salt has 16 random bytes. The first previous head of an account is 32 zero bytes, its first seq is 1.
 *
 * No part can hold the separator: ids are base64url, the rest are digits and words.
 */
export interface Request {
  /** 16 bytes. */
  readonly id: Uint8Array;
  readonly debit: string;
  readonly credit: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly kind: PostingKind;
  /** The signed bytes of the intent. */
  readonly intent: Uint8Array | null;
}
export interface Link {
  readonly salt: Uint8Array;
  readonly previousHead: Uint8Array;
  readonly seq: bigint;
  readonly balanceMinor: bigint;
}

/** The order is the number that a row of `transfer` holds, counted from one. */
export const POSTING_KINDS = ['transfer', 'top-up', 'refund', 'operator'] as const;
export type PostingKind = (typeof POSTING_KINDS)[number];
export const kindNumber = (kind: PostingKind): number => POSTING_KINDS.indexOf(kind) + 1;

const ID_BYTES = 16;
export const EMPTY_HEAD = new Uint8Array(32);

/** The 16 bytes of a transfer's id. */
export function transferIdBytes({ scope, key }: { scope: string; key: string }): Uint8Array {
  return sha256(Buffer.from(['rialto/transfer/v1', scope, key].join('|'), 'utf8')).subarray(0, ID_BYTES);
}

export function requestHash({ id, debit, credit, amountMinor, currency, kind, intent }: Request): Uint8Array {
  const intentHash = intent === null ? '' : hex(sha256(intent));
  const text = ['rialto/request/v1', hex(id), debit, credit, amountMinor.toString(), currency, kind, intentHash].join('|');
  return sha256(Buffer.from(text, 'utf8'));
}

/** The part of a head that one party can check alone; to the other it hides the balance. */
export function linkHash({ salt, previousHead, seq, balanceMinor }: Link): Uint8Array {
  return sha256(salt, previousHead, int8(seq), int8(balanceMinor));
}

export function headHash(debitLink: Uint8Array, creditLink: Uint8Array, request: Uint8Array): Uint8Array {
  return sha256(debitLink, creditLink, request);
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function int8(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}
