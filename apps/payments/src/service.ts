import { identity, payments, type AccountId } from '@rialto/contracts';
import { ready, signingKeyFromSeed, toBase64url } from '@rialto/crypto/server';
import { defineService } from '@rialto/service';
import { isSimulated, PaymentsConfig } from './config.ts';
import { Holds } from './holds.ts';
import { Ledger } from './ledger.ts';
import { PayerChains } from './payer-chains.ts';
import { Receipts } from './receipts.ts';
import { getStatement } from './statements.ts';
import { Notices } from './stripe/notices.ts';
import { Processor } from './stripe/processor.ts';
import { Reconciliation } from './stripe/reconciliation.ts';
import { Refunds } from './stripe/refunds.ts';
import { readWebhook } from './stripe/webhook-signature.ts';
import { TopUps } from './top-ups.ts';
import { Transfers } from './transfers.ts';
import { listAccounts, listCurrencies, viewOf } from './wallets.ts';

/** The payments service, put together. */
export const paymentsService = defineService({
  contract: payments,
  config: PaymentsConfig,
  build: async ({ database, log, nats, push, work }, config) => {
    await ready();
    const { pool } = database;
    const ledgerId = config.RIALTO_LEDGER_ID;
    const key = signingKeyFromSeed(config.RIALTO_LEDGER_KEY);
    const ledger = new Ledger(database.lane(), [database.lane(), database.lane()]);
    new Holds({ database, ledger, work }); // Takes the time-outs of holds from the queue.
    const chains = new PayerChains((accountId: AccountId) => nats.call(identity.operations.getChain, { accountId }));
    const receipts = new Receipts({ ledger: ledgerId, key, pool });
    const transfers = new Transfers({ ledgerId, ledger, chains, receipts, push });
    const processor = new Processor({
      key: config.RIALTO_STRIPE_KEY,
      url: config.RIALTO_STRIPE_URL,
      publicUrl: config.RIALTO_PUBLIC_URL,
      log,
    });
    const topUps = new TopUps({ database, ledger, processor, work, push, log });
    const refunds = new Refunds({ ledger, log });
    const notices = new Notices({ database, processor, topUps, refunds, log });
    await new Reconciliation({ database, processor, topUps, notices, work, log }).start();
    return {
      handlers: {
        getWallet: async (_input, { accountId }) => {
          const [accounts, currencies] = await Promise.all([listAccounts(pool, accountId), listCurrencies(pool)]);
          return {
            ledger: ledgerId,
            ledgerKey: toBase64url(key.publicKey),
            isSimulated: isSimulated(config),
            accounts,
            currencies: currencies.map(viewOf),
          };
        },
        transfer: (intent, caller) => transfers.transfer(intent, caller),
        getStatement: (input, { accountId }) => getStatement(pool, input, accountId),
        getReceipt: async ({ transferId }, { accountId }) => ({ receipt: await receipts.get(transferId, accountId) }),
        createTopUp: (input, { accountId }) => topUps.create(input, accountId),
        getTopUp: ({ topUpId }, { accountId }) => topUps.get(topUpId, accountId),
        receiveStripeEvent: async ({ body, signature }) => {
          const bytes = Buffer.from(body, 'base64url');
          await notices.take(readWebhook(bytes, signature, { secret: config.RIALTO_STRIPE_WEBHOOK_SECRET, nowMs: Date.now() }));
          return { received: true };
        },
      },
    };
  },
});
