import * as z from 'zod';
import { AccountId, CallId, ConversationId, DeviceId } from './ids.ts';
import { MAX_PAGE, MAX_SIGNAL_BYTES } from './limits.ts';
import { event, operation, service } from './operation.ts';
import { Bytes, Moment } from './values.ts';

export const CallMedia = z.enum(['audio', 'video']);
export const EndReason = z.enum(['hung-up', 'cancelled', 'declined', 'missed', 'busy', 'merged', 'failed', 'timed-out']);
/** A call as the arbiter has it. `version` rises with each change, so that a client drops what it hears out of order. */
export const CallView = z.object({
  callId: CallId,
  conversationId: ConversationId,
  media: CallMedia,
  caller: AccountId,
  callerDevice: DeviceId,
  callee: AccountId,
  calleeDevice: DeviceId.nullable(),
  state: z.enum(['inviting', 'ringing', 'accepted', 'active', 'ended']),
  endReason: EndReason.nullable(),
  /** The call into which this one was merged when both sides called at once. */
  mergedInto: CallId.nullable(),
  version: z.int().min(0),
  createdAt: Moment,
  answeredAt: Moment.nullable(),
  endedAt: Moment.nullable(),
});
export type CallView = z.infer<typeof CallView>;
const CallAnswer = z.object({ call: CallView });

export const calls = service(
  'calls',
  {
    startCall: operation({
      summary: 'Rings the other member of a conversation. When both call at once, the answer is the call that goes on.',
      http: 'POST /v1/calls',
      callers: ['device'],
      idempotentBy: 'callId',
      input: z.object({ callId: CallId, conversationId: ConversationId, callee: AccountId, media: CallMedia }),
      output: CallAnswer,
      errors: ['not-reachable', 'busy', 'call-ended'],
    }),
    confirmRinging: operation({
      summary: "Says that the callee's device rings.",
      http: 'PUT /v1/calls/:callId/ringing',
      callers: ['device'],
      input: z.object({ callId: CallId }),
      output: CallAnswer,
      errors: ['call-ended'],
    }),
    answerCall: operation({
      summary: 'Takes the call on this device. One device wins.',
      http: 'PUT /v1/calls/:callId/answer',
      callers: ['device'],
      input: z.object({ callId: CallId }),
      output: CallAnswer,
      errors: ['call-ended', 'call-elsewhere', 'busy'],
    }),
    confirmConnected: operation({
      summary: 'Says that media flows. The call is active once it was said.',
      http: 'PUT /v1/calls/:callId/connected',
      callers: ['device'],
      input: z.object({ callId: CallId }),
      output: CallAnswer,
      errors: ['call-ended'],
    }),
    endCall: operation({
      summary:
        'Hangs up, cancels or declines, whichever fits; ending a call that is over does nothing. Cancels even an invite that was not seen yet.',
      http: 'PUT /v1/calls/:callId/end',
      callers: ['device'],
      input: z.object({ callId: CallId, reason: z.enum(['hung-up', 'declined', 'busy', 'failed']) }),
      output: z.object({ call: CallView.nullable() }),
      errors: [],
    }),
    getCall: operation({
      summary: 'One call.',
      http: 'GET /v1/calls/:callId',
      callers: ['device'],
      input: z.object({ callId: CallId }),
      output: CallAnswer,
      errors: [],
    }),
    listCalls: operation({
      summary:
        "The account's calls, newest first: what is going on, then the history. `before` is the last call of the page before.",
      http: 'GET /v1/calls',
      callers: ['device'],
      input: z.object({ before: CallId.optional(), limit: z.int().min(1).max(MAX_PAGE).optional() }),
      output: z.object({ calls: z.array(CallView) }),
      errors: [],
    }),
    sendSignal: operation({
      summary: 'Relays a sealed signal (SDP, ICE) to the other party, or to one of its devices. Nothing of it is stored.',
      http: 'PUT /v1/calls/:callId/signals',
      callers: ['device'],
      input: z.object({ callId: CallId, toDevice: DeviceId.optional(), bytes: Bytes(MAX_SIGNAL_BYTES) }),
      output: z.object({ relayed: z.boolean() }),
      errors: ['call-ended'],
    }),
    getIceServers: operation({
      summary: 'TURN credentials for a call, and whether addresses must stay hidden.',
      http: 'GET /v1/calls/:callId/ice-servers',
      callers: ['device'],
      input: z.object({ callId: CallId }),
      output: z.object({
        iceServers: z.array(
          z.object({ urls: z.array(z.string()), username: z.string().optional(), credential: z.string().optional() }),
        ),
        isRelayOnly: z.boolean(),
        expiresAt: Moment,
      }),
      errors: ['call-ended'],
    }),
  },
  {
    callChanged: event({ summary: 'A call began, changed or ended.', audience: 'account', payload: CallView }),
    signal: event({
      summary: 'A sealed signal for this device.',
      audience: 'account',
      payload: z.object({
        callId: CallId,
        toDevice: DeviceId.nullable(),
        fromAccount: AccountId,
        fromDevice: DeviceId,
        bytes: Bytes(MAX_SIGNAL_BYTES),
        at: Moment,
      }),
    }),
  },
);
