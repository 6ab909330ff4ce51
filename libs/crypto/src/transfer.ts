import { sha256 } from '@noble/hashes/sha2.js';
import { concat, EncodingError, Reader, utf8, Writer } from './encoding.ts';
import { fromBase64url, toBase64url } from './primitives.ts';

/** Who is paid: an account, a server-side escrow (its id), or a cash-out described by the hash of its details. */
export type Payee =
  { kind: 'account'; account: string } | { kind: 'escrow'; escrow: string } | { kind: 'cash-out'; detailsHash: Uint8Array };

/** What a payer's device signs with purpose `transfer-intent`. Amounts are minor units; `expiresAtMs` is Unix time. */
export type TransferIntent = {
  ledger: string;
  intentId: string;
  from: string;
  to: Payee;
  currency: string;
  amountMinor: bigint;
  maxFeeMinor: bigint;
  memoHash: Uint8Array;
  expiresAtMs: number;
  chainSeq: number;
};

/** What the ledger signs with purpose `receipt`, for one of the two accounts: its own link of the braid. */
export type Receipt = {
  ledger: string;
  transferId: string;
  transferHash: Uint8Array;
  account: string;
  seq: bigint;
  balanceMinor: bigint;
  previousHead: Uint8Array;
  head: Uint8Array;
  atMs: number;
};

const VERSION = 1;
const DIGEST_BYTES = 32;
const ACCOUNT_BYTES = 32;
const MAX_MINOR = (1n << 63n) - 1n; // PostgreSQL's bigint
const KINDS = ['account', 'escrow', 'cash-out'] as const;

export function encodeTransferIntent(intent: TransferIntent): Uint8Array {
  const writer = new Writer()
    .number(VERSION, 1)
    .text(intent.ledger)
    .text(intent.intentId)
    .fixed(fromBase64url(intent.from, ACCOUNT_BYTES))
    .number(KINDS.indexOf(intent.to.kind), 1);
  if (intent.to.kind === 'account') writer.fixed(fromBase64url(intent.to.account, ACCOUNT_BYTES));
  else if (intent.to.kind === 'escrow') writer.text(intent.to.escrow);
  else writer.fixed(digest(intent.to.detailsHash));
  return writer
    .text(intent.currency)
    .number(minor(intent.amountMinor), 8)
    .number(minor(intent.maxFeeMinor), 8)
    .fixed(digest(intent.memoHash))
    .number(intent.expiresAtMs, 8)
    .number(intent.chainSeq, 4)
    .finish();
}

/** Throws `EncodingError` on anything but the one encoding. Verify the signature over the bytes first, then read them. */
export function decodeTransferIntent(bytes: Uint8Array): TransferIntent {
  const reader = new Reader(bytes);
  if (reader.number(1) !== VERSION) throw new EncodingError('unknown version of a transfer intent');
  const [ledger, intentId, from] = [reader.text(), reader.text(), toBase64url(reader.fixed(ACCOUNT_BYTES))];
  const to = readPayee(reader);
  const currency = reader.text();
  const [amountMinor, maxFeeMinor] = [minor(reader.bigint()), minor(reader.bigint())];
  const memoHash = reader.fixed(DIGEST_BYTES);
  const [expiresAtMs, chainSeq] = [time(reader.bigint()), reader.number(4)];
  reader.end();
  return { ledger, intentId, from, to, currency, amountMinor, maxFeeMinor, memoHash, expiresAtMs, chainSeq };
}

export function encodeReceipt(receipt: Receipt): Uint8Array {
  return new Writer()
    .number(VERSION, 1)
    .text(receipt.ledger)
    .text(receipt.transferId)
    .fixed(digest(receipt.transferHash))
    .fixed(fromBase64url(receipt.account, ACCOUNT_BYTES))
    .number(minor(receipt.seq), 8)
    .number(BigInt.asUintN(64, signed(receipt.balanceMinor)), 8)
    .fixed(digest(receipt.previousHead))
    .fixed(digest(receipt.head))
    .number(receipt.atMs, 8)
    .finish();
}

/** Throws `EncodingError` on anything but the one encoding. */
export function decodeReceipt(bytes: Uint8Array): Receipt {
  const reader = new Reader(bytes);
  if (reader.number(1) !== VERSION) throw new EncodingError('unknown version of a receipt');
  const [ledger, transferId, transferHash] = [reader.text(), reader.text(), reader.fixed(DIGEST_BYTES)];
  const account = toBase64url(reader.fixed(ACCOUNT_BYTES));
  const [seq, balanceMinor] = [minor(reader.bigint()), BigInt.asIntN(64, reader.bigint())];
  const [previousHead, head, atMs] = [reader.fixed(DIGEST_BYTES), reader.fixed(DIGEST_BYTES), time(reader.bigint())];
  reader.end();
  return { ledger, transferId, transferHash, account, seq, balanceMinor, previousHead, head, atMs };
}

export type RequestDescription = {
  scope: string;
  key: string;
  debit: string;
  credit: string;
  amountMinor: bigint;
  currency: string;
  kind: string;
  intentHash: Uint8Array | undefined;
};

/**
 * SHA-256 of `scope|key|debit|credit|amount|currency|kind|intentHash`, the amount in decimal and the intent's hash in lower-case
 * hexadecimal (empty without an intent). In SQL:
 * `sha256(convert_to(concat_ws('|', …, coalesce(encode(intent_hash, 'hex'), '')), 'UTF8'))`, since `concat_ws` leaves nulls out. A part that holds the separator is
 * refused, or two requests could have one text.
 */
export function requestHash(request: RequestDescription): Uint8Array {
  const { scope, key, debit, credit, amountMinor, currency, kind, intentHash } = request;
  const hex = intentHash ? [...intentHash].map((byte) => byte.toString(16).padStart(2, '0')).join('') : '';
  const parts = [scope, key, debit, credit, String(amountMinor), currency, kind, hex];
  if (parts.some((part) => part.includes('|'))) throw new EncodingError('a part holds the separator');
  return sha256(utf8(parts.join('|')));
}

/** The hash of the intent's signed bytes, as `requestHash` and the transfer row hold it. */
export function intentHash(encodedIntent: Uint8Array): Uint8Array {
  return sha256(encodedIntent);
}

export type TransferLink = {
  debitHead: Uint8Array;
  creditHead: Uint8Array;
  requestHash: Uint8Array;
  debitSeq: bigint;
  creditSeq: bigint;
  debitBalanceMinor: bigint;
  creditBalanceMinor: bigint;
};

/**
 * One strand of the braid, the new head of both accounts: SHA-256 over the two old heads, the request's hash, both new sequence
 * numbers and both new balances. In SQL: `sha256(debit_head || credit_head || request_hash || int8send(debit_seq) || …)`.
 */
export function transferHash(link: TransferLink): Uint8Array {
  const numbers = [link.debitSeq, link.creditSeq, link.debitBalanceMinor, link.creditBalanceMinor].map(int8);
  return sha256(concat(digest(link.debitHead), digest(link.creditHead), digest(link.requestHash), ...numbers));
}

function readPayee(reader: Reader): Payee {
  const kind = KINDS[reader.number(1)];
  if (!kind) throw new EncodingError('unknown kind of payee');
  switch (kind) {
    case 'account':
      return { kind, account: toBase64url(reader.fixed(ACCOUNT_BYTES)) };
    case 'escrow':
      return { kind, escrow: reader.text() };
    case 'cash-out':
      return { kind, detailsHash: reader.fixed(DIGEST_BYTES) };
  }
}

function int8(value: bigint): Uint8Array {
  return new Writer().number(BigInt.asUintN(64, signed(value)), 8).finish();
}

function signed(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new EncodingError('amount out of range');
  return value;
}

function minor(value: bigint): bigint {
  if (value < 0n || value > MAX_MINOR) throw new EncodingError('amount out of range');
  return value;
}

function time(ms: bigint): number {
  if (ms > BigInt(Number.MAX_SAFE_INTEGER)) throw new EncodingError('time out of range');
  return Number(ms);
}

function digest(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== DIGEST_BYTES) throw new EncodingError('expected a hash of 32 bytes');
  return bytes;
}
