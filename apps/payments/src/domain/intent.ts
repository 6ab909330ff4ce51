import { type AccountId, AppError, type LedgerId, type TransferIntent } from '@rialto/contracts';

/**
 * Whether an intent may be carried out on this ledger for this caller, as far as that can be seen in the intent alone: time, chain,
 * limits and balance are judged where they are known. Throws `intent-invalid` with the field in the details.
 */
export function checkIntent(intent: TransferIntent, { ledger, payer }: { ledger: LedgerId; payer: AccountId }): void {
  if (intent.ledger !== ledger) throw intentInvalid('ledger');
  if (intent.from !== payer) throw intentInvalid('from');
  if (intent.to === intent.from) throw intentInvalid('to');
  if (BigInt(intent.maxFeeMinor) < FEE_MINOR) throw intentInvalid('maxFeeMinor');
}

/** Transfers between people cost nothing. */
const FEE_MINOR = 0n;

const intentInvalid = (problem: keyof TransferIntent) => new AppError('intent-invalid', { problem });
