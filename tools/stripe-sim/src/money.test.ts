import fc from 'fast-check';
import { StripeProblem } from './errors.ts';
import { checkChargeable, formatMoney, processingFee } from './money.ts';

const refusalOf = (amount: number, currency: string): string | undefined => {
  try {
    checkChargeable(amount, currency, 'amount');
  } catch (error) {
    if (error instanceof StripeProblem) return error.body.code;
    throw error;
  }
  return undefined;
};

test.each([
  [50, 'eur', undefined],
  [49, 'eur', 'amount_too_small'],
  [99_999_999, 'usd', undefined],
  [100_000_000, 'usd', 'amount_too_large'],
  [50, 'jpy', undefined],
  [5_000, 'kwd', undefined],
  [5_005, 'kwd', 'invalid_charge_amount'],
])('%i %s', (amount, currency, code) => {
  expect(refusalOf(amount, currency)).toBe(code);
});

test('amounts are written with the decimals of their currency', () => {
  expect(formatMoney(2_000, 'eur', 'en')).toBe('€20.00');
  expect(formatMoney(2_000, 'jpy', 'en')).toBe('¥2,000');
  expect(formatMoney(2_000, 'kwd', 'en')).toMatch(/^KWD\s2\.000$/);
});

test('a fee is whole and never more than the amount', () => {
  const currencies = fc.constantFrom('eur', 'usd', 'jpy', 'kwd');
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99_999_999 }), currencies, (amount, currency) => {
      const fee = processingFee(amount, currency);
      return Number.isInteger(fee) && fee > 0 && fee <= amount;
    }),
  );
});
