// A server that shows one client another log than the one it has.
import { AppError, type ConversationId, type LogRow, MAX_PAGE } from '@rialto/contracts';
import type { ConversationRecord } from '../src/conversations/conversation-record.ts';
import { eventually, introduce, type Someone, type World } from './world.ts';

export type Log = readonly LogRow[];
export interface Lie {
  /** What the client is shown instead of the log, each time that it asks. */
  rows(log: Log): Log;
  /** The first row that the server claims to have still. */
  firstSeq?(log: Log): number;
}
const HONEST: Lie = { rows: (log) => log };

/** Two people whose first commits are done, and between Ben and the real server one that may lie to him. */
export async function lying(world: World) {
  const [ana, ben] = await Promise.all([world.enter('ana'), world.enter('ben')]);
  const { anas, bens } = await introduce(ana, ben);
  const { id } = anas;
  const { messaging } = ben.client.connection.api;
  await eventually('the first commits', async () => {
    const [hers, his] = [await recordOf(ana, id), await recordOf(ben, id)];
    const { lastSeq } = await messaging.listMessages({ conversationId: id, after: 0 });
    return !his.needsSelfUpdate && hers.cursor === lastSeq && his.cursor === lastSeq;
  });
  const server = new LyingServer(ben, id);
  return { ana, ben, anas, bens, id, server };
}

export class LyingServer {
  /** Where the server stored what the client sent while `takesMessages`; the client gets no answer then either. */
  readonly stored: number[] = [];
  takesMessages = false;
  #lie = HONEST;
  readonly #client: Someone['client'];

  /** Nothing is pushed to the client any more, and its own messages do not get through, so that what it reads is what a test shows it. */
  constructor({ client }: Someone, id: ConversationId) {
    this.#client = client;
    const { messaging } = client.connection.api;
    const { listMessages, sendMessage } = messaging;
    client.conversations.handleMessage = async () => undefined;
    Object.assign(messaging, {
      sendMessage: async (message: Parameters<typeof sendMessage>[0]) => {
        if (this.takesMessages) this.stored.push((await sendMessage(message)).seq);
        throw new AppError('unavailable');
      },
      listMessages: async ({ after, limit = MAX_PAGE }: { after: number; limit?: number }) => {
        const { rows: log } = await listMessages({ conversationId: id, after: 0, limit: MAX_PAGE });
        const shown = this.#lie.rows(log);
        const firstSeq = this.#lie.firstSeq?.(log) ?? 1;
        const rows = shown.filter(({ seq }) => seq > after && seq >= firstSeq).slice(0, limit);
        return { rows, firstSeq, lastSeq: shown.at(-1)?.seq ?? 0 };
      },
    });
  }

  /** What the client makes of the log as it is shown from now on. */
  async shows(lie: Lie['rows'] | Lie): Promise<void> {
    this.#lie = typeof lie === 'function' ? { rows: lie } : lie;
    await this.#client.sync();
  }
  honest(): Promise<void> {
    return this.shows(HONEST);
  }
}

export async function recordOf({ store }: Someone, id: ConversationId): Promise<ConversationRecord> {
  return JSON.parse(new TextDecoder().decode(await store.read('conversation', id))) as ConversationRecord;
}

/** The log with other rows in it, numbered as if it had never been another one. */
export const renumbered = (rows: Log): Log => rows.map((row, index) => ({ ...row, seq: index + 1 }));

/** The last byte is one of the ciphertext's tag, or of a commit's. */
export function damaged(row: LogRow): LogRow {
  const bytes = Buffer.from(row.bytes, 'base64url');
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  return { ...row, bytes: bytes.toString('base64url') };
}
