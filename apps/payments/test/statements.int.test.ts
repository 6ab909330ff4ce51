import { payments, type StatementEntry } from '@rialto/contracts';
import { headHash, linkHash, requestHash, transferIdBytes } from '../src/domain/posting.ts';
import { codeOf, type Person, sqlCodeOf, startWorld, type World } from './world.ts';

const { getStatement } = payments.operations;
const bytes = (text: string) => Buffer.from(text, 'base64url');

let world: World;
let ana: Person;
let ben: Person;
beforeAll(async () => {
  world = await startWorld();
  [ana, ben] = await Promise.all([world.newPerson(), world.newPerson()]);
  await world.fund(ana, 10_000n);
  for (let count = 0; count < 12; count += 1) await world.pay(ana, world.intent(ana, ben, { memoHash: 'M'.repeat(42) + 'A' }));
  for (let count = 0; count < 5; count += 1) await world.pay(ben, world.intent(ben, ana, { amountMinor: '30' }));
}, 60_000);
afterAll(() => world.stop());

async function readAll(person: Person, limit = 200): Promise<{ entries: StatementEntry[]; head: string }> {
  const entries: StatementEntry[] = [];
  for (;;) {
    const after = entries.at(-1)?.seq ?? 0;
    const page = await world.gateway.call(getStatement, { currency: 'EUR', after, limit }, { token: person.token });
    entries.push(...page.entries);
    if (page.entries.length < limit) return { entries, head: page.head };
  }
}

/** What a client does: every entry is recomputed from what it shows, and goes on from the one before. Gives what is wrong first. */
function problemOf(entries: readonly StatementEntry[], { accountId }: Person, head: string): string | null {
  let previous = { head: 'A'.repeat(43), seq: 0, balance: 0n };
  for (const entry of entries) {
    const amount = BigInt(entry.amountMinor);
    const balance = previous.balance + (entry.direction === 'credit' ? amount : -amount);
    if (entry.previousHead !== previous.head || entry.seq !== previous.seq + 1) return `link ${entry.seq}`;
    if (entry.balanceMinor !== balance.toString()) return `balance ${entry.seq}`;
    const system = entry.kind === 'operator' ? 'operator' : 'processor';
    const other = entry.counterparty ?? system;
    const [debit, credit] = entry.direction === 'debit' ? [accountId, other] : [other, accountId];
    const id = bytes(entry.transferId.slice('tra_'.length));
    if (entry.intentId && !id.equals(transferIdBytes({ scope: debit, key: entry.intentId }))) return `id ${entry.seq}`;
    const request = requestHash({
      id,
      debit,
      credit,
      amountMinor: amount,
      currency: entry.currency,
      kind: entry.kind,
      intent: entry.intent && bytes(entry.intent.signed),
    });
    if (!bytes(entry.requestHash).equals(request)) return `request ${entry.seq}`;
    const own = linkHash({
      salt: bytes(entry.salt),
      previousHead: bytes(entry.previousHead),
      seq: BigInt(entry.seq),
      balanceMinor: balance,
    });
    const links = entry.direction === 'debit' ? [own, bytes(entry.otherLink)] : [bytes(entry.otherLink), own];
    const [debitLink, creditLink] = links as [Uint8Array, Uint8Array];
    if (!bytes(entry.head).equals(headHash(debitLink, creditLink, bytes(entry.requestHash)))) return `head ${entry.seq}`;
    previous = { head: entry.head, seq: entry.seq, balance };
  }
  return previous.head === head ? null : 'end';
}

test.each([1, 5, 200])('both parties recompute their statements link by link, in pages of %i', async (limit) => {
  for (const person of [ana, ben]) {
    const { entries, head } = await readAll(person, limit);
    expect(entries).toHaveLength(person === ana ? 18 : 17);
    expect(problemOf(entries, person, head)).toBeNull();
  }
});

test('an entry carries the signed intent and the hash of its memo, and hides the other balance', async () => {
  const { entries } = await readAll(ben);
  const [first] = entries;
  expect(JSON.parse(bytes(first?.intent?.signed ?? '').toString('utf8'))).toMatchObject({
    from: ana.accountId,
    to: ben.accountId,
  });
  expect(first).toMatchObject({ memoHash: 'M'.repeat(42) + 'A', counterparty: ana.accountId, direction: 'credit' });
  const anas = (await readAll(ana)).entries.find(({ transferId }) => transferId === first?.transferId);
  expect(anas?.head).toBe(first?.head);
  const salts = [...(await readAll(ana)).entries, ...entries].map(({ salt }) => salt);
  expect(new Set(salts).size).toBe(salts.length); // no two alike: neither of two transfers nor of both sides of one
  expect(JSON.stringify(entries)).not.toContain(`"${anas?.balanceMinor}"`);
});

test('rows are refused any change, to the app and to their owner', async () => {
  const attempt = (role: 'payments_owner' | 'payments_app', sql: string) => sqlCodeOf(world.database, role, sql);
  const changes = ['update payments.transfer set amount = 1', 'delete from payments.transfer', 'truncate payments.transfer'];
  const insert = 'insert into payments.account (owner, currency) values (repeat($$x$$, 43), $$EUR$$)';
  const money = 'update payments.account set posted = posted + 100';
  for (const sql of changes) expect([sql, await attempt('payments_owner', sql)]).toEqual([sql, '23514']);
  for (const sql of [...changes, insert, money]) expect([sql, await attempt('payments_app', sql)]).toEqual([sql, '42501']);
});

test('a row that somebody rewrites behind the triggers shows in the statement of either party', async () => {
  const client = await world.database.admin.connect();
  try {
    const { rows } = await client.query<{ id: string }>(`select id from payments.transfer where kind = 1 order by at limit 1`);
    const forge = async (change: string) => {
      await client.query('begin');
      await client.query('alter table payments.transfer disable trigger user');
      await client.query(`update payments.transfer set ${change} where id = $1`, [rows[0]?.id]);
      await client.query('commit');
    };
    const seen = async () =>
      Promise.all(
        [ana, ben].map(async (person) => {
          const { entries, head } = await readAll(person);
          return problemOf(entries, person, head);
        }),
      );
    await forge('amount = amount + 1');
    expect(await seen()).toEqual(['balance 2', 'balance 1']);
    await forge('amount = amount - 1');
    expect(await seen()).toEqual([null, null]);
    await forge(`intent = convert_to(replace(convert_from(intent, 'UTF8'), '"100"', '"101"'), 'UTF8')`);
    expect(await seen()).toEqual(['request 2', 'request 1']);
    await forge(`intent = convert_to(replace(convert_from(intent, 'UTF8'), '"101"', '"100"'), 'UTF8')`);
    await forge('credit_balance = credit_balance + 5');
    expect(await seen()).toEqual(['head 2', 'balance 1']);
    await forge('credit_balance = credit_balance - 5');
    await client.query('alter table payments.transfer enable trigger user');
    expect(await seen()).toEqual([null, null]);
  } finally {
    client.release();
  }
});

test('a page has a limit', async () => {
  const call = world.gateway.call(getStatement, { currency: 'EUR', after: 0, limit: 201 }, { token: ana.token });
  expect(await codeOf(call)).toBe('invalid-input');
});
