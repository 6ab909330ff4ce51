import { AppError, messaging, type AccountId, type CallId, type CallView, type ConversationId } from '@rialto/contracts';
import type { Kit } from '@rialto/service';
import {
  fillTombstone,
  findCall,
  findOncoming,
  insertCall,
  insertTombstone,
  isDeviceSeated,
  isTombstone,
  lockStarts,
  replaceCall,
  type StoredCall,
} from './call-table.ts';
import { scheduleAnnouncement, scheduleDeadlines, scheduleTombstoneEnd } from './deadlines.ts';
import { decide, sideOf, type CallEvent, type Device } from './domain/call.ts';
import { decideStart, type StartRequest } from './domain/start.ts';
import { announce, viewOf } from './history.ts';

/** Rounds of compare-and-set before a call that changes without end is given up. Rules allow four changes a call, so it never comes to that. */
const MAX_ROUNDS = 16;

export type CallsKit = Pick<Kit, 'nats' | 'database' | 'push' | 'work' | 'log'>;
type EndInput = { readonly callId: CallId; readonly reason: 'hung-up' | 'declined' | 'busy' | 'failed' };

/** Whether two accounts may call each other in a conversation, asked of messaging each time: a block takes effect at once. */
export async function reachBetween(
  { nats }: Pick<Kit, 'nats'>,
  { from, to, conversationId }: { from: AccountId; to: AccountId; conversationId: ConversationId },
): Promise<{ mayRing: boolean; haveBothAccepted: boolean }> {
  const ask = { conversationId };
  const [there, back] = await Promise.all([
    nats.call(messaging.operations.getReach, { ...ask, from, to }),
    nats.call(messaging.operations.getReach, { ...ask, from: to, to: from }),
  ]);
  const isBlocked = there.isBlocked || back.isBlocked;
  return {
    mayRing: there.areBothMembers && there.isAccepted && !isBlocked,
    haveBothAccepted: there.areBothMembers && there.isAccepted && back.isAccepted && !isBlocked,
  };
}

/** Begins a call, or finds that it was begun, cancelled, or met head-on by one of the other side. Throws `not-reachable`, `busy`, `call-ended`, `conflict`. */
export async function startCall(kit: CallsKit, request: StartRequest): Promise<StoredCall> {
  if (request.callee === request.by.accountId) throw new AppError('not-reachable');
  const existing = await findCall(kit.database.pool, request.callId);
  // A repeated start must not depend on what messaging says by now.
  if (existing === undefined || isTombstone(existing)) {
    const { mayRing } = await reachBetween(kit, { ...request, from: request.by.accountId, to: request.callee });
    if (!mayRing) throw new AppError('not-reachable');
  }
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const done = await kit.database
      .transaction((client) => tryStart(kit, client, request))
      .catch((error: unknown) => {
        if (error instanceof RoundLost) return undefined;
        throw error;
      });
    if (done === undefined) continue;
    for (const call of done.changed) announce(kit, call);
    if (done.call.state === 'ended') throw new AppError('call-ended', { call: viewOf(done.call) });
    return done.call;
  }
  throw new AppError('unavailable');
}

type Transaction = Parameters<Parameters<Kit['database']['transaction']>[0]>[0];

/** One round inside a transaction. Undefined: something changed in between, look again. */
async function tryStart(
  kit: CallsKit,
  client: Transaction,
  request: StartRequest,
): Promise<{ call: StoredCall; changed: StoredCall[] } | undefined> {
  const { conversationId, callee, by } = request;
  await lockStarts(client, conversationId);
  const existing = await findCall(client, request.callId);
  const oncoming = await findOncoming(client, { conversationId, from: callee, to: by.accountId });
  const decision = decideStart(request, { existing, oncoming, isDeviceBusy: await isDeviceSeated(client, by.deviceId) });
  switch (decision.kind) {
    case 'refuse':
      throw new AppError(decision.code);
    case 'replay': {
      if (existing === undefined || isTombstone(existing)) throw new Error('a replay without a call');
      const followed = await followMerge(client, existing);
      return { call: followed, changed: [] };
    }
    case 'cancelled-before': {
      const call = await fillTombstone(client, decision.call);
      return call && { call, changed: [call] };
    }
    case 'begin': {
      const call = await insertCall(client, decision.call);
      if (call === undefined) return undefined;
      await scheduleDeadlines(kit.work, client, call);
      await scheduleAnnouncement(kit.work, client, call);
      return { call, changed: [call] };
    }
    case 'merge': {
      if (oncoming === undefined) throw new Error('a merge without the other call');
      const winner = await replaceCall(client, oncoming, decision.winner);
      const ended = winner && (await insertCall(client, decision.ended));
      if (winner === undefined || ended === undefined) throw new RoundLost();
      await scheduleDeadlines(kit.work, client, winner);
      return { call: winner, changed: [ended, winner] };
    }
  }
}

/** Ends a transaction that has written already, so that nothing of the round remains. */
class RoundLost extends Error {}

async function followMerge(database: Parameters<typeof findCall>[0], call: StoredCall): Promise<StoredCall> {
  if (call.mergedInto === null) return call;
  const winner = await findCall(database, call.mergedInto);
  if (winner === undefined || isTombstone(winner)) throw new Error('a call was merged into nothing');
  return winner;
}

/** A call that an account takes part in; after a merge the one that went on. Throws `not-found` for everybody else. */
export async function getCall(kit: Pick<Kit, 'database'>, callId: CallId, by: Device): Promise<StoredCall> {
  const found = await findCall(kit.database.pool, callId);
  if (found === undefined || isTombstone(found) || sideOf(found, by) === 'stranger') throw new AppError('not-found');
  return found;
}

/** Applies an event to a call by compare-and-set. Answers with the call as it is then. */
export async function applyEvent(kit: CallsKit, callId: CallId, event: CallEvent): Promise<StoredCall> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const found = await findCall(kit.database.pool, callId);
    if (found === undefined || isTombstone(found)) throw new AppError('not-found');
    const before = event.type === 'expire' ? found : await followMerge(kit.database.pool, found);
    const decision = decide(before, event);
    if (decision.kind === 'keep') return before;
    if (decision.kind === 'refuse') {
      throw new AppError(decision.code, decision.code === 'not-found' ? undefined : { call: viewOf(before) });
    }
    const after = await kit.database.transaction(async (client) => {
      const stored = await replaceCall(client, before, decision.call);
      if (stored !== undefined) await scheduleDeadlines(kit.work, client, stored);
      return stored;
    });
    if (after === undefined) continue;
    announce(kit, after);
    return after;
  }
  throw new AppError('unavailable');
}

/** Hangs up, cancels or declines; an id that nobody knows yet is remembered as cancelled. Null when there was no call to end. */
export async function endCall(kit: CallsKit, { callId, reason }: EndInput, by: Device): Promise<CallView | null> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const found = await findCall(kit.database.pool, callId);
    if (found !== undefined && isTombstone(found)) return null;
    if (found !== undefined) return viewOf(await applyEvent(kit, callId, { type: 'end', by, reason }));
    const isRemembered = await kit.database.transaction(async (client) => {
      const inserted = await insertTombstone(client, callId, by);
      if (inserted) await scheduleTombstoneEnd(kit.work, client, callId);
      return inserted;
    });
    if (isRemembered) return null;
  }
  throw new AppError('unavailable');
}
