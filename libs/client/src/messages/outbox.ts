import { type AccountId, AppError, type ClientMessageId, type ErrorCode, idFrom, MAX_PAST_EPOCHS } from '@rialto/contracts';
import { type Chain, randomBytes, toBase64url } from '@rialto/crypto';
import { ClientError } from '../client-error.ts';
import type { Cell } from '../conversations/cell.ts';
import type { ConversationRecord } from '../conversations/conversation-record.ts';
import type { People } from '../people/people.ts';
import { Lanes } from '../single-flight.ts';
import type { Change } from '../store.ts';
import type { Api } from '../transport/api.ts';
import { bareId, encodeEnvelope, type WireBody } from './envelope.ts';
import type { Content, MessageRecord } from './message-record.ts';
import { type Outgoing, type OutgoingMessage, unsealed } from './outgoing-record.ts';
import { advanced, type Timeline } from './timeline.ts';

const MAX_WAITING = 1_000;
const MAX_EPOCH_TRIES = 5;
/** After these nothing was stored and nothing will be by waiting: the message fails, in words, and can be tried again by hand. */
const FINAL: readonly ErrorCode[] = [
  'not-a-member',
  'not-reachable',
  'request-full',
  'invalid-input',
  'payload-too-large',
  'forbidden',
  'not-found',
  'conflict',
  'device-revoked',
];

export interface OutboxPorts {
  readonly api: Pick<Api['messaging'], 'sendMessage'>;
  readonly outgoing: Outgoing;
  readonly timeline: Timeline;
  readonly me: AccountId;
  readonly people: Pick<People, 'known'>;
  ownChain(): Chain;
  now(): number;
  /** Reads the conversation's log up to its end. */
  sync(cell: Cell): Promise<void>;
  /** The same, and looks where the group is when nothing in the log says that it has moved on. */
  moved(cell: Cell): Promise<void>;
  /** The server stored a message of ours at this place of the log. Only inside `cell.run`. */
  stored(cell: Cell, seq: number): Promise<void>;
  show(records: readonly MessageRecord[]): void;
  changed(cell: Cell): void;
}
type Answer = Pick<Awaited<ReturnType<OutboxPorts['api']['sendMessage']>>, 'seq' | 'duplicate'>;

export interface Plan {
  readonly body: WireBody;
  /** What this device shows at once; undefined for what is not a message of its own, such as a receipt. */
  readonly content?: Content;
  readonly replyTo?: string;
  readonly patch?: Partial<ConversationRecord>;
  readonly changes?: readonly Change[];
  /** It failed already, with this reason, and waits for the user to try it again. */
  readonly error?: string;
}

/** The way out: what is written is stored first, then sealed and stored again, and only then sent, one after the other. */
export class Outbox {
  readonly #ports: OutboxPorts;
  readonly #lanes = new Lanes();

  constructor(ports: OutboxPorts) {
    this.#ports = ports;
  }

  /** Stores the intent, inside `cell.run`. Send it with `flush`. */
  async plan(cell: Cell, { body, content, replyTo, patch = {}, changes = [], error }: Plan): Promise<MessageRecord | undefined> {
    const { outgoing, timeline, me, now } = this.#ports;
    if ((await outgoing.messages(cell.record.id)).length >= MAX_WAITING) throw new ClientError('outbox-full');
    const id = idFrom<ClientMessageId>('msg', randomBytes(16));
    const order = cell.record.nextOrder;
    const at = new Date(now()).toISOString();
    const message: MessageRecord | undefined = content && {
      id,
      conversationId: cell.record.id,
      order,
      seq: null,
      sender: me,
      isMine: true,
      sentAt: at,
      state: error === undefined ? 'sending' : 'failed',
      content,
      reactions: {},
      ...(replyTo !== undefined && { replyTo }),
      ...(error !== undefined && { error }),
    };
    const intent: OutgoingMessage = {
      conversationId: cell.record.id,
      id,
      position: order,
      body,
      isVisible: message !== undefined,
      state: error === undefined ? 'planned' : 'failed',
    };
    await cell.write({
      patch: { nextOrder: order + 1, ...(message && { lastVisible: order, activeAt: at }), ...patch },
      changes: [outgoing.put(intent), ...(message ? timeline.add(message) : timeline.claimId(cell.record.id, id)), ...changes],
    });
    if (message) this.#ports.show([message]);
    return message;
  }

  /** Sends what waits, in order, until there is nothing more or the server cannot be asked. Rejects with what stopped it. */
  flush(cell: Cell): Promise<void> {
    return this.#lanes.run(cell.id, async () => {
      for (;;) {
        await cell.run(async () => undefined); // loads it
        if (!cell.exists || cell.record.membership !== 'joined') return;
        const next = (await this.#ports.outgoing.messages(cell.record.id)).find(
          ({ state }) => state === 'planned' || state === 'published',
        );
        if (!next) return;
        await this.#send(cell, next);
      }
    });
  }

  /** A failed message goes to the end of the queue, under its id, to be sealed anew. */
  retry(cell: Cell, id: string): Promise<MessageRecord> {
    return cell.run(async () => {
      const { outgoing, timeline, show } = this.#ports;
      const [intent, message] = [await outgoing.message(cell.record.id, id), await timeline.get(cell.record.id, id)];
      if (intent?.state !== 'failed') throw new ClientError('not-failed');
      const again = advanced(message, 'sending') ?? message;
      const position = cell.record.nextOrder;
      const { n: _n, ...rest } = unsealed(intent);
      await cell.write({
        patch: { nextOrder: position + 1 },
        changes: [outgoing.delete(intent), outgoing.put({ ...rest, position }), timeline.put(again)],
      });
      show([again]);
      return again;
    });
  }

  /**
   * What to write, and to show, when what waits in a conversation can never go out from it: messages fail with that reason and stay, what
   * nobody sees goes. `isEmpty`: nothing is left that the user wrote. Only inside `cell.run`.
   */
  async failuresOf(cell: Cell, error: string): Promise<{ changes: Change[]; shown: MessageRecord[]; isEmpty: boolean }> {
    const { outgoing, timeline } = this.#ports;
    const messages = await outgoing.messages(cell.record.id);
    const changes: Change[] = [];
    const shown: MessageRecord[] = [];
    for (const message of messages.filter(({ state }) => state !== 'failed')) {
      const record = message.isVisible ? await timeline.find(cell.record.id, message.id) : undefined;
      if (!record) {
        changes.push(outgoing.delete(message));
        continue;
      }
      const failed: MessageRecord = { ...record, state: 'failed', error };
      changes.push(outgoing.put({ ...message, state: 'failed' }), timeline.put(failed));
      shown.push(failed);
    }
    return { changes, shown, isEmpty: shown.length === 0 && messages.every(({ state }) => state !== 'failed') };
  }

  /** Resolves when no flush runs. */
  idle(): Promise<void> {
    return this.#lanes.idle();
  }

  async #send(cell: Cell, first: OutgoingMessage): Promise<void> {
    let message: OutgoingMessage | undefined = first;
    for (let attempt = 0; message && attempt < MAX_EPOCH_TRIES; attempt += 1) {
      try {
        const published: OutgoingMessage = message.state === 'planned' ? await this.#publish(cell, message) : message;
        message = published;
        const answer = await this.#ports.api.sendMessage({
          conversationId: published.conversationId,
          clientMessageId: published.id,
          epoch: published.epoch ?? 0,
          bytes: published.bytes ?? '',
        });
        return await this.#committed(cell, published, answer);
      } catch (error) {
        const code = error instanceof AppError || error instanceof ClientError ? error.code : undefined;
        if (code === 'stale-epoch') message = await this.#rebase(cell, message, attempt);
        else if (code === 'keys-changed' || FINAL.some((final) => final === code)) return this.#fail(cell, message, String(code));
        else throw error;
      }
    }
    if (message) throw new AppError('stale-epoch');
  }

  async #publish(cell: Cell, message: OutgoingMessage): Promise<OutgoingMessage> {
    if (cell.awaitsChain) await this.#ports.sync(cell);
    return cell.run(async () => {
      if (cell.awaitsChain) throw new AppError('unavailable'); // it goes out when the log was read
      const { people, outgoing, ownChain, now } = this.#ports;
      if (people.known(cell.record.peer)?.alarm) throw new ClientError('keys-changed');
      const { record, group } = cell;
      const chain = ownChain();
      const seq = chain.heads.length - 1;
      const n = message.n ?? record.nextN;
      const plaintext = encodeEnvelope({
        v: 1,
        id: message.id,
        n,
        seen: { seq: record.cursor, logHash: record.logHash },
        chain: { seq, hash: chain.heads[seq] ?? '' },
        checkpoints: [],
        sentAt: new Date(now()).toISOString(),
        body: message.body,
      });
      const epoch = Number(group.epoch);
      const step = await group.send(plaintext, bareId(message.id));
      const published: OutgoingMessage = { ...message, state: 'published', n, epoch, bytes: toBase64url(step.result.bytes) };
      await cell.write({ patch: { nextN: Math.max(record.nextN, n + 1) }, changes: [outgoing.put(published)], step });
      return published;
    });
  }

  /**
   * The server has the message. When it had it before, it may have other bytes than these, sealed by an earlier attempt, so that what is
   * counted is what the log shows.
   */
  async #committed(cell: Cell, message: OutgoingMessage, { seq, duplicate }: Answer): Promise<void> {
    const { outgoing, timeline, show, stored, sync, changed } = this.#ports;
    await cell.run(async () => {
      // The log may have been faster than the answer: then it is done already.
      const intent = await outgoing.message(cell.record.id, message.id);
      if (!intent) return;
      const shown = message.isVisible ? await timeline.find(cell.record.id, message.id) : undefined;
      const sent = shown && { ...(advanced(shown, 'sent') ?? shown), seq };
      const isCounted = duplicate && cell.record.cursor >= seq;
      const committed: OutgoingMessage = { ...message, state: 'committed', ...(!duplicate && { seq }) };
      const change = isCounted ? outgoing.delete(intent) : outgoing.put(committed);
      await cell.write({ changes: [change, ...(sent ? [timeline.put(sent)] : [])] });
      if (sent) show([sent]);
      if (!duplicate) await stored(cell, seq);
    });
    if (duplicate) await sync(cell);
    changed(cell);
  }

  /** The group has moved on. The same bytes are still good while their epoch is in the window; else the message is sealed anew. */
  async #rebase(cell: Cell, message: OutgoingMessage, attempt: number): Promise<OutgoingMessage | undefined> {
    await this.#ports.sync(cell);
    if (cell.exists && cell.hasGroup && Number(cell.group.epoch) === message.epoch) await this.#ports.moved(cell);
    return cell.run(async () => {
      const { outgoing } = this.#ports;
      const now = await outgoing.message(message.conversationId, message.id);
      if (!now || now.state === 'committed') return undefined; // the log had it: an earlier attempt arrived after all
      if (cell.record.membership !== 'joined') return undefined;
      const age = Number(cell.group.epoch) - (now.epoch ?? 0);
      if (age <= MAX_PAST_EPOCHS && attempt === 0) return now;
      const planned = unsealed(now);
      await cell.write({ changes: [outgoing.put(planned)] });
      return planned;
    });
  }

  async #fail(cell: Cell, message: OutgoingMessage, error: string): Promise<void> {
    const { outgoing, timeline, show, changed } = this.#ports;
    await cell.run(async () => {
      const shown = message.isVisible ? await timeline.find(cell.record.id, message.id) : undefined;
      const failed: MessageRecord | undefined = shown && { ...shown, state: 'failed', error };
      // Nobody received this number, so the next message takes it and nobody sees a gap.
      const patch = message.n !== undefined && message.n === cell.record.nextN - 1 ? { nextN: message.n } : {};
      const intent = failed ? outgoing.put({ ...message, state: 'failed' }) : outgoing.delete(message);
      await cell.write({ patch, changes: [intent, ...(failed ? [timeline.put(failed)] : [])] });
      if (failed) show([failed]);
    });
    changed(cell);
  }
}
