import { AppError, calls, DEFAULT_PAGE, type AccountId, type CallId, type CallView } from '@rialto/contracts';
import type { Kit } from '@rialto/service';
import { findCall, isTombstone, listEnded, listLive, type StoredCall } from './call-table.ts';
import { isParty } from './domain/call.ts';

/** A call as people see it. */
export function viewOf(call: StoredCall): CallView {
  return {
    callId: call.callId,
    conversationId: call.conversationId,
    media: call.media,
    caller: call.caller,
    callerDevice: call.callerDevice,
    callee: call.callee,
    calleeDevice: call.calleeDevice,
    state: call.state,
    endReason: call.endReason,
    mergedInto: call.mergedInto,
    version: call.version,
    createdAt: call.createdAt.toISOString(),
    answeredAt: call.answeredAt?.toISOString() ?? null,
    endedAt: call.endedAt?.toISOString() ?? null,
  };
}

/** Tells every device of both sides, after the commit. A push that is lost costs time: clients ask for the call when they wait for one. */
export function announce({ push }: Pick<Kit, 'push'>, call: StoredCall): void {
  const view = viewOf(call);
  for (const accountId of [call.caller, call.callee]) push.toAccount(calls.events.callChanged, accountId, view);
}

/** What is going on (on the first page), then what was, newest first. Throws `not-found` when `before` is no call of the account. */
export async function listCalls(
  { database }: Pick<Kit, 'database'>,
  { accountId, before, limit = DEFAULT_PAGE }: { accountId: AccountId; before?: CallId | undefined; limit?: number | undefined },
): Promise<CallView[]> {
  if (before !== undefined) {
    const edge = await findCall(database.pool, before);
    if (edge === undefined || isTombstone(edge) || !isParty(edge, accountId)) throw new AppError('not-found');
  }
  const live = before === undefined ? await listLive(database.pool, accountId) : [];
  const ended = await listEnded(database.pool, { accountId, before: before ?? null, limit });
  return [...live, ...ended].slice(0, limit).map(viewOf);
}
