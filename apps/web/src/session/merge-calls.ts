import type { CallId, CallView } from '@rialto/contracts';

/** Calls newest first, each once and as `fresh` has it. */
export function mergeCalls(known: readonly CallView[], fresh: readonly CallView[]): readonly CallView[] {
  const byId = new Map([...known, ...fresh].map((call) => [call.callId, call]));
  return [...byId.values()].toSorted((one, other) => Date.parse(other.createdAt) - Date.parse(one.createdAt));
}

/** The call after which the next page goes on. One that is going on may be older than ended ones that were not read yet. */
export const oldestRead = (calls: readonly CallView[]): CallId | undefined =>
  (calls.findLast(({ state }) => state === 'ended') ?? calls.at(-1))?.callId;
