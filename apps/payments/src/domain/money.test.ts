import fc from 'fast-check';
import { fromStripeAmount, isChargeable, toStripeAmount } from './money.ts';

test('amounts go to Stripe and back unchanged, or not at all', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: BigInt(Number.MAX_SAFE_INTEGER) }), (amountMinor) => {
      expect(fromStripeAmount(toStripeAmount(amountMinor))).toBe(amountMinor);
    }),
  );
  expect(() => toStripeAmount(2n ** 53n)).toThrow(RangeError);
  expect(() => fromStripeAmount(0.5)).toThrow(RangeError);
});

test('with three decimals the last digit must be zero, as Stripe has it', () => {
  expect([isChargeable(5_000n, 3), isChargeable(5_001n, 3), isChargeable(5_001n, 2), isChargeable(0n, 2)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});
