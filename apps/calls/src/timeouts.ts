import { AppError, CallId } from '@rialto/contracts';
import type { Kit } from '@rialto/service';
import * as z from 'zod';
import { deleteTombstone, type StoredCall } from './call-table.ts';
import { applyEvent, type CallsKit } from './calls.ts';
import { deadlinesOf, type Call } from './domain/call.ts';

/** How long a cancel waits for its invite. A client repeats a start for far less. */
const TOMBSTONE_LIFETIME_MS = 3_600_000;

const DEADLINE = 'call-deadline';
const TOMBSTONE_END = 'call-tombstone-end';
const DeadlinePayload = z.object({ callId: CallId, deadline: z.enum(['invite', 'ring', 'accept', 'connect', 'longest']) });
const TombstonePayload = z.object({ callId: CallId });

type Client = Parameters<Kit['work']['add']>[0];

/** Puts what the call's new state demands within a time into the work queue, in the transaction that changes the state. */
export async function scheduleDeadlines(work: Kit['work'], client: Client, call: Call): Promise<void> {
  for (const { deadline, dueInMs } of deadlinesOf(call.state)) {
    const { callId } = call;
    await work.add(client, { kind: DEADLINE, key: `${callId}/${deadline}`, dueInMs, payload: { callId, deadline } });
  }
}

export async function scheduleTombstoneEnd(work: Kit['work'], client: Client, callId: StoredCall['callId']): Promise<void> {
  await work.add(client, { kind: TOMBSTONE_END, key: callId, dueInMs: TOMBSTONE_LIFETIME_MS, payload: { callId } });
}

/** Registers what happens when time is up. A deadline of a state that the call has left does nothing. */
export function handleTimeouts(kit: CallsKit): void {
  kit.work.handle(DEADLINE, async (payload) => {
    const { callId, deadline } = DeadlinePayload.parse(payload);
    try {
      await applyEvent(kit, callId, { type: 'expire', deadline });
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'not-found') throw error;
    }
  });
  kit.work.handle(TOMBSTONE_END, async (payload, { client }) => {
    await deleteTombstone(client, TombstonePayload.parse(payload).callId);
  });
}
