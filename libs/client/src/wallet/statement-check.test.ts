import { createHash } from 'node:crypto';
import type { AccountId, IntentId, StatementEntry, TransferId, TransferIntent } from '@rialto/contracts';
import {
  type Chain,
  newDeviceId,
  newSigningKey,
  ready,
  sign,
  type SigningKey,
  startChain,
  toBase64url,
  utf8,
} from '@rialto/crypto';
import { checkEntry, EMPTY_STATEMENT, type StatementFault, type StatementState } from './statement-check.ts';

/** The ledger's side written a second time, from the description of the layout, with Node's hash. */
const sha256 = (...parts: (string | Uint8Array)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const int8 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
};
const bytesOf = (text: string) => Buffer.from(text, 'base64url');

class Payer {
  readonly key: SigningKey = newSigningKey();
  readonly chain: Chain = startChain(
    { device: newDeviceId(), deviceKey: this.key.publicKey, mlsKey: newSigningKey().publicKey },
    newSigningKey(),
  );
  get id(): AccountId {
    return this.chain.account as AccountId;
  }
}

let ana: Payer;
let ben: Payer;
beforeAll(async () => {
  await ready();
  [ana, ben] = [new Payer(), new Payer()];
});

const LEDGER = 'ldg_AAAAAAAAAAAAAAAAAAAAAA' as TransferIntent['ledger'];
const INTENT = 'int_AAAAAAAAAAAAAAAAAAAAAA' as IntentId;

interface Line {
  readonly kind?: StatementEntry['kind'];
  readonly from: AccountId | null;
  readonly to: AccountId | null;
  readonly amount: bigint;
  readonly signer?: SigningKey;
}

/** One entry as the ledger would show it to `me`, with heads and hashes that fit. */
function entryFor(
  me: AccountId,
  before: StatementState,
  { kind = 'transfer', from, to, amount, signer = ana.key }: Line,
): StatementEntry {
  const direction = from === me ? 'debit' : 'credit';
  const balance = BigInt(before.balanceMinor) + (direction === 'credit' ? amount : -amount);
  const intent: TransferIntent | null = from && to && { ...intentOf(from, to, amount) };
  const signed = intent && utf8(JSON.stringify(intent));
  const [debit, credit] = [from ?? 'processor', to ?? 'processor'];
  const id = sha256(['rialto/transfer/v1', debit, intent ? INTENT : 'top_x'].join('|')).subarray(0, 16);
  const requestHash = sha256(
    [
      'rialto/request/v1',
      id.toString('hex'),
      debit,
      credit,
      amount,
      'EUR',
      kind,
      signed ? sha256(signed).toString('hex') : '',
    ].join('|'),
  );
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
    intent: signed && { signed: toBase64url(signed), signature: toBase64url(sign('transfer-intent', signed, signer.privateKey)) },
    intentId: intent && INTENT,
    memoHash: null,
    at: '2026-11-25T08:00:00.000Z',
  };
}

const intentOf = (from: AccountId, to: AccountId, amount: bigint): TransferIntent => ({
  ledger: LEDGER,
  intentId: INTENT,
  from,
  to,
  currency: 'EUR',
  amountMinor: String(amount),
  maxFeeMinor: '0',
  memoHash: null,
  expiresAt: '2026-11-25T08:05:00.000Z',
  chainSeq: 0,
});

const check = (entry: StatementEntry, before: StatementState, payerChain: Chain | undefined = ana.chain) =>
  checkEntry(entry, { me: ana.id, ledger: LEDGER, before, payerChain });
const faultOf = async (entry: StatementEntry, before: StatementState, chain?: Chain): Promise<StatementFault | 'none'> =>
  check(entry, before, chain).then(
    () => 'none' as const,
    (error: { fault: StatementFault }) => error.fault,
  );

test('a statement verifies from its first line to its last', async () => {
  const topUp = entryFor(ana.id, EMPTY_STATEMENT, { kind: 'top-up', from: null, to: ana.id, amount: 2_000n });
  const first = await check(topUp, EMPTY_STATEMENT, undefined);
  expect(first).toEqual({ seq: 1, head: topUp.head, balanceMinor: '2000' });
  const paid = entryFor(ana.id, first, { from: ana.id, to: ben.id, amount: 1_200n });
  const second = await check(paid, first);
  expect(second).toMatchObject({ seq: 2, balanceMinor: '800' });
  const refund = entryFor(ana.id, second, { kind: 'refund', from: ana.id, to: null, amount: 300n });
  expect(await check(refund, second, undefined)).toMatchObject({ seq: 3, balanceMinor: '500' });
  const received = entryFor(ben.id, EMPTY_STATEMENT, { from: ana.id, to: ben.id, amount: 5n });
  expect(
    await checkEntry(received, { me: ben.id, ledger: LEDGER, before: EMPTY_STATEMENT, payerChain: ana.chain }),
  ).toMatchObject({
    balanceMinor: '5',
  });
});

describe('a lie is named', () => {
  let before: StatementState;
  let honest: StatementEntry;
  beforeEach(async () => {
    const topUp = entryFor(ana.id, EMPTY_STATEMENT, { kind: 'top-up', from: null, to: ana.id, amount: 2_000n });
    before = await check(topUp, EMPTY_STATEMENT, undefined);
    honest = entryFor(ana.id, before, { from: ana.id, to: ben.id, amount: 1_200n });
  });
  const other = 'B'.repeat(42) + 'A';

  test.each<[string, Partial<StatementEntry>, StatementFault]>([
    ['a line left out', { seq: 3 }, 'out-of-order'],
    ['another past', { previousHead: other }, 'does-not-continue'],
    ['another balance', { balanceMinor: '900' }, 'wrong-balance'],
    ['another amount with its balance', { amountMinor: '1000', balanceMinor: '1000' }, 'intent-differs'],
    ['another payee', { counterparty: other as AccountId }, 'intent-differs'],
    ['another memo', { memoHash: other }, 'intent-differs'],
    ['another id', { transferId: 'tra_AAAAAAAAAAAAAAAAAAAAAA' as TransferId }, 'other-request'],
    ['another request', { requestHash: other }, 'other-request'],
    ['another salt', { salt: 'AAAAAAAAAAAAAAAAAAAAAA' }, 'wrong-hash'],
    ['another link of the other side', { otherLink: other }, 'wrong-hash'],
    ['another head', { head: other }, 'wrong-hash'],
    ['a debit that nobody asked for', { intent: null }, 'no-intent'],
    ['a transfer dressed as a refund', { kind: 'refund' }, 'intent-differs'],
    ['a transfer dressed as an operator entry', { kind: 'operator', intent: null, intentId: null }, 'other-request'],
  ])('%s', async (_name, change, fault) => {
    expect(await faultOf({ ...honest, ...change }, before)).toBe(fault);
  });

  test('a transfer that its payer signed for another ledger', async () => {
    const elsewhere = checkEntry(honest, {
      me: ana.id,
      ledger: 'ldg_BBBBBBBBBBBBBBBBBBBBBA',
      before,
      payerChain: ana.chain,
    });
    await expect(elsewhere).rejects.toMatchObject({ fault: 'intent-differs' });
  });

  test('a debit signed by a key that is no device of the payer', async () => {
    const forged = entryFor(ana.id, before, { from: ana.id, to: ben.id, amount: 1_200n, signer: newSigningKey() });
    expect(await faultOf(forged, before)).toBe('intent-not-signed');
    const strangers = entryFor(ana.id, before, { from: ana.id, to: ben.id, amount: 1_200n, signer: ben.key });
    expect(await faultOf(strangers, before, ben.chain)).toBe('intent-not-signed');
  });
});
