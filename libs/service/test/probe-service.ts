import { join } from 'node:path';
import * as z from 'zod';
import { AppError, identity, payments, type Handlers } from '@rialto/contracts';
import { defineService, type Kit } from '../src/index.ts';
import type { TestedService } from '../src/testing/index.ts';

/** The contract of payments with handlers that only try out what services stand on. */
export const probeTables: TestedService = { name: 'payments', migrationsDir: join(import.meta.dirname, 'migrations') };

export const SLOW_MS = 300;
const NOTHING = '0'.repeat(43);
const bytesOf = (text: string) => Buffer.from(text).toString('base64url');
const receipt = { signed: bytesOf('{}'), signature: '0'.repeat(86) };

/** What a currency makes of a top-up: each tries another way to fail. */
async function topUp(kit: Kit, currency: string, topUpId: string): Promise<void> {
  const { database } = kit;
  if (currency === 'BUG') throw new Error('the database password is hunter2');
  if (currency === 'ODD') throw new AppError('stale-epoch');
  if (currency === 'OWN') throw new AppError('limit-exceeded', { limit: 'maxPerDayMinor' });
  if (currency === 'LAG') await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
  if (currency === 'SQL') await database.pool.query('insert into probe values ($1)', [topUpId]);
  if (currency === 'ZZZ') await database.pool.query('select pg_sleep(30)');
}

const handlersOf = (kit: Kit): Handlers<typeof payments> => ({
  async getWallet() {
    const ledger = `ldg_${'0'.repeat(22)}` as never;
    return { ledger, ledgerKey: NOTHING, isSimulated: true, accounts: [], currencies: [], secret: 'must not leave' } as never;
  },
  async transfer(_input, { signed, signature }) {
    return { transferId: `tra_${'0'.repeat(22)}` as never, duplicate: signed.length > 0 && signature.length === 64, receipt };
  },
  async getStatement() {
    return { entries: [], seq: -1, head: NOTHING };
  },
  async getReceipt(_input, { accountId }) {
    const { chain } = await kit.nats.call(identity.operations.getChain, { accountId }, { timeoutMs: 500 });
    return { receipt: { ...receipt, signed: chain } };
  },
  async createTopUp({ topUpId, currency, amountMinor }) {
    await topUp(kit, currency, topUpId);
    const createdAt = new Date().toISOString();
    return { topUpId, currency, amountMinor, state: 'open', checkoutUrl: null, transferId: null, createdAt };
  },
  async getTopUp() {
    throw new AppError('not-found');
  },
  async receiveStripeEvent(_input, { kind }) {
    return { received: kind === 'gateway' };
  },
});

export const probeService = defineService({
  contract: payments,
  config: z.object({ PROBE_WORK: z.string().optional() }),
  migrationsDir: probeTables.migrationsDir,
  async build(kit, { PROBE_WORK }) {
    if (PROBE_WORK !== undefined) {
      kit.work.handle<{ id: string }>('count', async ({ id }, { client }) => {
        await client.query('insert into probe values ($1, 1) on conflict (id) do update set times = probe.times + 1', [id]);
        await new Promise((resolve) => setTimeout(resolve, Number(PROBE_WORK)));
      });
    }
    return { handlers: handlersOf(kit) };
  },
});
