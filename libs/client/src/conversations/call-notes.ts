import type { AccountId, CallId, ConversationId } from '@rialto/contracts';
import type { MessageRecord } from '../messages/message-record.ts';
import type { Timeline } from '../messages/timeline.ts';
import type { Cell } from './cell.ts';

/** What of a call is noted; `CallSurface` has it all. */
export interface NotedCall {
  readonly id: CallId;
  readonly conversationId: ConversationId;
  readonly peer: AccountId;
  readonly media: 'audio' | 'video';
  readonly direction: 'incoming' | 'outgoing';
  readonly state: string;
  readonly endReason: string | null;
}
export interface CallNotesPorts {
  readonly timeline: Timeline;
  readonly me: AccountId;
  cell(id: ConversationId): Cell;
  show(records: readonly MessageRecord[]): void;
  now(): number;
}
const NOT_WORTH_A_NOTE = ['merged', 'elsewhere'];

/** Leaves a line in the conversation for each call that is over. Each device writes its own: nothing is sent. */
export class CallNotes {
  readonly #ports: CallNotesPorts;
  readonly #activeSince = new Map<CallId, number>();

  constructor(ports: CallNotesPorts) {
    this.#ports = ports;
  }

  /** Call with every change. */
  async note(call: NotedCall): Promise<void> {
    const { timeline, me, now, show } = this.#ports;
    if (call.state === 'active' && !this.#activeSince.has(call.id)) this.#activeSince.set(call.id, now());
    if (call.state !== 'ended' || NOT_WORTH_A_NOTE.includes(call.endReason ?? '')) return;
    const cell = this.#ports.cell(call.conversationId);
    const since = this.#activeSince.get(call.id);
    this.#activeSince.delete(call.id);
    await cell.run(async () => {
      const id = `note_${call.id}`;
      if (!cell.exists || (await timeline.isUsed(call.conversationId, id))) return;
      const order = cell.record.nextOrder;
      const at = new Date(now()).toISOString();
      const isMine = call.direction === 'outgoing';
      const isMissed = !isMine && since === undefined;
      const durationMs = since === undefined ? 0 : now() - since;
      const { media } = call;
      const record: MessageRecord = {
        id,
        conversationId: call.conversationId,
        order,
        seq: null,
        sender: isMine ? me : call.peer,
        isMine,
        sentAt: at,
        state: 'sent',
        content: { type: 'call', callId: call.id, media, outcome: call.endReason ?? 'failed', durationMs },
        reactions: {},
      };
      const unread = cell.record.unread + (isMissed ? 1 : 0);
      await cell.write({
        patch: { nextOrder: order + 1, lastVisible: order, activeAt: at, unread },
        changes: timeline.add(record),
      });
      show([record]);
    });
  }
}
