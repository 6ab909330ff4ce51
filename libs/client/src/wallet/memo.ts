import { fromBase64url, hash, randomBytes, toBase64url, utf8 } from '@rialto/crypto';

const SALT_BYTES = 16;

/** A memo with the salt that keeps its hash from being guessed. */
export interface SaltedMemo {
  readonly memo: string | null;
  readonly memoSalt: string | null;
}

export const saltedMemo = (memo: string | undefined): SaltedMemo =>
  memo === undefined || memo === '' ? { memo: null, memoSalt: null } : { memo, memoSalt: toBase64url(randomBytes(SALT_BYTES)) };

/** What the ledger holds of a memo: BLAKE2b-256 of salt and text, or null without one. */
export function memoHash({ memo, memoSalt }: SaltedMemo): string | null {
  if (memo === null || memoSalt === null) return null;
  return toBase64url(hash(fromBase64url(memoSalt), utf8(memo)));
}
