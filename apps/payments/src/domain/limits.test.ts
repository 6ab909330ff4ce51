import { checkTopUp } from './limits.ts';

const limits = {
  code: 'KWD',
  exponent: 3,
  maxTransferMinor: 1_000n,
  maxPerDayMinor: 2_000n,
  minTopUpMinor: 500n,
  maxTopUpMinor: 3_000n,
};

test('the refusal names the limit and its value', () => {
  expect(() => checkTopUp(limits, 500n)).not.toThrow();
  expect(() => checkTopUp(limits, 3_000n)).not.toThrow();
  expect(() => checkTopUp(limits, 499n)).toThrow(
    expect.objectContaining({ code: 'limit-exceeded', details: { limit: 'minTopUpMinor', value: '500' } }),
  );
  expect(() => checkTopUp(limits, 3_001n)).toThrow(
    expect.objectContaining({ code: 'limit-exceeded', details: { limit: 'maxTopUpMinor', value: '3000' } }),
  );
  expect(() => checkTopUp(limits, 501n)).toThrow(expect.objectContaining({ code: 'invalid-input' }));
});
