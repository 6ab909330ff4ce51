import type Stripe from 'stripe';
import * as z from 'zod';
import { newId } from './ids.ts';
import { createdRange, currency, expandable, paging, text } from './parameters.ts';
import { listAnswer, load, nowSeconds, operation, save, type Operation, type Simulation } from './simulation.ts';

/** Money that came in can be paid out after this time. */
const settlementSeconds = 2 * 86_400;

/** Writes one line of the account's statement. `net = amount − fee`. */
export function recordBalance(
  simulation: Simulation,
  entry: { type: 'charge' | 'refund'; amount: number; fee: number; currency: string; source: string; description: string | null },
): Stripe.BalanceTransaction {
  const created = nowSeconds(simulation);
  return save(simulation, 'balance_transaction', {
    id: newId('txn'),
    object: 'balance_transaction',
    amount: entry.amount,
    available_on: created + settlementSeconds,
    balance_type: 'payments',
    created,
    currency: entry.currency,
    description: entry.description,
    exchange_rate: null,
    fee: entry.fee,
    fee_details:
      entry.fee === 0
        ? []
        : [
            {
              amount: entry.fee,
              application: null,
              currency: entry.currency,
              description: 'Simulated processing fee',
              type: 'stripe_fee',
            },
          ],
    net: entry.amount - entry.fee,
    reporting_category: entry.type,
    source: entry.source,
    status: 'pending',
    type: entry.type,
  });
}

/** The line as it is told now: pending money becomes available by time alone. */
export function presentBalanceTransaction(simulation: Simulation, line: Stripe.BalanceTransaction): Stripe.BalanceTransaction {
  return { ...line, status: line.available_on <= nowSeconds(simulation) ? 'available' : 'pending' };
}

const listParams = z.strictObject({
  ...paging,
  created: createdRange,
  currency: currency.optional(),
  payout: text.optional(),
  source: text.optional(),
  type: text.optional(),
} satisfies Partial<Record<keyof Stripe.BalanceTransactionListParams, z.ZodType>>);

export const balanceTransactionOperations: Operation[] = [
  operation('GET', '/v1/balance_transactions/:id', z.strictObject(expandable), ({ simulation, id }) =>
    presentBalanceTransaction(simulation, load(simulation, 'balance_transaction', id)),
  ),
  operation('GET', '/v1/balance_transactions', listParams, ({ simulation, params }) => {
    const page = simulation.store.list('balance_transaction', params, {
      // Nothing is ever paid out here, so a payout's id matches no line.
      equals: { currency: params.currency, source: params.source, type: params.type, payout: params.payout },
      created: params.created,
    });
    return listAnswer('/v1/balance_transactions', {
      ...page,
      data: page.data.map((line) => presentBalanceTransaction(simulation, line)),
    });
  }),
];
