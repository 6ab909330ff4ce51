import { randomBytes } from 'node:crypto';
import { AppError } from '@rialto/contracts';
import { createTestDatabase, type TestDatabase } from '@rialto/service/testing';
import pg from 'pg';
import { Ledger, type Posted, type Posting } from '../src/ledger.ts';
import { codeOf, fund, sqlCodeOf } from './world.ts';

const CALLERS = 32;

let database: TestDatabase;
let pool: pg.Pool;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase(['payments']);
  pool = new pg.Pool({ connectionString: database.url('payments'), max: 4, options: '-c search_path=payments' });
  ledger = new Ledger(pool, [pool, pool]);
}, 60_000);
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const newOwner = () => randomBytes(32).toString('base64url');
const posting = (debit: string, credit: string, change: Partial<Posting> = {}): Posting => ({
  scope: debit,
  key: `int_${randomBytes(16).toString('base64url')}`,
  debit,
  credit,
  currency: 'EUR',
  amountMinor: 100n,
  kind: 'transfer',
  intent: { signed: randomBytes(300), signature: randomBytes(64), memoHash: null, expiresAtMs: Date.now() + 60_000 },
  ...change,
});
async function owners(count: number, amountMinor: bigint): Promise<string[]> {
  const all = Array.from({ length: count }, newOwner);
  for (const owner of all) await fund(database, owner, amountMinor, 'EUR');
  return all;
}
const totals = async () => {
  const { rows } = await database.admin.query<{ sum: string; lowest: string; off: string }>(
    `select sum(posted)::text as sum, min(posted) filter (where not is_system)::text as lowest,
       count(*) filter (where posted <> coalesce((select sum(case when t.credit = a.id then t.amount else -t.amount end)
         from payments.transfer t where a.id in (t.debit, t.credit)), 0))::text as off from payments.account a`,
  );
  return rows[0];
};
const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T;

test('32 callers on few accounts, through two replicas: the sum is zero, nobody is overdrawn, every number is used once', async () => {
  const people = await owners(4, 2_000n);
  const replicas = [ledger, new Ledger(pool, [pool, pool])];
  const outcomes: Record<string, number> = {};
  const caller = async () => {
    for (let count = 0; count < 40; count += 1) {
      const [debit, credit] = [pick(people), pick(people)];
      if (debit === credit) continue;
      const amountMinor = BigInt(1 + Math.floor(Math.random() * 900));
      const code = await codeOf(pick(replicas).post(posting(debit, credit, { amountMinor })));
      outcomes[code] = (outcomes[code] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  expect(Object.keys(outcomes).sort()).toEqual(['insufficient-funds', 'ok']);
  expect(await totals()).toMatchObject({ sum: '0', off: '0' });
  expect(Number((await totals())?.lowest)).toBeGreaterThanOrEqual(0);
  const { rows } = await database.admin.query<{ gaps: string }>(
    `select count(*)::text as gaps from payments.account a where a.seq <> (select count(*) from payments.transfer t where a.id in (t.debit, t.credit))`,
  );
  expect(rows[0]?.gaps).toBe('0');
}, 60_000);

test('the same posting from many callers and replicas at once is one transfer', async () => {
  const [ana, ben] = (await owners(2, 1_000n)) as [string, string];
  const one = posting(ana, ben);
  const replicas = [ledger, new Ledger(pool, [pool, pool]), new Ledger(pool, [pool, pool])];
  const answers = await Promise.all(Array.from({ length: CALLERS }, () => pick(replicas).post({ ...one })));
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  expect(answers.filter(({ isDuplicate }) => !isDuplicate)).toHaveLength(1);
  expect(await codeOf(ledger.post({ ...one, amountMinor: 101n }))).toBe('conflict');
  expect(await codeOf(ledger.post({ ...one, credit: newOwner() }))).toBe('conflict');
});

test('a batch gives each posting the answer that it would have had alone, after those before it', async () => {
  const [ana, ben, eve] = (await owners(3, 100n)) as [string, string, string];
  const first = posting(ana, ben);
  const answers = await ledger.postAll(pool, [
    first, // empties ana
    posting(ana, eve, { amountMinor: 1n }), // has nothing left
    posting(ben, ana, { amountMinor: 150n }), // has 200 now
    posting(ana, eve, { amountMinor: 150n }), // and ana 150 again
    first, // a twin
    { ...first, amountMinor: 99n }, // a forged twin
    posting(eve, ben, { currency: 'XTS' }),
    posting(eve, eve),
    posting(eve, ben, {
      intent: { signed: randomBytes(9), signature: randomBytes(64), memoHash: null, expiresAtMs: Date.now() - 1 },
    }),
  ]);
  const words = answers.map((answer) => (answer instanceof AppError ? answer.code : answer.isDuplicate ? 'duplicate' : 'posted'));
  expect(words).toEqual([
    'posted',
    'insufficient-funds',
    'posted',
    'posted',
    'duplicate',
    'conflict',
    'currency-unknown',
    'invalid-input',
    'intent-expired',
  ]);
  const [paid, , back] = answers as [Posted, unknown, Posted];
  expect([paid.debit.seq, paid.debit.balanceMinor, back.credit.seq, back.credit.balanceMinor]).toEqual([2n, 0n, 3n, 150n]);
});

test('accounts of one name in two currencies are two accounts', async () => {
  const ana = newOwner();
  await fund(database, ana, 500n, 'USD');
  expect(await codeOf(ledger.post(posting(ana, newOwner())))).toBe('insufficient-funds');
  const key = 'int_once';
  expect(await codeOf(ledger.post(posting(ana, newOwner(), { currency: 'USD', key })))).toBe('ok');
  expect(await codeOf(ledger.post(posting(ana, newOwner(), { currency: 'EUR', key })))).toBe('conflict');
});

test('an amount out of range fails alone', async () => {
  const [ana, ben] = (await owners(2, 1_000n)) as [string, string];
  const huge = ledger.post(posting(ana, ben, { amountMinor: 999_999_999_999_999_999n }));
  const small = ledger.post(posting(ana, ben));
  expect([await codeOf(huge), await codeOf(small)]).toEqual(['limit-exceeded', 'ok']);
});

describe('an account', () => {
  const codeOfSql = (sql: string, values?: unknown[]) => sqlCodeOf(database, 'payments_owner', sql, values);
  const opening = 'insert into payments.account (id, owner, currency, is_system, floor) values ($1, $2, $3, $4, $5)';

  test.each([
    ['whose id ends in the number of another currency', [900_840, newOwner(), 'EUR', false, 0]],
    ['of a currency that is not kept', [900_999, newOwner(), 'ZZZ', false, 0]],
    ['of a person without a floor', [900_978, newOwner(), 'EUR', false, null]],
    ['of a person as the system’s', [900_978, newOwner(), 'EUR', true, null]],
    ['of the system with a floor', [900_978, 'reserve', 'EUR', true, 0]],
    ['of nobody', [900_978, '', 'EUR', true, null]],
  ])('%s is not opened', async (_what, values) => {
    expect(await codeOfSql(opening, values)).toBe('23514');
  });

  test('stays what it was when it was opened, and so does its currency', async () => {
    for (const change of ['id = id + 1000', 'owner = owner', `currency = 'USD'`, 'is_system = true', 'floor = -100']) {
      expect([change, await codeOfSql(`update payments.account set ${change}`)]).toEqual([change, '23514']);
    }
    expect(await codeOfSql('update payments.currency set number = number + 1')).toBe('23514');
    expect(await codeOfSql(`delete from payments.currency where code = 'KWD'`)).toBe('23514');
    expect(await codeOfSql('update payments.currency set max_transfer = max_transfer')).toBe('done');
  });

  test('holds no less than nothing, and a person’s is never overdrawn, whoever writes', async () => {
    const [ana] = (await owners(1, 1_000n)) as [string];
    const change = (what: string) => codeOfSql(`update payments.account set ${what} where owner = $1`, [ana]);
    expect(await change('held = -1')).toBe('23514');
    expect(await change('posted = -1')).toBe('23514');
    expect(await change('held = posted + 1')).toBe('23514');
    expect(await codeOfSql(`update payments.account set held = -1 where owner = 'operator'`)).toBe('23514');
  });

  test('is posted to under the name of its owner only, and with others in descending order', async () => {
    const [ana, ben] = (await owners(2, 1_000n)) as [string, string];
    const [a, b] = [await ledger.accountId(ana, 'EUR'), await ledger.accountId(ben, 'EUR')];
    const post = async (accounts: string[], names: string[]) => {
      const query = postMany({ p_accounts: '$1', p_owners: '$2' });
      return codeOfSql(query, [accounts, names]);
    };
    expect(await post([b, a], [ben, newOwner()])).toBe('22023');
    expect(await post([a, b], [ana, ben])).toBe('22023');
    expect(await post([b, a], [ben, ana])).toBe('done');
  });
});

describe('a posting', () => {
  let accounts: [string[], string[]];
  beforeAll(async () => {
    const [ana, ben] = (await owners(2, 1_000n)) as [string, string];
    const ids = [await ledger.accountId(ben, 'EUR'), await ledger.accountId(ana, 'EUR')];
    accounts = [ids, [ben, ana]];
  });
  const statusOf = async (change: Record<string, string>) => {
    const { rows } = await pool.query<{ answer: string }>(postMany({ p_accounts: '$1', p_owners: '$2', ...change }), accounts);
    return rows[0]?.answer.split(' ')[0];
  };

  test.each([
    ['of nothing', { p_amount: 'array[0::bigint]' }],
    ['of less than nothing', { p_amount: 'array[-1::bigint]' }],
    ['of no amount', { p_amount: 'array[null::bigint]' }],
    ['to itself', { p_credit: 'array[1]' }],
    ['of no kind', { p_kind: 'array[0::smallint]' }],
    ['of a kind that is not there', { p_kind: 'array[5::smallint]' }],
    ['of a transfer that nobody signed', { p_kind: 'array[1::smallint]', p_intent: `array['x'::bytea]` }],
    ['of a transfer without what was signed', { p_kind: 'array[1::smallint]', p_signature: `array['x'::bytea]` }],
    ['without a scope', { p_scope: `array['']` }],
    ['with a scope that is too long', { p_scope: `array[repeat('x', 44)]` }],
    ['without a key', { p_key: `array['']` }],
    ['with a key that is too long', { p_key: `array[repeat('x', 65)]` }],
    ['with a salt that is too short', { p_debit_salt: `array['x'::bytea]` }],
    ['with a salt that is too long', { p_credit_salt: `array[uuid_send(gen_random_uuid()) || 'x'::bytea]` }],
  ] as [string, Record<string, string>][])('%s is malformed, and nothing is posted', async (_what, change) => {
    const before = await totals();
    expect(await statusOf(change)).toBe('malformed');
    expect(await totals()).toEqual(before);
  });

  test.each([
    ['1', '2'],
    ['2', '1'],
  ])('between two currencies is refused, whichever it names (from %s to %s)', async (debit, credit) => {
    const owner = newOwner();
    const dollars = await ledger.accountId(owner, 'USD');
    const [[, anas], [, ana]] = accounts;
    const change = { p_debit: `array[${debit}]`, p_credit: `array[${credit}]` };
    const query = postMany({ p_accounts: '$1', p_owners: '$2', ...change });
    const { rows } = await pool.query<{ answer: string }>(query, [
      [dollars, anas],
      [owner, ana],
    ]);
    expect(rows[0]?.answer.split(' ')[0]).toBe('currency-unknown');
  });

  test('that is well formed is posted', async () => {
    expect(await statusOf({})).toBe('posted');
  });

  test.each(['amount = 0', 'amount = -1', 'credit = debit', 'credit = debit + 1'])(
    'is no row of the table with %s, not even for its owner',
    async (wrong) => {
      const [column = '', value = ''] = wrong.split(' = ');
      const columns =
        'scope key request_hash kind debit_balance credit_balance debit_previous credit_previous debit_salt credit_salt head at';
      const kept = [...columns.split(' '), ...['amount', 'debit', 'credit'].filter((name) => name !== column)].join(', ');
      const insert = `insert into payments.transfer (id, debit_seq, credit_seq, ${kept}, ${column})
        select gen_random_uuid(), debit_seq + 1000, credit_seq + 1000, ${kept}, ${value} from payments.transfer where kind = 4 limit 1`;
      expect(await sqlCodeOf(database, 'payments_owner', insert)).toBe('23514');
    },
  );
});

/** A call of `post_many` with one entry of the operator's, of which something may be written otherwise. */
function postMany(change: Readonly<Record<string, string>>): string {
  const salt = 'array[uuid_send(gen_random_uuid())]';
  const nothing = 'array[null::bytea]';
  const given = {
    ...{ p_scope: `array['operator']`, p_key: `array['int_${randomBytes(16).toString('base64url')}']` },
    ...{ p_debit: 'array[1]', p_credit: 'array[2]', p_currency: `array['EUR']`, p_amount: 'array[1::bigint]' },
    ...{ p_kind: 'array[4::smallint]', p_intent: nothing, p_signature: nothing, p_memo_hash: nothing },
    ...{ p_expires: 'array[null::timestamptz]', p_debit_salt: salt, p_credit_salt: salt },
    ...change,
  };
  const named = Object.entries(given).map(([name, value]) => `${name} => ${value}`);
  return `select payments.post_many(${named.join(', ')}) as answer`;
}
