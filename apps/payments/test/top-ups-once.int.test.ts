// One top-up is one checkout and one credit, whatever comes at once and whatever breaks off.
import { sessionOf, stripeAt, topUpSteps } from './top-up-steps.ts';
import { codeOf, newTopUpId, type Person, startWorld, until, type World } from './world.ts';

let world: World;
let ana: Person;
beforeAll(async () => {
  world = await startWorld();
}, 60_000);
afterAll(() => world.stop());
beforeEach(async () => {
  ana = await world.newPerson();
});

const { create, stateOf, pay, ...steps } = topUpSteps(() => ({ world, person: ana }));
const balance = async () => (await steps.balance()) ?? '0';

test('two at once under one id are one top-up, with one checkout; another body meanwhile is refused', async () => {
  await world.control('/faults', { mode: 'delay', stage: 'before', holdMs: 700, method: 'POST', path: '/v1/checkout/sessions' });
  const topUpId = newTopUpId();
  const [first, second, other] = await Promise.all([
    create({ topUpId }),
    create({ topUpId }),
    codeOf(new Promise((resolve) => setTimeout(resolve, 200)).then(() => create({ topUpId, amountMinor: '2001' }))),
  ]);
  expect(first).toMatchObject({ state: 'open', topUpId });
  expect(second).toEqual(first);
  expect(other).toBe('conflict');
  const sessions = await stripeAt(world).checkout.sessions.list({ limit: 100 });
  expect(sessions.data.filter(({ client_reference_id: reference }) => reference === topUpId)).toHaveLength(1);
});

describe('an event and its effect are one transaction', () => {
  const admin = (sql: string, values?: unknown[]) => world.database.admin.query<{ count: string }>(sql, values);
  const countOf = async (table: string, where: string, value: string) =>
    Number((await admin(`select count(*) from payments.${table} where ${where} = $1`, [value])).rows[0]?.count);

  /** Refuses at the commit, when event and effect are both written. */
  async function breakCommitsOf(table: string): Promise<() => Promise<void>> {
    await admin(`create or replace function payments.break_off() returns trigger language plpgsql as $$
      begin raise exception 'broken off for a test' using errcode = '53100'; end $$`);
    await admin(`create constraint trigger break_off after insert or update on payments.${table}
      deferrable initially deferred for each row execute function payments.break_off()`);
    return async () => void (await admin(`drop trigger break_off on payments.${table}`));
  }

  test.each(['stripe_event', 'top_up', 'transfer'])(
    'cut off at %s, neither is there; the delivery that follows does both',
    async (table) => {
      const topUp = await create();
      const session = sessionOf(topUp);
      const answers = world.webhookAnswers.length;
      const mend = await breakCommitsOf(table);
      try {
        await pay(session);
        await until(() => world.webhookAnswers.slice(answers).includes(503));
        expect(await countOf('stripe_event', 'object_id', session)).toBe(0);
        expect(await countOf('transfer', 'key', topUp.topUpId)).toBe(0);
        expect([await stateOf(topUp), await balance()]).toEqual(['open', '0']);
      } finally {
        await mend();
      }
      await until(async () => (await stateOf(topUp)) === 'paid', 20_000);
      expect(await countOf('stripe_event', 'object_id', session)).toBe(1);
      expect(await countOf('transfer', 'key', topUp.topUpId)).toBe(1);
      expect(await balance()).toBe('2000');
    },
  );
});
