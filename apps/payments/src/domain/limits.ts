import { AppError } from '@rialto/contracts';
import { isChargeable } from './money.ts';

export interface CurrencyLimits {
  readonly code: string;
  readonly exponent: number;
  readonly maxTransferMinor: bigint;
  readonly maxPerDayMinor: bigint;
  readonly minTopUpMinor: bigint;
  readonly maxTopUpMinor: bigint;
}

/** Throws `limit-exceeded` with the limit's name, or `invalid-input` for an amount that the processor cannot charge. */
export function checkTopUp(limits: CurrencyLimits, amountMinor: bigint): void {
  const { minTopUpMinor, maxTopUpMinor, exponent } = limits;
  if (amountMinor < minTopUpMinor) throw limitExceeded('minTopUpMinor', minTopUpMinor);
  if (amountMinor > maxTopUpMinor) throw limitExceeded('maxTopUpMinor', maxTopUpMinor);
  if (!isChargeable(amountMinor, exponent)) {
    throw new AppError('invalid-input', { amountMinor: 'the last digit of a currency with three decimals must be zero' });
  }
}

export function limitExceeded(limit: keyof CurrencyLimits, value?: bigint): AppError {
  return new AppError('limit-exceeded', value === undefined ? { limit } : { limit, value: value.toString() });
}
