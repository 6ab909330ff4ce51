import type { CallView } from '@rialto/contracts';

/** Calls newest first, each once and as `fresh` has it. */
export function mergeCalls(known: readonly CallView[], fresh: readonly CallView[]): readonly CallView[] {
  const byId = new Map([...known, ...fresh].map((call) => [call.callId, call]));
  return [...byId.values()].toSorted((one, other) => Date.parse(other.createdAt) - Date.parse(one.createdAt));
}

/** From where the next page goes on. A call that is going on may be older than ended ones that were not read yet. */
export const oldestRead = (calls: readonly CallView[]): string | undefined =>
  calls.findLast(({ state }) => state === 'ended')?.createdAt ?? calls.at(-1)?.createdAt;
