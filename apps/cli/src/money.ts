import type { Balance } from '@rialto/client';
import { UsageError } from './session.ts';

const AMOUNT = /^(\d{1,15})(?:[.,](\d+))?$/;

/** `12.5` as minor units of a currency with `exponent` digits. Throws `UsageError`. */
export function parseAmount(text: string, exponent: number): bigint {
  const match = AMOUNT.exec(text.trim());
  const [, whole = '', fraction = ''] = match ?? [];
  const amount = BigInt(`${whole}${fraction.padEnd(exponent, '0')}` || '0');
  if (!match || fraction.length > exponent || amount <= 0n) throw new UsageError(`“${text}” is not an amount of that currency.`);
  return amount;
}

/** `1250n` as `12.50 EUR`. */
export function formatAmount(amountMinor: bigint, currency: string, exponent: number): string {
  const digits = (amountMinor < 0n ? -amountMinor : amountMinor).toString().padStart(exponent + 1, '0');
  const text = exponent === 0 ? digits : `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
  return `${amountMinor < 0n ? '-' : ''}${text} ${currency}`;
}

/** Lines about money, and that it is simulated where it is: nobody shall take it for real. */
export const moneyLines = ({ isSimulated }: { readonly isSimulated: boolean }, lines: readonly string[]): readonly string[] =>
  isSimulated ? [...lines, 'SIMULATED MONEY'] : lines;

/** The row of a currency. Throws `UsageError` when this ledger does not keep it. */
export function balanceIn(balances: readonly Balance[], currency: string): Balance {
  const found = balances.find((balance) => balance.currency === currency.toUpperCase());
  if (!found) throw new UsageError(`This server keeps ${balances.map((balance) => balance.currency).join(', ')}.`);
  return found;
}
