import { invalidRequest } from './errors.ts';
import { PARAMETER_LIMITS } from './parameters.ts';

/** docs.stripe.com/currencies: these have no minor unit, and three decimals must end in 0. */
const zeroDecimal = new Set([
  'bif',
  'clp',
  'djf',
  'gnf',
  'jpy',
  'kmf',
  'krw',
  'mga',
  'pyg',
  'rwf',
  'ugx',
  'vnd',
  'vuv',
  'xaf',
  'xof',
  'xpf',
]);
const threeDecimal = new Set(['bhd', 'jod', 'kwd', 'omr', 'tnd']);

/** Decimals of a currency as Stripe counts them. */
function exponent(currency: string): 0 | 2 | 3 {
  if (zeroDecimal.has(currency)) return 0;
  return threeDecimal.has(currency) ? 3 : 2;
}

/** An amount for people: `20,00 €`. */
export function formatMoney(amountMinor: number, currency: string, language: string): string {
  const digits = exponent(currency);
  const whole = amountMinor / 10 ** digits;
  return new Intl.NumberFormat(language, {
    style: 'currency',
    currency: currency.toUpperCase(),
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(whole);
}

/** The least Stripe charges; a currency that it does not name is held to the value for two, none or three decimals. */
const minimumByExponent = { 0: 50, 2: 50, 3: 500 } as const;

/** Refuses an amount that Stripe would refuse. `param` names where it was given. */
export function checkChargeable(amountMinor: number, currency: string, param: string): void {
  if (amountMinor > PARAMETER_LIMITS.amountMinor) {
    const message = `Amount must be no more than ${formatMoney(PARAMETER_LIMITS.amountMinor, currency, 'en')}`;
    throw invalidRequest(message, { code: 'amount_too_large', param });
  }
  const least = minimumByExponent[exponent(currency)];
  if (amountMinor < least) {
    const message = `Amount must be at least ${formatMoney(least, currency, 'en')}`;
    throw invalidRequest(message, { code: 'amount_too_small', param });
  }
  if (exponent(currency) === 3 && amountMinor % 10 !== 0) {
    const message = `Invalid amount: amounts in ${currency} must be multiples of 10.`;
    throw invalidRequest(message, { code: 'invalid_charge_amount', param });
  }
}

/** The simulated fee: 1.5 % and a quarter of the main unit, in whole minor units, never more than the amount. */
export function processingFee(amountMinor: number, currency: string): number {
  const fixed = exponent(currency) === 0 ? 25 : 25 * 10 ** (exponent(currency) - 2);
  return Math.min(amountMinor, Math.round((amountMinor * 15) / 1_000) + fixed);
}
