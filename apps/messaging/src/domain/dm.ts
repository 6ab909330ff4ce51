import type { Policy } from '@rialto/crypto/server';

export type Pair = readonly [first: string, second: string];

/** Two accounts in the one order by which their conversation is found. */
export const pairOf = (one: string, other: string): Pair => (one < other ? [one, other] : [other, one]);

/** Whether a group's own policy says that it is the dm of these two, in its first life: both admins, since neither may put the other out. */
export function isDmOf(policy: Policy, { conversationId, pair }: { conversationId: string; pair: Pair }): boolean {
  const accounts = policy.roster.map(({ account }) => account).sort();
  return (
    policy.kind === 'dm' &&
    policy.conversationId === conversationId &&
    policy.resetSeq === 0 &&
    accounts.length === pair.length &&
    pair.every((account, index) => accounts[index] === account) &&
    policy.roster.every(({ role, since }) => role === 'admin' && since === 0n)
  );
}
