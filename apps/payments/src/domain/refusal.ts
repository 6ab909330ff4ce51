import { AppError } from '@rialto/contracts';
import { limitExceeded } from './limits.ts';

/** How the ledger answers one posting of a batch. */
export type PostingStatus =
  | 'posted'
  | 'replayed'
  | 'conflict'
  | 'malformed'
  | 'currency-unknown'
  | 'expired'
  | 'lives-too-long'
  | 'frozen'
  | 'over-transfer-limit'
  | 'insufficient'
  | 'over-day-limit';

/** What the caller hears when a posting was refused; null when the money moved, now or before. */
export function refusalOf(status: PostingStatus): AppError | null {
  switch (status) {
    case 'posted':
    case 'replayed':
      return null;
    case 'conflict':
      return new AppError('conflict');
    case 'malformed':
      return new AppError('invalid-input');
    case 'currency-unknown':
      return new AppError('currency-unknown');
    case 'expired':
      return new AppError('intent-expired');
    case 'lives-too-long':
      return new AppError('intent-invalid', { problem: 'expiresAt' });
    case 'frozen':
      return new AppError('account-frozen');
    case 'over-transfer-limit':
      return limitExceeded('maxTransferMinor');
    case 'over-day-limit':
      return limitExceeded('maxPerDayMinor');
    case 'insufficient':
      return new AppError('insufficient-funds');
  }
}
