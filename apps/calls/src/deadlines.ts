import { CallId } from '@rialto/contracts';
import type { Kit } from '@rialto/service';
import * as z from 'zod';
import { deadlinesOf, type Call } from './domain/call.ts';

/** How long a cancel waits for its invite. A client repeats a start for far less. */
const TOMBSTONE_LIFETIME_MS = 3_600_000;

export const DEADLINE = 'call-deadline';
export const TOMBSTONE_END = 'call-tombstone-end';
export const DeadlinePayload = z.object({
  callId: CallId,
  deadline: z.enum(['invite', 'ring', 'accept', 'connect', 'longest']),
});
export const TombstonePayload = z.object({ callId: CallId });

type Client = Parameters<Kit['work']['add']>[0];

/** Puts what the call's new state demands within a time into the work queue, in the transaction that changes the state. */
export async function scheduleDeadlines(work: Kit['work'], client: Client, call: Call): Promise<void> {
  for (const { deadline, dueInMs } of deadlinesOf(call.state)) {
    const { callId } = call;
    await work.add(client, { kind: DEADLINE, key: `${callId}/${deadline}`, dueInMs, payload: { callId, deadline } });
  }
}

export async function scheduleTombstoneEnd(work: Kit['work'], client: Client, callId: CallId): Promise<void> {
  await work.add(client, { kind: TOMBSTONE_END, key: callId, dueInMs: TOMBSTONE_LIFETIME_MS, payload: { callId } });
}
