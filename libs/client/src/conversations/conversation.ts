import {
  type AccountId,
  AppError,
  type CallId,
  type ClientMessageId,
  type ConversationId,
  type DeviceId,
  isErrorCode,
} from '@rialto/contracts';
import { readSealedMessage } from '@rialto/crypto';
import type { CallConversation, MediaKey, VerifiedSender } from '../calls/ports.ts';
import { ClientError, isClientErrorCode } from '../client-error.ts';
import type { Emitter } from '../events.ts';
import { MAX_EMOJI_CHARS, MAX_MEMO_CHARS, MAX_TEXT_CHARS, pad, unpad } from '../messages/envelope.ts';
import { withReaction } from '../messages/incoming.ts';
import type { MessageRecord } from '../messages/message-record.ts';
import type { Outbox } from '../messages/outbox.ts';
import type { Outgoing } from '../messages/outgoing-record.ts';
import type { People } from '../people/people.ts';
import { type Timeline, DEFAULT_MESSAGES_PER_PAGE } from '../messages/timeline.ts';
import type { Conversation as ConversationSurface } from '../sdk.ts';
import type { MessageView, Standing, TransferResult } from '../views.ts';
import type { Cell } from './cell.ts';
import { markChange } from './log-reader.ts';
import { messageStream } from './message-stream.ts';

export interface ConversationPorts {
  readonly timeline: Timeline;
  readonly outbox: Outbox;
  readonly outgoing: Outgoing;
  readonly events: Emitter;
  readonly me: AccountId;
  readonly people: Pick<People, 'known'>;
  readonly closed: AbortSignal;
  sync(cell: Cell): Promise<void>;
  /** Sends what waits. */
  flush(cell: Cell): Promise<void>;
  /** The same, in the background. */
  flushLater(cell: Cell): void;
  receiptsLater(cell: Cell): void;
  show(records: readonly MessageRecord[]): void;
  sendsReadReceipts(): boolean;
  onEpoch(id: ConversationId, handler: (epoch: number) => void): () => void;
  /** Signs and stores the intent to pay, with the card for this conversation in the same transaction, and posts it. */
  pay(
    cell: Cell,
    payment: { amountMinor: bigint; currency: string; memo?: string },
  ): Promise<{ message: MessageRecord; transfer: TransferResult }>;
}

/** One conversation as screens and calls use it. */
export class Conversation implements ConversationSurface, CallConversation {
  readonly id: ConversationId;
  readonly peer: AccountId;
  readonly #cell: Cell;
  readonly #ports: ConversationPorts;

  constructor(cell: Cell, ports: ConversationPorts) {
    this.id = cell.record.id;
    this.peer = cell.record.peer;
    this.#cell = cell;
    this.#ports = ports;
  }

  get standing(): Standing {
    return this.#cell.record.standing;
  }

  async page({ before, limit = DEFAULT_MESSAGES_PER_PAGE }: { before?: number; limit?: number } = {}): Promise<MessageView[]> {
    const records = await this.#ports.timeline.page(this.id, { limit, ...(before !== undefined && { before }) });
    return Promise.all(records.map((record) => this.#ports.timeline.view(record)));
  }

  async message(messageId: string): Promise<MessageView> {
    return this.#ports.timeline.view(await this.#ports.timeline.get(this.id, messageId));
  }

  async send({ text, replyTo }: { text: string; replyTo?: string }): Promise<MessageView> {
    if (text.length > MAX_TEXT_CHARS) throw new ClientError('too-long');
    if (replyTo !== undefined) await this.#ports.timeline.get(this.id, replyTo);
    const reply = replyTo === undefined ? {} : { replyTo: replyTo as ClientMessageId };
    const record = await this.#cell.run(() => {
      this.#demandWritable();
      return this.#ports.outbox.plan(this.#cell, {
        body: { type: 'text', text, ...reply },
        content: { type: 'text', text },
        ...reply,
      });
    });
    this.#ports.flushLater(this.#cell);
    return this.#ports.timeline.view(record as MessageRecord);
  }

  async react(messageId: string, emoji: string | null): Promise<void> {
    if (emoji !== null && (emoji === '' || emoji.length > MAX_EMOJI_CHARS)) throw new ClientError('too-long');
    await this.#cell.run(async () => {
      this.#demandWritable();
      const { timeline, outbox, me, show } = this.#ports;
      const next = withReaction(await timeline.get(this.id, messageId), me, emoji);
      const body = { type: 'reaction' as const, to: messageId as ClientMessageId, emoji };
      await outbox.plan(this.#cell, { body, changes: [timeline.put(next)] });
      show([next]);
    });
    this.#ports.flushLater(this.#cell);
  }

  async retry(messageId: string): Promise<MessageView> {
    const record = await this.#ports.outbox.retry(this.#cell, messageId);
    this.#ports.flushLater(this.#cell);
    return this.#ports.timeline.view(record);
  }

  async markRead(upToMessageId: string): Promise<void> {
    const { timeline, events, sendsReadReceipts, receiptsLater } = this.#ports;
    await this.#cell.run(async () => {
      const { order } = await timeline.get(this.id, upToMessageId);
      const { unread, receiptsDue } = this.#cell.record;
      const later = (await timeline.after(this.id, order)).filter(({ isMine }) => !isMine);
      if (later.length >= unread) return;
      const read = unread - later.length;
      const justRead = (await timeline.page(this.id, { before: order + 1, limit: read * 2 + 10 }))
        .filter(({ isMine }) => !isMine)
        .slice(-read);
      const ids = sendsReadReceipts()
        ? justRead.filter(({ content }) => content.type === 'text' || content.type === 'payment').map(({ id }) => id)
        : [];
      await this.#cell.write({
        patch: { unread: later.length, receiptsDue: { ...receiptsDue, read: [...receiptsDue.read, ...ids] } },
      });
      events.emit('conversations.changed', { conversationId: this.id });
    });
    receiptsLater(this.#cell);
  }

  stream(): AsyncIterable<MessageView> {
    return messageStream(this.#ports.events, this.id, this.#ports.closed);
  }

  async sendMoney(payment: {
    amountMinor: bigint;
    currency: string;
    memo?: string;
  }): Promise<{ message: MessageView; transfer: TransferResult }> {
    if ((payment.memo?.length ?? 0) > MAX_MEMO_CHARS) throw new ClientError('too-long');
    await this.#cell.run(async () => {
      this.#demandWritable();
      if (this.#cell.record.membership === 'refused') throw new ClientError('not-opened');
    });
    const { message, transfer } = await this.#ports.pay(this.#cell, payment);
    this.#ports.flushLater(this.#cell);
    return { message: await this.#ports.timeline.view(await this.#ports.timeline.get(this.id, message.id)), transfer };
  }

  async flushed(): Promise<void> {
    await this.#ports.flush(this.#cell);
    const failed = (await this.#ports.outgoing.messages(this.id)).find(({ state }) => state === 'failed');
    if (!failed) return;
    const { error } = await this.#ports.timeline.get(this.id, failed.id);
    throw isClientErrorCode(error) ? new ClientError(error) : new AppError(isErrorCode(error) ? error : 'internal');
  }

  // What calls use.

  get epoch(): number {
    return Number(this.#cell.group.epoch);
  }
  get leafIndex(): number {
    return this.#cell.group.ownLeafIndex;
  }

  demandTrust(): void {
    if (this.#ports.people.known(this.peer)?.alarm) throw new ClientError('keys-changed');
  }

  async sealEphemeral(plaintext: Uint8Array): Promise<Uint8Array> {
    if (this.#cell.awaitsChain) await this.catchUp();
    return this.#cell.run(async () => {
      if (this.#cell.awaitsChain) throw new AppError('unavailable');
      const step = await this.#cell.group.send(pad('ephemeral', plaintext));
      await this.#cell.write({ step });
      return step.result.bytes;
    });
  }

  async openEphemeral(sealed: Uint8Array): Promise<{ sender: VerifiedSender; epoch: number; plaintext: Uint8Array }> {
    if (Number(readSealedMessage(sealed).epoch) > this.epoch) await this.catchUp();
    return this.#cell.run(async () => {
      const step = await this.#cell.group.receive(sealed);
      const { result } = step;
      const plaintext = result.kind === 'message' ? unpad('ephemeral', result.message.plaintext) : undefined;
      if (result.kind !== 'message' || !plaintext) {
        step.abandon(); // what belongs into the log is opened there, with the key that it has only once
        throw new ClientError('server-lied');
      }
      const { message } = result;
      await this.#cell.write({ step, changes: [markChange(this.id, message.mark)] });
      const { account, device, leafIndex } = message.sender;
      const sender = { accountId: account as AccountId, deviceId: device as DeviceId, leafIndex };
      return { sender, epoch: Number(message.epoch), plaintext };
    });
  }

  mediaKey(about: { callId: CallId; leafIndex: number; instance: Uint8Array }): Promise<MediaKey> {
    return this.#cell.run(async () => ({ epoch: Number(this.#cell.group.epoch), key: await this.#cell.group.mediaKey(about) }));
  }

  catchUp(): Promise<void> {
    return this.#ports.sync(this.#cell);
  }

  onEpoch(handler: (epoch: number) => void): () => void {
    return this.#ports.onEpoch(this.id, handler);
  }

  #demandWritable(): void {
    const { standing, membership } = this.#cell.record;
    if (standing !== 'accepted') throw new ClientError('not-accepted');
    if (membership === 'lost' || membership === 'removed') throw new ClientError('needs-repair');
  }
}
