import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { EncodingError } from './encoding.ts';
import { randomBytes, ready, toBase64url } from './primitives.ts';
import {
  decodeReceipt,
  decodeTransferIntent,
  encodeReceipt,
  encodeTransferIntent,
  intentHash,
  type Payee,
  type Receipt,
  requestHash,
  transferHash,
  type TransferIntent,
} from './transfer.ts';

beforeAll(ready);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const MAX = (1n << 63n) - 1n;

const account = bytes32.map((bytes) => Buffer.from(bytes).toString('base64url'));
const payee: fc.Arbitrary<Payee> = fc.oneof(
  account.map((value) => ({ kind: 'account' as const, account: value })),
  fc.string({ unit: 'grapheme' }).map((escrow) => ({ kind: 'escrow' as const, escrow })),
  bytes32.map((detailsHash) => ({ kind: 'cash-out' as const, detailsHash })),
);
const text = fc.string({ unit: 'grapheme' });
const amount = fc.bigInt({ min: 0n, max: MAX });
const intents: fc.Arbitrary<TransferIntent> = fc.record({
  ledger: text,
  intentId: text,
  from: account,
  to: payee,
  currency: text,
  amountMinor: amount,
  maxFeeMinor: amount,
  memoHash: bytes32,
  expiresAtMs: fc.maxSafeNat(),
  chainSeq: fc.nat({ max: 63 }),
});
const receipts: fc.Arbitrary<Receipt> = fc.record({
  ledger: text,
  transferId: text,
  transferHash: bytes32,
  account,
  seq: amount,
  balanceMinor: fc.bigInt({ min: -MAX, max: MAX }),
  previousHead: bytes32,
  head: bytes32,
  atMs: fc.maxSafeNat(),
});

test('an intent and a receipt read back as they were written, and two different ones never have one encoding', () => {
  fc.assert(fc.property(intents, (intent) => expect(decodeTransferIntent(encodeTransferIntent(intent))).toEqual(intent)));
  fc.assert(fc.property(receipts, (receipt) => expect(decodeReceipt(encodeReceipt(receipt))).toEqual(receipt)));
  fc.assert(
    fc.property(intents, intents, (a, b) => {
      const same = hex(encodeTransferIntent(a)) === hex(encodeTransferIntent(b));
      if (same) expect(a).toEqual(b);
    }),
  );
});

test('whatever reads as an intent or a receipt is its one encoding; the rest is refused with one kind of error', () => {
  const check = (bytes: Uint8Array, roundTrip: (bytes: Uint8Array) => Uint8Array) => {
    try {
      expect(hex(roundTrip(bytes))).toBe(hex(bytes));
    } catch (error) {
      expect(error).toBeInstanceOf(EncodingError);
    }
  };
  fc.assert(
    fc.property(intents, fc.nat(), fc.nat({ max: 255 }), (intent, at, value) => {
      const encoded = encodeTransferIntent(intent);
      encoded[at % encoded.length] = value;
      check(encoded, (bytes) => encodeTransferIntent(decodeTransferIntent(bytes)));
      check(encoded.subarray(0, at % encoded.length), (bytes) => encodeTransferIntent(decodeTransferIntent(bytes)));
    }),
  );
  fc.assert(
    fc.property(receipts, fc.nat(), fc.nat({ max: 255 }), (receipt, at, value) => {
      const encoded = encodeReceipt(receipt);
      encoded[at % encoded.length] = value;
      check(encoded, (bytes) => encodeReceipt(decodeReceipt(bytes)));
    }),
  );
});

test('amounts and hashes that no ledger holds are refused', () => {
  const intent: TransferIntent = {
    ledger: 'l',
    intentId: 'i',
    from: toBase64url(randomBytes(32)),
    to: { kind: 'escrow', escrow: 'e' },
    currency: 'EUR',
    amountMinor: 1200n,
    maxFeeMinor: 0n,
    memoHash: new Uint8Array(32),
    expiresAtMs: 0,
    chainSeq: 0,
  };
  expect(encodeTransferIntent(intent)).toBeDefined();
  const changes = [
    { amountMinor: -1n },
    { amountMinor: MAX + 1n },
    { maxFeeMinor: -1n },
    { memoHash: new Uint8Array(31) },
    { from: 'x' },
    { chainSeq: -1 },
    { expiresAtMs: -1 },
    { to: { kind: 'account' as const, account: 'y' } },
  ];
  for (const change of changes) expect(() => encodeTransferIntent({ ...intent, ...change })).toThrow(EncodingError);
});

const sha256 = (...parts: Uint8Array[]) => {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest('hex');
};

test('the request hash is SHA-256 of one text, and no part can imitate another', () => {
  const intent = intentHash(new TextEncoder().encode('intent'));
  const request = {
    scope: 's',
    key: 'k',
    debit: 'd',
    credit: 'c',
    amountMinor: 1200n,
    currency: 'EUR',
    kind: 'transfer',
    intentHash: intent,
  };
  expect(hex(requestHash(request))).toBe(sha256(Buffer.from(`s|k|d|c|1200|EUR|transfer|${hex(intent)}`)));
  expect(hex(requestHash({ ...request, intentHash: undefined }))).toBe(sha256(Buffer.from('s|k|d|c|1200|EUR|transfer|')));
  expect(() => requestHash({ ...request, scope: 's|k', key: '' })).toThrow('separator');
});

test('the transfer hash is SHA-256 over what PostgreSQL would concatenate', () => {
  const [debitHead, creditHead, request] = [randomBytes(32), randomBytes(32), randomBytes(32)];
  const numbers = [5n, 6n, -1200n, 1200n];
  const int8 = numbers.map((value) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64BE(value);
    return buffer;
  });
  const [debitSeq, creditSeq, debitBalanceMinor, creditBalanceMinor] = [5n, 6n, -1200n, 1200n];
  const link = { debitHead, creditHead, requestHash: request, debitSeq, creditSeq, debitBalanceMinor, creditBalanceMinor };
  expect(hex(transferHash(link))).toBe(sha256(debitHead, creditHead, request, ...int8));
  expect(hex(transferHash({ ...link, debitSeq: 6n }))).not.toBe(hex(transferHash(link)));
  expect(() => transferHash({ ...link, debitHead: new Uint8Array(31) })).toThrow('32 bytes');
  expect(() => transferHash({ ...link, creditBalanceMinor: MAX + 1n })).toThrow('out of range');
});
