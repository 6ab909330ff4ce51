import type { ClientState, PrivateMessage } from 'ts-mls';
import { createApplicationMessage } from 'ts-mls/createMessage.js';
import { encodeMlsMessage } from 'ts-mls/message.js';
import { verifyWithLabel } from 'ts-mls/crypto/signature.js';
import { encodeFramedContentTBS, toTbs } from 'ts-mls/framedContent.js';
import { unprotectPrivateMessage } from 'ts-mls/messageProtection.js';
import { decryptSenderData } from 'ts-mls/privateMessage.js';
import { fromBase64url, sameBytes, toBase64url } from '../primitives.ts';
import type { Suite } from './cipher-suite.ts';
import { decodeCredential, type LeafCredential } from './credential.ts';
import { MESSAGE_ID_BYTES } from './message-id.ts';
import { leaves } from './public-group.ts';

/** A sender, in the words of one epoch's tree. */
export type Sender = LeafCredential & { leafIndex: number };
/** What makes a message unique for ever: a member can re-encrypt another's signed message, but not change these. */
export type MessageMark = { epoch: bigint; leaf: number; messageId: string };
/** An application message as MLS proved it. `report` lets a third party check who signed it; it shows the group's roster too. */
export type Opened = {
  sender: Sender;
  epoch: bigint;
  generation: number;
  messageId: string;
  mark: MessageMark;
  plaintext: Uint8Array;
  report: Report;
};
export type Report = { signedContent: Uint8Array; signature: Uint8Array };
export type OpenRefusal =
  | 'wrong-conversation'
  | 'epoch-out-of-window'
  | 'late-from-removed'
  | 'message-replayed'
  | 'not-an-application-message'
  | 'unreadable';

/** A message that cannot be shown. `epoch-out-of-window` with a higher epoch means that a commit is missing; the rest is final. */
export class OpenError extends Error {
  reason: OpenRefusal;
  constructor(reason: OpenRefusal, cause?: unknown) {
    super(reason, { cause });
    this.reason = reason;
  }
}

/** Messages are read from the current epoch and this many before. */
export const MAX_PAST_EPOCHS = 2;

/** The message id travels as authenticated data: the server deduplicates by it, the signature covers it, a replay repeats it. */
export async function seal(
  state: ClientState,
  plaintext: Uint8Array,
  messageId: string,
  suite: Suite,
): Promise<{ next: ClientState; bytes: Uint8Array }> {
  const id = fromBase64url(messageId, MESSAGE_ID_BYTES);
  const { newState, privateMessage } = await createApplicationMessage(state, plaintext, suite, id);
  return { next: newState, bytes: encodeMlsMessage({ version: 'mls10', wireformat: 'mls_private_message', privateMessage }) };
}

/**
 * Decrypts and verifies. ts-mls's `processMessage` hides sender, epoch, generation and signature, and lets a commit hide in a
 * PrivateMessage; the two functions beneath it, which it exports as modules of its own, do not. Throws `OpenError`.
 */
export async function open(
  state: ClientState,
  message: PrivateMessage,
  suite: Suite,
): Promise<{ next: ClientState; opened: Opened }> {
  if (message.contentType !== 'application') throw new OpenError('not-an-application-message');
  if (!sameBytes(message.groupId, state.groupContext.groupId)) throw new OpenError('wrong-conversation');
  if (message.authenticatedData.length !== MESSAGE_ID_BYTES) throw new OpenError('unreadable');
  const age = state.groupContext.epoch - message.epoch;
  const past = age > 0n && age <= BigInt(MAX_PAST_EPOCHS) ? state.historicalReceiverData.get(message.epoch) : undefined;
  if (age !== 0n && !past) throw new OpenError('epoch-out-of-window');
  try {
    return await openWith(state, message, past, suite);
  } catch (cause) {
    throw cause instanceof OpenError ? cause : new OpenError('unreadable', cause); // ts-mls's own errors are not all typed
  }
}

type PastEpoch = NonNullable<ReturnType<ClientState['historicalReceiverData']['get']>>;

async function openWith(state: ClientState, message: PrivateMessage, past: PastEpoch | undefined, suite: Suite) {
  const { ratchetTree, groupContext, secretTree } = past ?? state;
  const senderDataSecret = past?.senderDataSecret ?? state.keySchedule.senderDataSecret;
  const senderData = await decryptSenderData(message, senderDataSecret, suite);
  const { keyRetentionConfig } = state.clientConfig;
  const { tree, content } = await unprotectPrivateMessage(
    senderDataSecret,
    message,
    secretTree,
    ratchetTree,
    groupContext,
    keyRetentionConfig,
    suite,
  );
  const { sender, contentType } = content.content;
  if (!senderData || sender.senderType !== 'member' || contentType !== 'application') throw new OpenError('unreadable');
  const leaf = leaves({ ratchetTree }).get(sender.leafIndex);
  if (!leaf) throw new OpenError('unreadable');
  const stillHere = leaves(state).get(sender.leafIndex);
  if (!stillHere || !sameBytes(stillHere.signaturePublicKey, leaf.signaturePublicKey)) throw new OpenError('late-from-removed');
  const messageId = toBase64url(content.content.authenticatedData);
  const opened: Opened = {
    sender: { ...decodeCredential(leaf.credential), leafIndex: sender.leafIndex },
    epoch: message.epoch,
    generation: senderData.generation,
    messageId,
    mark: { epoch: message.epoch, leaf: sender.leafIndex, messageId },
    plaintext: content.content.applicationData,
    report: {
      signedContent: encodeFramedContentTBS(toTbs(content.content, 'mls_private_message', groupContext)),
      signature: content.auth.signature,
    },
  };
  if (!past) return { next: { ...state, secretTree: tree }, opened };
  const historicalReceiverData = new Map(state.historicalReceiverData).set(message.epoch, { ...past, secretTree: tree });
  return { next: { ...state, historicalReceiverData }, opened };
}

/** Checks a report as its reader does, under the leaf key that the sender's device chain certifies (RFC 9420 section 5.1.2). */
export function verifyReport(report: Report, mlsKey: Uint8Array, suite: Suite): Promise<boolean> {
  return verifyWithLabel(mlsKey, 'FramedContentTBS', report.signedContent, report.signature, suite.signature);
}
