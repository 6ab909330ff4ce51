import { AppError } from '@rialto/contracts';
import { deleteTombstone } from './call-table.ts';
import { applyEvent, type CallsKit } from './calls.ts';
import { DEADLINE, DeadlinePayload, TOMBSTONE_END, TombstonePayload } from './deadlines.ts';

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
