import { AppError } from '@rialto/contracts';
import { deleteTombstone, findCall, isTombstone } from './call-table.ts';
import { applyEvent, type CallsKit } from './calls.ts';
import {
  ANNOUNCEMENT,
  AnnouncementPayload,
  DEADLINE,
  DeadlinePayload,
  scheduleAnnouncement,
  TOMBSTONE_END,
  TombstonePayload,
} from './deadlines.ts';
import { isUnanswered } from './domain/call.ts';
import { announce } from './history.ts';

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
  kit.work.handle(ANNOUNCEMENT, async (payload, { client }) => {
    const { callId, announced } = AnnouncementPayload.parse(payload);
    const call = await findCall(client, callId);
    if (call === undefined || isTombstone(call) || !isUnanswered(call)) return;
    announce(kit, call);
    await scheduleAnnouncement(kit.work, client, call, announced + 1);
  });
  kit.work.handle(TOMBSTONE_END, async (payload, { client }) => {
    await deleteTombstone(client, TombstonePayload.parse(payload).callId);
  });
}
