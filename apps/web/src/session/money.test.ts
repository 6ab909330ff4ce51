import fc from 'fast-check';
import { decimalText, formatMoney, parseAmount, sayAmount } from './money.ts';

test('an amount survives being written and read, whatever its exponent', () => {
  const amounts = fc.bigInt({ min: 1n, max: 999_999_999_999_999n });
  fc.assert(
    fc.property(amounts, fc.integer({ min: 0, max: 4 }), (amount, exponent) => {
      expect(parseAmount(decimalText(amount, exponent), exponent)).toBe(amount);
    }),
  );
});

test.each([
  ['12', 2, 1200n],
  ['12,5', 2, 1250n],
  ['0.01', 2, 1n],
  ['7', 0, 7n],
  ['1.234', 3, 1234n],
])('%s with %i decimals is %s minor units', (text, exponent, amount) => {
  expect(parseAmount(text, exponent)).toBe(amount);
});

test.each([
  ['', 2],
  ['0', 2],
  ['0.00', 2],
  ['1.234', 2],
  ['1.5', 0],
  ['-1', 2],
  ['1,000.00', 2],
  ['1e3', 2],
  ['.5', 2],
  ['1234567890123456', 2],
])('“%s” is no amount with %i decimals', (text, exponent) => {
  expect(parseAmount(text, exponent)).toBeNull();
});

test('large amounts are formatted to the last digit', () => {
  expect(formatMoney(900_719_925_474_099_301n, 'EUR', 2).replace(/[^\d]/g, '')).toBe('900719925474099301');
  expect(formatMoney(-1200n, 'EUR', 2)).toContain('12.00');
  expect(formatMoney(5n, 'JPY', 0).replace(/[^\d.]/g, '')).toBe('5');
  expect(formatMoney(1n, 'KWD', 3)).toContain('0.001');
});

test('an amount is shown by the exponent of its currency, and never by a guess', () => {
  const known = [
    { currency: 'JPY', exponent: 0 },
    { currency: 'KWD', exponent: 3 },
  ];
  expect(sayAmount(1200n, 'JPY', known)).toMatch(/1,200$/);
  expect(sayAmount(1234n, 'KWD', known)).toMatch(/1\.234$/);
  for (const nothing of [null, [], [{ currency: 'EUR', exponent: 2 }]])
    expect(sayAmount(1200n, 'JPY', nothing)).toBe('an amount in JPY');
});
