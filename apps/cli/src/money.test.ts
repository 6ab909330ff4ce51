import { formatAmount, parseAmount } from './money.ts';

test.each([
  ['12.5', 2, 1_250n],
  ['12,50', 2, 1_250n],
  ['20', 2, 2_000n],
  ['1500', 0, 1_500n],
  ['0.001', 3, 1n],
  ['999999999999999.99', 2, 99_999_999_999_999_999n],
])('%s with %i digits is %s minor units, and reads the same again', (text, exponent, amount) => {
  expect(parseAmount(text, exponent)).toBe(amount);
  expect(parseAmount(formatAmount(amount, 'EUR', exponent).replace(' EUR', ''), exponent)).toBe(amount);
});

test.each(['', '0', '0.00', '-1', '1.234', '1e3', '12.', '.5', 'ten', '1 000', '١٢', '9'.repeat(16)])(
  '“%s” is no amount',
  (text) => {
    expect(() => parseAmount(text, 2)).toThrow('not an amount');
  },
);

test('amounts are shown exactly, also below zero', () => {
  expect(formatAmount(-5n, 'EUR', 2)).toBe('-0.05 EUR');
  expect(formatAmount(1_500n, 'JPY', 0)).toBe('1500 JPY');
  expect(formatAmount(2n ** 62n, 'KWD', 3)).toBe('4611686018427387.904 KWD');
});
