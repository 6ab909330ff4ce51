import { type AccountId, AppError } from '@rialto/contracts';
import type { People } from '../people/people.ts';

/** So long a conversation waits for a chain that its log names. */
export const CHAIN_PATIENCE_MS = 10_000;

/**
 * Asks for the newest chains of a conversation's people: every version that a leaf names is a beginning of the newest one. Never to be
 * awaited in the conversation's turn. Rejects with `unavailable` when it takes too long; what comes later is learned all the same.
 */
export async function freshChains(people: Pick<People, 'refresh'>, accounts: readonly AccountId[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new AppError('unavailable')), CHAIN_PATIENCE_MS);
  });
  try {
    await Promise.race([late, Promise.all(accounts.map((account) => people.refresh(account)))]);
  } finally {
    clearTimeout(timer);
  }
}
