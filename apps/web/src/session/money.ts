import type { Balance } from '@rialto/client';

/** `1200n` of an exponent of 2 as `€12.00`, by the reader's locale. Exact: no floating point on the way. */
export function formatMoney(amountMinor: bigint, currency: string, exponent: number, options: { sign?: boolean } = {}): string {
  const format = new Intl.NumberFormat(undefined, {
    style: 'currency',
    currency,
    minimumFractionDigits: exponent,
    maximumFractionDigits: exponent,
    ...(options.sign ? { signDisplay: 'always' as const } : {}),
  });
  return format.format(decimalText(amountMinor, exponent) as unknown as number); // decimal text is formatted exactly (ECMA-402)
}

/** An amount of a currency whose exponent may not be known yet: a guess would show 100 times too much or too little, so it shows none. */
export function sayAmount(
  amountMinor: bigint,
  currency: string,
  known: readonly Pick<Balance, 'currency' | 'exponent'>[] | null,
): string {
  const found = known?.find((each) => each.currency === currency);
  return found ? formatMoney(amountMinor, currency, found.exponent) : `an amount in ${currency}`;
}

/** `1200n` → `12.00`. */
export function decimalText(amountMinor: bigint, exponent: number): string {
  const sign = amountMinor < 0n ? '-' : '';
  const digits = (amountMinor < 0n ? -amountMinor : amountMinor).toString().padStart(exponent + 1, '0');
  return exponent === 0 ? sign + digits : `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

const MAX_DIGITS = 15;

/** What somebody typed, in minor units; null when it is no positive amount of that currency. Takes a comma or a point. */
export function parseAmount(text: string, exponent: number): bigint | null {
  const match = /^(\d+)(?:[.,](\d+))?$/.exec(text.trim());
  if (!match) return null;
  const [, whole = '', fraction = ''] = match;
  if (fraction.length > exponent || whole.length > MAX_DIGITS) return null;
  const amount = BigInt(whole + fraction.padEnd(exponent, '0'));
  return amount > 0n ? amount : null;
}
