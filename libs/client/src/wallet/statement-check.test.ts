import type { AccountId, IntentId, StatementEntry, TransferId } from '@rialto/contracts';
import { type Chain, newDeviceId, newSigningKey, ready, type SigningKey, startChain } from '@rialto/crypto';
import { askedBy, entryOn, LEDGER, type Line } from '../../test/ledger-side.ts';
import { checkEntry, EMPTY_STATEMENT, type StatementFault, type StatementState } from './statement-check.ts';

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

interface Told extends Line {
  readonly signer?: SigningKey;
}
const entryFor = (me: AccountId, before: StatementState, { signer = ana.key, ...line }: Told): StatementEntry =>
  entryOn(me, before, { ...line, asked: line.from && line.to && askedBy(signer, { ...line, from: line.from, to: line.to }) });

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

  /** Hashes fit in these: only what was signed, or what may be, tells. */
  test.each<[string, () => Line, StatementFault]>([
    ['an intent of another payer', () => ({ ...paid(), asked: askedBy(ana.key, { ...paid(), from: ben.id }) }), 'intent-differs'],
    [
      'an intent in another currency',
      () => ({ ...paid(), asked: askedBy(ana.key, { ...paid(), currency: 'USD' }) }),
      'intent-differs',
    ],
    [
      'an intent under another id',
      () => ({ ...paid(), asked: { ...askedBy(ana.key, paid()), intentId: 'int_BBBBBBBBBBBBBBBBBBBBBA' as IntentId } }),
      'intent-differs',
    ],
    [
      'a transfer whose id does not follow from its intent',
      () => ({ ...paid(), asked: askedBy(ana.key, paid()), transferId: 'tra_BBBBBBBBBBBBBBBBBBBBBA' as TransferId }),
      'other-request',
    ],
    ['a top-up that takes', () => ({ kind: 'top-up', from: ana.id, to: null, amount: 5n }), 'other-request'],
    ['a refund that gives', () => ({ kind: 'refund', from: null, to: ana.id, amount: 5n }), 'other-request'],
  ])('%s', async (_name, line, fault) => {
    expect(await faultOf(entryOn(ana.id, before, line()), before)).toBe(fault);
  });
  const paid = () => ({ from: ana.id, to: ben.id, amount: 1_200n });

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
