/**
 * A ledger that lies about money. Real: everything that `world.ts` lists; `ledger-lies.ts` changes what one client hears from payments. The
 * client must say what is false, and go on showing what it had verified.
 */
import type { AccountId, StatementEntry } from '@rialto/contracts';
import { newSigningKey } from '@rialto/crypto';
import { alarms, euros, type Page, receiptWith, rich, type WalletAnswer } from './ledger-lies.ts';
import { askedBy, entryOn, type Line, lineOf, type Place } from './ledger-side.ts';
import { sharedWorld } from './world.ts';

const world = sharedWorld();
type Rich = Awaited<ReturnType<typeof rich>>;

const OTHER = 'B'.repeat(42) + 'A';
const placeOf = ({ entries, seq, head }: Page): Place => ({ seq, head, balanceMinor: entries.at(-1)?.balanceMinor ?? '0' });
const statementOf = ({ ana }: Rich): Promise<Page> =>
  ana.client.connection.api.payments.getStatement({ currency: 'EUR', after: 0 });

/** The statement goes on with lines that never were. */
async function adds(people: Rich, ...lines: Line[]): Promise<void> {
  const honest = await statementOf(people);
  const entries = [...honest.entries];
  let before = placeOf(honest);
  for (const line of lines) entries.push((before = entryOn(people.me, before, line)) as StatementEntry);
  shows(people, entries);
}
/** Page and balance fit the entries, as the one that lies takes care of. */
function shows({ ledger }: Rich, entries: readonly StatementEntry[]): void {
  const { seq = 0, head = 'A'.repeat(43), balanceMinor = '0' } = entries.at(-1) ?? {};
  ledger.tells({
    getWallet: ({ accounts, ...wallet }: WalletAnswer) => ({
      ...wallet,
      accounts: accounts.map((account) => ({ ...account, seq, head, balanceMinor })),
    }),
    getStatement: (_honest, { after }) => ({ entries: entries.filter((entry) => entry.seq > after), seq, head }),
  });
}
/** Pays while the ledger hides it, so that the wallet has verified nothing of it. Gives the true statement. */
async function unseen({ ana, ledger, pay }: Rich, ...amounts: bigint[]): Promise<StatementEntry[]> {
  await ledger.forgetsWhatComes();
  for (const amount of amounts) await pay(amount);
  await ana.client.settle();
  ana.problems.length = 0;
  ledger.tells({});
  return [...(await ana.client.connection.api.payments.getStatement({ currency: 'EUR', after: 0 })).entries];
}
const told = async (people: Rich): Promise<readonly [bigint, string[]]> => [await euros(people.ana), alarms(people.ana)];

describe('receipts', () => {
  test('one that another key has signed is refused, and the statement decides', async () => {
    const people = await rich(world);
    people.ledger.tells({ transfer: (honest) => receiptWith(honest, {}, newSigningKey()) });
    const { intentId } = await people.pay(500n);
    expect(await told(people)).toEqual([1_500n, [`receipt-invalid ${intentId}`]]);
  });

  test.each(['ledger', 'transferId', 'intentId', 'account', 'currency'])('one with another %s is refused', async (field) => {
    const people = await rich(world);
    const others = { ledger: 'ldg_BBBBBBBBBBBBBBBBBBBBBA', account: OTHER, currency: 'USD' };
    const other = { ...others, transferId: 'tra_BBBBBBBBBBBBBBBBBBBBBA', intentId: 'int_BBBBBBBBBBBBBBBBBBBBBA' };
    people.ledger.tells({ transfer: (honest) => receiptWith(honest, { [field]: other[field as keyof typeof other] }) });
    const { intentId } = await people.pay(500n);
    expect(await told(people)).toEqual([1_500n, [`receipt-invalid ${intentId}`]]);
  });

  test('bytes that the ledger signed and that are no receipt are refused', async () => {
    const people = await rich(world);
    people.ledger.tells({ transfer: (honest) => receiptWith(honest, { seq: -1 }) });
    const { intentId } = await people.pay(500n);
    expect(await told(people)).toEqual([1_500n, [`receipt-invalid ${intentId}`]]);
  });

  /** A receipt names amount and payee by the head alone: these are the heads of what she did not ask for. */
  const untrue: [string, (people: Rich, before: Place) => object][] = [
    ['another amount', ({ me, him }, before) => receiptOf(entryOn(me, before, asked(me, him, 700n)))],
    ['another payee', ({ me }, before) => receiptOf(entryOn(me, before, asked(me, OTHER as AccountId, 500n)))],
    ['another balance', () => ({ balanceMinor: '700' })],
    ['another past', () => ({ previousHead: OTHER })],
  ];
  const asked = (from: AccountId, to: AccountId, amount: bigint): Line => ({
    from,
    to,
    amount,
    asked: askedBy(newSigningKey(), { from, to, amount }),
  });
  const receiptOf = ({ head, balanceMinor, previousHead }: StatementEntry) => ({ head, balanceMinor, previousHead });

  test.each(untrue)('a line that disagrees with the receipt is not believed: %s', async (_name, change) => {
    const people = await rich(world);
    const wrong = change(people, placeOf(await statementOf(people)));
    people.ledger.tells({ transfer: (honest) => receiptWith(honest, wrong) });
    await people.pay(500n);
    expect(await told(people)).toEqual([2_000n, ['statement-forged EUR: receipt-differs at 2']]);
  });

  test.each(untrue)('a receipt that disagrees with a line that was read before is an alarm: %s', async (_name, change) => {
    const people = await rich(world);
    const wrong = change(people, placeOf(await statementOf(people)));
    people.ledger.tells({
      transfer: async (honest) => {
        expect(await euros(people.ana)).toBe(1_500n);
        return receiptWith(honest, wrong);
      },
    });
    await people.pay(500n);
    expect(await told(people)).toEqual([1_500n, ['statement-forged EUR: without what was signed at 2']]);
  });

  test('another payment in the place of the signed one is not believed', async () => {
    const people = await rich(world);
    const [topUp, first, second] = (await unseen(people, 500n, 300n)) as [StatementEntry, StatementEntry, StatementEntry];
    const swapped = entryOn(people.me, topUp, lineOf(people.me, second));
    shows(people, [topUp, swapped, entryOn(people.me, swapped, lineOf(people.me, first))]);
    expect(await told(people)).toEqual([2_000n, ['statement-forged EUR: receipt-differs at 2']]);
  });

  test('a receipt that points at the line of another payment is an alarm', async () => {
    const people = await rich(world);
    await people.pay(500n);
    expect(await euros(people.ana)).toBe(1_500n);
    const { head, balanceMinor, previousHead } = (await statementOf(people)).entries.at(-1) as StatementEntry;
    people.ledger.tells({ transfer: (honest) => receiptWith(honest, { seq: 2, head, balanceMinor, previousHead }) });
    await people.pay(300n);
    expect(await told(people)).toEqual([1_200n, ['statement-forged EUR: without what was signed at 2']]);
  });

  test('a payment that is signed for and hidden is an alarm until it is shown', async () => {
    const people = await rich(world);
    await people.ledger.forgetsWhatComes();
    await people.pay(500n);
    expect(await told(people)).toEqual([2_000n, ['statement-forged EUR: without what was signed at 2']]);
    people.ledger.tells({});
    people.ana.problems.length = 0;
    expect(await told(people)).toEqual([1_500n, []]);
  });
});

describe("the ledger's identity", () => {
  test.each([
    ['key', { ledgerKey: OTHER }],
    ['name', { ledger: 'ldg_BBBBBBBBBBBBBBBBBBBBBA' }],
  ])('another %s than before is an alarm, and nothing is read from it', async (_name, change) => {
    const people = await rich(world);
    await people.pay(500n);
    expect(await euros(people.ana)).toBe(1_500n);
    people.ledger.tells({ getWallet: (honest) => ({ ...honest, accounts: [], ...change }) });
    await expect(euros(people.ana)).rejects.toMatchObject({ code: 'server-lied' });
    expect(alarms(people.ana)).toEqual(['ledger-key-changed ']);
    expect(people.ana.client.wallet.balances.find(({ currency }) => currency === 'EUR')?.balanceMinor).toBe(1_500n);
  });
});

describe('debits that nobody asked for', () => {
  test('without an intent', async () => {
    const people = await rich(world);
    await adds(people, { from: people.me, to: people.him, amount: 500n });
    expect(await told(people)).toEqual([2_000n, ['debit-without-intent EUR 2']]);
    expect(await people.ana.client.wallet.statement('EUR')).toHaveLength(1);
  });

  test("with an intent that is signed by no device of one's own", async () => {
    const people = await rich(world);
    const wanted = { from: people.me, to: people.him, amount: 500n };
    await adds(people, { ...wanted, asked: askedBy(newSigningKey(), wanted) });
    expect(await told(people)).toEqual([2_000n, ['debit-without-intent EUR 2']]);
  });

  test('with an intent that has been paid already', async () => {
    const people = await rich(world);
    await people.pay(500n);
    expect(await euros(people.ana)).toBe(1_500n);
    const paid = (await statementOf(people)).entries.at(-1) as StatementEntry;
    await adds(people, lineOf(people.me, paid));
    expect(await told(people)).toEqual([1_500n, ['debit-without-intent EUR 3']]);
  });

  test('of more than was asked for, to somebody else, or under another kind', async () => {
    const people = await rich(world);
    const [topUp, paid] = (await unseen(people, 500n)) as [StatementEntry, StatementEntry];
    const line = lineOf(people.me, paid);
    const bad: Line[] = [
      { ...line, amount: 700n },
      { ...line, to: OTHER as AccountId },
      { ...line, kind: 'refund' },
    ];
    for (const wrong of bad) {
      people.ana.problems.length = 0;
      shows(people, [topUp, entryOn(people.me, topUp, wrong)]);
      const [balance, [alarm]] = await told(people);
      expect([balance, alarm]).toEqual([2_000n, 'statement-forged EUR: intent-differs at 2']);
    }
  });
});

test('a credit that its payer never signed is not believed', async () => {
  const people = await rich(world);
  const given = { from: people.him, to: people.me, amount: 500n };
  await adds(people, { ...given, asked: askedBy(newSigningKey(), given) });
  expect(await told(people)).toEqual([2_000n, ['statement-forged EUR: intent-not-signed at 2']]);
});

describe('another past', () => {
  /** Top-up and two payments, all verified. */
  async function spent(): Promise<{ people: Rich; honest: Page }> {
    const people = await rich(world);
    await people.pay(500n);
    await people.pay(300n);
    expect(await euros(people.ana)).toBe(1_200n);
    return { people, honest: await statementOf(people) };
  }

  test.each<[string, Partial<StatementEntry>, string]>([
    ['the other link', { otherLink: OTHER }, 'wrong-hash'],
    ['the head', { head: OTHER }, 'wrong-hash'],
    ['the past', { previousHead: OTHER }, 'does-not-continue'],
    ['the balance', { balanceMinor: '1600' }, 'wrong-balance'],
    ['the currency', { currency: 'USD' }, 'other-request'],
    ['the memo', { memoHash: OTHER }, 'intent-differs'],
    ['the intent, which is one of hers', { intent: null }, 'no-intent'],
  ])('a line that differs in %s does not verify', async (_name, change, fault) => {
    const people = await rich(world);
    const [topUp, paid] = await unseen(people, 500n);
    shows(people, [topUp, { ...paid, ...change }] as StatementEntry[]);
    const [balance, [alarm]] = await told(people);
    expect([balance, alarm]).toEqual([2_000n, `statement-forged EUR: ${fault} at 2`]);
  });

  test('a rewritten line is seen at the next one, which does not continue what was verified', async () => {
    const { people, honest } = await spent();
    const [topUp, ...paid] = honest.entries as [StatementEntry, ...StatementEntry[]];
    const entries = [
      entryOn(people.me, { seq: 0, head: 'A'.repeat(43), balanceMinor: '0' }, { ...lineOf(people.me, topUp), amount: 2_100n }),
    ];
    for (const entry of paid) entries.push(entryOn(people.me, entries.at(-1) as Place, lineOf(people.me, entry)));
    entries.push(entryOn(people.me, entries.at(-1) as Place, { kind: 'top-up', from: null, to: people.me, amount: 5n }));
    shows(people, entries);
    expect((await told(people))[1]).toContain('statement-forged EUR: does-not-continue at 4');
    expect(await people.ana.client.wallet.statement('EUR')).toHaveLength(3);
  });

  test('a rewritten line without a next one is seen at the end', async () => {
    const { people, honest } = await spent();
    const [topUp, paid, last] = honest.entries as [StatementEntry, StatementEntry, StatementEntry];
    shows(people, [topUp, paid, entryOn(people.me, paid, lineOf(people.me, last))]);
    expect((await told(people))[1]).toContain('statement-forged EUR: the end, at 3');
  });

  test('a statement that became shorter is an alarm, and the balance stays', async () => {
    const { people, honest } = await spent();
    const [topUp] = honest.entries as [StatementEntry];
    people.ledger.tells({
      getStatement: (_page, { after }) => ({ entries: after < 1 ? [topUp] : [], seq: 1, head: topUp.head }),
    });
    expect(await told(people)).toEqual([1_200n, ['statement-forged EUR: the end, at 3']]);
  });

  test('a line that is left out in the middle is an alarm, and nothing behind it is read', async () => {
    const people = await rich(world);
    await unseen(people, 100n, 200n, 300n);
    people.ledger.tells({ getStatement: (page) => ({ ...page, entries: page.entries.filter(({ seq }) => seq !== 3) }) });
    expect(await told(people)).toEqual([1_900n, ['statement-forged EUR: out-of-order at 4']]);
    people.ledger.tells({});
    expect(await euros(people.ana)).toBe(1_400n);
  });

  test('a balance without its lines is an alarm', async () => {
    const { people } = await spent();
    const account = { seq: 4, head: OTHER, balanceMinor: '9000' };
    people.ledger.tells({
      getWallet: ({ accounts, ...wallet }) => ({ ...wallet, accounts: accounts.map((each) => ({ ...each, ...account })) }),
    });
    expect(await told(people)).toEqual([1_200n, ['statement-forged EUR: the balance at 4']]);
  });
});

test('a page that cannot be read is told, and read once it can be', async () => {
  const people = await rich(world);
  await unseen(people, 500n);
  people.ledger.tells({
    getStatement: (page) => ({ ...page, entries: page.entries.map((entry) => ({ ...entry, kind: 'gift' })) }),
  });
  expect(await told(people)).toEqual([2_000n, ['statement-unreadable EUR after 1']]);
  people.ledger.tells({});
  expect(await euros(people.ana)).toBe(1_500n);
});
