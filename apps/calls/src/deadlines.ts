import { CALL_INVITE_TIMEOUT_MS, CallId } from '@rialto/contracts';
import type { Kit } from '@rialto/service';
import * as z from 'zod';
import { deadlinesOf, isUnanswered, type Call } from './domain/call.ts';

/** How long a cancel waits for its invite. A client repeats a start for far less. */
const TOMBSTONE_LIFETIME_MS = 3_600_000;

/** A push may be lost, so an unanswered call is announced again this often: whoever missed it rings late instead of never. */
export const ANNOUNCE_AGAIN_MS = 3_000;
/** By then the invite is over; a device that connects later asks for its calls itself. */
export const MAX_ANNOUNCEMENTS = CALL_INVITE_TIMEOUT_MS / ANNOUNCE_AGAIN_MS;

export const DEADLINE = 'call-deadline';
export const TOMBSTONE_END = 'call-tombstone-end';
export const DeadlinePayload = z.object({
  callId: CallId,
  deadline: z.enum(['invite', 'ring', 'accept', 'connect', 'longest']),
});
export const TombstonePayload = z.object({ callId: CallId });
export const ANNOUNCEMENT = 'call-announcement';
export const AnnouncementPayload = z.object({ callId: CallId, announced: z.int().min(1) });

type Client = Parameters<Kit['work']['add']>[0];

/** Puts what the call's new state demands within a time into the work queue, in the transaction that changes the state. */
export async function scheduleDeadlines(work: Kit['work'], client: Client, call: Call): Promise<void> {
  for (const { deadline, dueInMs } of deadlinesOf(call.state)) {
    const { callId } = call;
    await work.add(client, { kind: DEADLINE, key: `${callId}/${deadline}`, dueInMs, payload: { callId, deadline } });
  }
}

/** Plans the next announcement of a call that was announced so often. Nothing once it is answered, or was announced often enough. */
export async function scheduleAnnouncement(work: Kit['work'], client: Client, call: Call, announced = 1): Promise<void> {
  if (!isUnanswered(call) || announced >= MAX_ANNOUNCEMENTS) return;
  const { callId } = call;
  // Numbered, since the item that plans the next one is still in the queue meanwhile.
  const item = { kind: ANNOUNCEMENT, key: `${callId}/${announced}`, dueInMs: ANNOUNCE_AGAIN_MS, payload: { callId, announced } };
  await work.add(client, item);
}

export async function scheduleTombstoneEnd(work: Kit['work'], client: Client, callId: CallId): Promise<void> {
  await work.add(client, { kind: TOMBSTONE_END, key: callId, dueInMs: TOMBSTONE_LIFETIME_MS, payload: { callId } });
}
