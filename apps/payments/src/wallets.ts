import { AppError, type AccountId, type CurrencyView, type WalletAccount } from '@rialto/contracts';
import type pg from 'pg';
import type * as z from 'zod';
import { base64urlOf } from './base64url.ts';
import type { CurrencyLimits } from './domain/limits.ts';

type Queryable = Pick<pg.Pool, 'query'>;

export interface AccountRow {
  readonly id: string;
  readonly currency: string;
  readonly posted: string;
  readonly held: string;
  readonly seq: string;
  readonly head: Buffer;
  readonly frozen: boolean;
}

const ACCOUNT_COLUMNS = 'id, currency, posted, held, seq, head, frozen';

/** The accounts that somebody has; one exists from the first payment on. */
export async function listAccounts(on: Queryable, owner: AccountId): Promise<z.output<typeof WalletAccount>[]> {
  const { rows } = await on.query<AccountRow>(`select ${ACCOUNT_COLUMNS} from account where owner = $1 order by currency`, [
    owner,
  ]);
  return rows.map(({ currency, posted, held, seq, head, frozen }) => ({
    currency,
    balanceMinor: posted,
    heldMinor: held,
    seq: Number(seq),
    head: base64urlOf(head),
    isFrozen: frozen,
  }));
}

export async function findAccount(on: Queryable, owner: AccountId, currency: string): Promise<AccountRow | undefined> {
  const { rows } = await on.query<AccountRow>(`select ${ACCOUNT_COLUMNS} from account where owner = $1 and currency = $2`, [
    owner,
    currency,
  ]);
  return rows[0];
}

/** All currencies with their limits, as they stand now. */
export async function listCurrencies(on: Queryable): Promise<CurrencyLimits[]> {
  const { rows } = await on.query<Record<string, string> & { exponent: number }>(
    'select code, exponent, max_transfer, max_per_day, min_top_up, max_top_up from currency order by code',
  );
  return rows.map((row) => ({
    code: String(row['code']),
    exponent: row.exponent,
    maxTransferMinor: BigInt(row['max_transfer'] ?? 0),
    maxPerDayMinor: BigInt(row['max_per_day'] ?? 0),
    minTopUpMinor: BigInt(row['min_top_up'] ?? 0),
    maxTopUpMinor: BigInt(row['max_top_up'] ?? 0),
  }));
}

/** Throws `currency-unknown`. */
export async function findCurrency(on: Queryable, code: string): Promise<CurrencyLimits> {
  const limits = (await listCurrencies(on)).find((each) => each.code === code);
  if (!limits) throw new AppError('currency-unknown');
  return limits;
}

export const viewOf = (limits: CurrencyLimits): z.output<typeof CurrencyView> => ({
  code: limits.code,
  exponent: limits.exponent,
  maxTransferMinor: limits.maxTransferMinor.toString(),
  maxPerDayMinor: limits.maxPerDayMinor.toString(),
  minTopUpMinor: limits.minTopUpMinor.toString(),
  maxTopUpMinor: limits.maxTopUpMinor.toString(),
});
