import * as z from 'zod';
import { AccountId, ClientMessageId, ConversationId, DeviceId } from './ids.ts';
import { MAX_COMMIT_BYTES, MAX_GROUP_INFO_BYTES, MAX_MESSAGE_BYTES, MAX_PAGE, MAX_WELCOME_BYTES } from './limits.ts';
import { event, operation, service } from './operation.ts';
import { Bytes, Moment, Seq } from './values.ts';

/** One row of a conversation's log, as it is stored, listed and pushed. The sender is what the server saw; readers trust only the MLS sender. */
export const LogRow = z.object({
  conversationId: ConversationId,
  seq: Seq,
  kind: z.enum(['commit', 'application']),
  epoch: Seq,
  senderAccount: AccountId,
  senderDevice: DeviceId,
  clientMessageId: ClientMessageId,
  bytes: Bytes(MAX_COMMIT_BYTES),
  at: Moment,
});
export type LogRow = z.infer<typeof LogRow>;

/** How the caller stands to a conversation: a request waits until it is accepted, and nothing of it needs to be processed before. */
export const Standing = z.enum(['accepted', 'requested', 'blocked']);
export const ConversationView = z.object({
  conversationId: ConversationId,
  kind: z.enum(['dm', 'group', 'self']),
  createdBy: AccountId,
  members: z.array(z.object({ accountId: AccountId, standing: Standing })),
  standing: Standing,
  epoch: Seq,
  lastSeq: Seq,
  /** The lowest row that is still kept. */
  firstSeq: Seq,
  /** How far this device has acknowledged. */
  cursor: Seq,
  createdAt: Moment,
});
export type ConversationView = z.infer<typeof ConversationView>;

/** A commit with what it makes necessary; all of it lands in one transaction. `epoch` is the one that the commit ends. */
const bundle = {
  clientMessageId: ClientMessageId,
  epoch: Seq,
  commit: Bytes(MAX_COMMIT_BYTES),
  groupInfo: Bytes(MAX_GROUP_INFO_BYTES),
  welcome: Bytes(MAX_WELCOME_BYTES).nullable(),
};

export const messaging = service(
  'messaging',
  {
    createDm: operation({
      summary:
        'Opens the conversation of two accounts: its group at epoch 0 and the commit that adds everybody. One a pair: the first wins.',
      http: 'POST /v1/conversations/dm',
      callers: ['device'],
      idempotentBy: 'conversationId',
      input: z.object({
        conversationId: ConversationId,
        peer: AccountId,
        initialGroupInfo: Bytes(MAX_GROUP_INFO_BYTES),
        ...bundle,
      }),
      output: z.object({ conversationId: ConversationId, created: z.boolean(), seq: Seq }),
      errors: ['not-reachable', 'commit-refused', 'request-full'],
    }),
    listConversations: operation({
      summary: "The caller's conversations, newest activity first.",
      http: 'GET /v1/conversations',
      callers: ['device'],
      input: z.object({ cursor: z.string().max(200).optional(), limit: z.int().min(1).max(MAX_PAGE).optional() }),
      output: z.object({ conversations: z.array(ConversationView), nextCursor: z.string().nullable() }),
      errors: [],
    }),
    getConversation: operation({
      summary: 'One conversation.',
      http: 'GET /v1/conversations/:conversationId',
      callers: ['device'],
      input: z.object({ conversationId: ConversationId }),
      output: ConversationView,
      errors: ['not-a-member'],
    }),
    findDm: operation({
      summary: 'The conversation with another account, if there is one.',
      http: 'GET /v1/accounts/:peer/dm',
      callers: ['device'],
      input: z.object({ peer: AccountId }),
      output: z.object({ conversationId: ConversationId.nullable() }),
      errors: [],
    }),
    acceptConversation: operation({
      summary: 'Accepts a request. From then on the other person may write and call.',
      http: 'PUT /v1/conversations/:conversationId/acceptance',
      callers: ['device'],
      input: z.object({ conversationId: ConversationId }),
      output: z.object({ standing: Standing }),
      errors: ['not-a-member'],
    }),
    blockAccount: operation({
      summary: 'Blocks an account: it can no longer write, call or open a conversation.',
      http: 'PUT /v1/blocks/:accountId',
      callers: ['device'],
      input: z.object({ accountId: AccountId }),
      output: z.object({ blocked: z.boolean() }),
      errors: [],
    }),
    unblockAccount: operation({
      summary: 'Lifts a block.',
      http: 'DELETE /v1/blocks/:accountId',
      callers: ['device'],
      input: z.object({ accountId: AccountId }),
      output: z.object({ blocked: z.boolean() }),
      errors: [],
    }),
    listBlocks: operation({
      summary: 'The accounts that the caller has blocked.',
      http: 'GET /v1/blocks',
      callers: ['device'],
      input: z.object({}),
      output: z.object({ accounts: z.array(AccountId) }),
      errors: [],
    }),
    commit: operation({
      summary: 'Ends an epoch. One commit an epoch wins; the others get `stale-epoch` and read the log.',
      http: 'POST /v1/conversations/:conversationId/commits',
      callers: ['device'],
      idempotentBy: 'clientMessageId',
      input: z.object({ conversationId: ConversationId, ...bundle }),
      output: z.object({ seq: Seq, epoch: Seq, duplicate: z.boolean() }),
      errors: ['not-a-member', 'stale-epoch', 'commit-refused'],
    }),
    getGroupInfo: operation({
      summary: 'The latest group info, for coming back by an external commit.',
      http: 'GET /v1/conversations/:conversationId/group-info',
      callers: ['device'],
      input: z.object({ conversationId: ConversationId }),
      output: z.object({ epoch: Seq, groupInfo: Bytes(MAX_GROUP_INFO_BYTES) }),
      errors: ['not-a-member'],
    }),
    listWelcomes: operation({
      summary: 'Welcomes that wait for this device. They stay until it acknowledges the row after them.',
      http: 'GET /v1/welcomes',
      callers: ['device'],
      input: z.object({ limit: z.int().min(1).max(MAX_PAGE).optional() }),
      output: z.object({
        welcomes: z.array(
          z.object({ conversationId: ConversationId, seq: Seq, epoch: Seq, from: AccountId, welcome: Bytes(MAX_WELCOME_BYTES) }),
        ),
      }),
      errors: [],
    }),
    sendMessage: operation({
      summary: 'Appends a sealed message to the log. Answered when it is committed; a retry returns the first number.',
      http: 'POST /v1/conversations/:conversationId/messages',
      callers: ['device'],
      idempotentBy: 'clientMessageId',
      input: z.object({
        conversationId: ConversationId,
        clientMessageId: ClientMessageId,
        epoch: Seq,
        bytes: Bytes(MAX_MESSAGE_BYTES),
      }),
      output: z.object({ seq: Seq, duplicate: z.boolean(), at: Moment }),
      errors: ['not-a-member', 'stale-epoch', 'not-reachable', 'request-full'],
    }),
    listMessages: operation({
      summary: 'Rows of the log after a number, oldest first.',
      http: 'GET /v1/conversations/:conversationId/messages',
      callers: ['device'],
      input: z.object({ conversationId: ConversationId, after: Seq, limit: z.int().min(1).max(MAX_PAGE).optional() }),
      output: z.object({ rows: z.array(LogRow), lastSeq: Seq, firstSeq: Seq }),
      errors: ['not-a-member'],
    }),
    acknowledge: operation({
      summary:
        'Says that this device has durably processed everything up to a number. Rows that all devices have are deleted in time.',
      http: 'PUT /v1/conversations/:conversationId/cursor',
      callers: ['device'],
      input: z.object({ conversationId: ConversationId, upTo: Seq }),
      output: z.object({ cursor: Seq }),
      errors: ['not-a-member'],
    }),
    getReach: operation({
      summary: 'Whether one account may reach another: what the calls service asks before it rings.',
      callers: ['calls'],
      input: z.object({ from: AccountId, to: AccountId, conversationId: ConversationId.optional() }),
      output: z.object({ isBlocked: z.boolean(), isAccepted: z.boolean(), areBothMembers: z.boolean() }),
      errors: [],
    }),
  },
  {
    message: event({ summary: 'A new row of a conversation.', audience: 'account', payload: LogRow }),
    welcome: event({
      summary: 'A welcome waits for this device.',
      audience: 'device',
      payload: z.object({ deviceId: DeviceId, conversationId: ConversationId }),
    }),
    conversationChanged: event({
      summary: 'A conversation was opened, requested, accepted or blocked.',
      audience: 'account',
      payload: z.object({ conversationId: ConversationId, standing: Standing }),
    }),
  },
);
