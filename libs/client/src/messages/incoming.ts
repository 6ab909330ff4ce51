import type { AccountId, LogRow } from '@rialto/contracts';
import type { Opened } from '@rialto/crypto';
import type { ConversationRecord } from '../conversations/conversation-record.ts';
import type { LogHashes } from '../conversations/log-hash.ts';
import type { Change } from '../store.ts';
import type { MessageState } from '../views.ts';
import { bareId, decodeEnvelope, type Envelope, readBody, type WireBody } from './envelope.ts';
import type { Content, MessageRecord } from './message-record.ts';
import { advanced, type Timeline } from './timeline.ts';

/** What one opened message does to what this device keeps. */
export interface Effect {
  readonly patch: Partial<ConversationRecord>;
  readonly changes: readonly Change[];
  /** Records that are new or different. */
  readonly shown: readonly MessageRecord[];
  readonly historyDiffers: boolean;
  readonly claim?: { readonly account: AccountId; readonly chain: Envelope['chain'] };
}
export interface IncomingPorts {
  readonly timeline: Timeline;
  readonly hashes: LogHashes;
  readonly me: AccountId;
}
const MAX_GAP_SHOWN = 9_999;
const MAX_RECEIPTS_DUE = 2_000;

/**
 * Decides what an opened message does: it is checked against its own authenticated id, against repetition, and against what its sender
 * had seen. `undefined` means that it is a repetition and nothing is shown.
 */
export async function effectOf(
  ports: IncomingPorts,
  record: ConversationRecord,
  row: LogRow,
  opened: Opened,
): Promise<Effect | undefined> {
  const envelope = decodeEnvelope(opened.plaintext);
  if (!envelope || bareId(envelope.id) !== opened.messageId) return malformed(ports, record, row, opened);
  if (await ports.timeline.isUsed(record.id, envelope.id)) return undefined;
  const last = record.lastN[opened.sender.device];
  if (last !== undefined && envelope.n <= last) return undefined;
  const body = readBody(envelope.body);
  if (body === 'malformed') return malformed(ports, record, row, opened);
  const historyDiffers = (await ports.hashes.compare(row, envelope.seen)) === 'different';
  const sender = opened.sender.account as AccountId;
  const gap = last === undefined ? 0 : Math.min(envelope.n - last - 1, MAX_GAP_SHOWN);
  const counted = { lastN: { ...record.lastN, [opened.sender.device]: envelope.n } };
  const common = { historyDiffers, claim: { account: sender, chain: envelope.chain } };
  if (body !== 'unsupported' && body.type === 'reaction') {
    return { ...common, ...(await reaction(ports, record, { envelope, sender, ...body })), patch: counted };
  }
  if (body !== 'unsupported' && body.type === 'receipt') {
    return { ...common, ...(await receipt(ports, record, { envelope, sender, body })), patch: counted };
  }
  const shown = visible(ports, record, row, {
    id: envelope.id,
    sender,
    sentAt: envelope.sentAt,
    content: contentOf(body),
    ...(body !== 'unsupported' && body.type === 'text' && body.replyTo !== undefined && { replyTo: body.replyTo }),
    ...(gap > 0 && { gapBefore: gap }),
    ...(historyDiffers && { historyDiffers }),
  });
  return { ...common, ...shown, patch: { ...shown.patch, ...counted } };
}

/** A row that stands for something that could not be shown. */
export function visible(
  { me, timeline }: Pick<IncomingPorts, 'me' | 'timeline'>,
  record: ConversationRecord,
  row: Pick<LogRow, 'seq' | 'at'>,
  about: Pick<MessageRecord, 'id' | 'sender' | 'sentAt' | 'content'> &
    Partial<Pick<MessageRecord, 'replyTo' | 'gapBefore' | 'historyDiffers'>>,
): { patch: Partial<ConversationRecord>; changes: Change[]; shown: MessageRecord[] } {
  const isMine = about.sender === me;
  const message: MessageRecord = {
    ...about,
    conversationId: record.id,
    order: record.nextOrder,
    seq: row.seq,
    isMine,
    state: 'sent',
    reactions: {},
  };
  const wantsReceipt = !isMine && (about.content.type === 'text' || about.content.type === 'payment');
  const due = record.receiptsDue;
  const patch = {
    nextOrder: record.nextOrder + 1,
    lastVisible: record.nextOrder,
    activeAt: row.at,
    unread: record.unread + (isMine || about.content.type === 'system' ? 0 : 1),
    ...(wantsReceipt && { receiptsDue: { ...due, delivered: [...due.delivered, about.id].slice(-MAX_RECEIPTS_DUE) } }),
  };
  return { patch, changes: timeline.add(message), shown: [message] };
}

function contentOf(body: WireBody | 'unsupported'): Content {
  if (body === 'unsupported') return { type: 'unsupported' };
  if (body.type === 'text') return { type: 'text', text: body.text };
  if (body.type === 'payment') return { type: 'payment', card: body };
  throw new Error(`a ${body.type} is not shown by itself`);
}

function malformed(ports: IncomingPorts, record: ConversationRecord, row: LogRow, opened: Opened): Effect {
  const content: Content = { type: 'undecryptable', reason: 'malformed', willRepair: false };
  const sender = opened.sender.account as AccountId;
  return { ...visible(ports, record, row, { id: `row_${row.seq}`, sender, sentAt: row.at, content }), historyDiffers: false };
}

async function reaction(
  { timeline }: IncomingPorts,
  { id }: ConversationRecord,
  { envelope, sender, to, emoji }: { envelope: Envelope; sender: AccountId; to: string; emoji: string | null },
): Promise<Pick<Effect, 'changes' | 'shown'>> {
  const claimed = timeline.claimId(id, envelope.id);
  const target = await timeline.find(id, to);
  if (!target) return { changes: claimed, shown: [] };
  const next = withReaction(target, sender, emoji);
  return { changes: [...claimed, timeline.put(next)], shown: [next] };
}

export function withReaction(target: MessageRecord, by: AccountId, emoji: string | null): MessageRecord {
  const others = Object.fromEntries(Object.entries(target.reactions).filter(([account]) => account !== by));
  return { ...target, reactions: emoji === null ? others : { ...others, [by]: emoji } };
}

/** Only the peer can say that the peer has a message, and only of what was sent to it. */
async function receipt(
  { timeline, me }: IncomingPorts,
  { id }: ConversationRecord,
  { envelope, sender, body }: { envelope: Envelope; sender: AccountId; body: Extract<WireBody, { type: 'receipt' }> },
): Promise<Pick<Effect, 'changes' | 'shown'>> {
  const shown = new Map<string, MessageRecord>();
  const states: [MessageState, readonly string[]][] = [
    ['delivered', body.delivered],
    ['read', body.read],
  ];
  for (const [state, ids] of sender === me ? [] : states) {
    for (const messageId of ids) {
      const target = shown.get(messageId) ?? (await timeline.find(id, messageId));
      const next = target?.isMine && target.seq !== null ? advanced(target, state) : undefined;
      if (next) shown.set(messageId, next);
    }
  }
  const changes = [...timeline.claimId(id, envelope.id), ...[...shown.values()].map((record) => timeline.put(record))];
  return { changes, shown: [...shown.values()] };
}
