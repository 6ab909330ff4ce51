import { createHash } from 'node:crypto';

/**
 * What a statement is made of, so that whoever holds one can recompute it. PostgreSQL computes the same in `migrations/0002-posting.sql`;
 * the tests compare both. All hashes are SHA-256, `‖` joins bytes, `int8` is a signed big-endian integer of eight bytes.
 *
 *     requestHash = SHA-256(UTF-8("rialto/request/v1|" + scope + "|" + key + "|" + debit + "|" + credit + "|" + amount + "|" + currency
 *                                 + "|" + kind + "|" + intentHash))
 *     debitLink   = SHA-256(debitSalt  ‖ debit's previous head  ‖ int8(debit's seq)  ‖ int8(debit's balance after it))
 *     creditLink  = SHA-256(creditSalt ‖ credit's previous head ‖ int8(credit's seq) ‖ int8(credit's balance after it))
 *     head        = SHA-256(debitLink ‖ creditLink ‖ requestHash), the new head of both accounts
 *
 * - `debit` and `credit` are account ids, or the system account of the kind: a top-up is debited from `processor`, a refund is credited to
 *   `processor`, an operator's entry stands against `operator`.
 * - For a transfer, `scope` is the payer's account id and `key` the intent id. For every other kind, `scope` is the name of the
 *   system account and `key` the transfer id (`tra_…`).
 * - `amount` is decimal without sign; `kind` is the word of the contract.
 * - `intentHash` is SHA-256 of the signed intent's bytes in 64 lower-case hexadecimal digits, or nothing where there is no intent.
 * - Balances are of what is posted; money on hold counts in them.
 * - A salt has 16 random bytes. The first previous head of an account is 32 zero bytes, its first seq is 1.
 *
 * No part can hold the separator: ids are base64url, the rest are digits and words.
 */
export interface Request {
  readonly scope: string;
  readonly key: string;
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

export const EMPTY_HEAD = new Uint8Array(32);

export function requestHash({ scope, key, debit, credit, amountMinor, currency, kind, intent }: Request): Uint8Array {
  const intentHash = intent === null ? '' : Buffer.from(sha256(intent)).toString('hex');
  const text = ['rialto/request/v1', scope, key, debit, credit, amountMinor.toString(), currency, kind, intentHash].join('|');
  return sha256(Buffer.from(text, 'utf8'));
}

/** The part of a head that one party can check alone; to the other it hides the balance. */
export function linkHash({ salt, previousHead, seq, balanceMinor }: Link): Uint8Array {
  return sha256(salt, previousHead, int8(seq), int8(balanceMinor));
}

export function headHash(debitLink: Uint8Array, creditLink: Uint8Array, request: Uint8Array): Uint8Array {
  return sha256(debitLink, creditLink, request);
}

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
