import {
  CALL_ACCEPT_TIMEOUT_MS,
  CALL_CONNECT_TIMEOUT_MS,
  CALL_INVITE_TIMEOUT_MS,
  CALL_RING_TIMEOUT_MS,
  type AccountId,
  type CallId,
  type CallView,
  type ConversationId,
  type DeviceId,
} from '@rialto/contracts';

/** Nobody talks longer; a call whose two devices vanished without a word ends here. */
export const LONGEST_CALL_MS = 86_400_000;

export type CallState = CallView['state'];
export type EndReason = NonNullable<CallView['endReason']>;
/** A call as the rules see it. Times are PostgreSQL's business. */
export interface Call {
  readonly callId: CallId;
  readonly conversationId: ConversationId;
  readonly media: CallView['media'];
  readonly caller: AccountId;
  readonly callerDevice: DeviceId;
  readonly callee: AccountId;
  readonly calleeDevice: DeviceId | null;
  readonly state: CallState;
  readonly endReason: EndReason | null;
  readonly mergedInto: CallId | null;
  readonly version: number;
  /** Whether the caller's device has sent a signal since the call was accepted. */
  readonly hasCallerSpoken: boolean;
}
/** What remains of a call that was cancelled before its invite came. */
export interface Tombstone {
  readonly callId: CallId;
  readonly caller: AccountId;
}

export interface Device {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
}
export type Deadline = 'invite' | 'ring' | 'accept' | 'connect' | 'longest';
export type CallEvent =
  | { readonly type: 'ring'; readonly by: Device }
  | { readonly type: 'answer'; readonly by: Device }
  | { readonly type: 'connect'; readonly by: Device }
  | { readonly type: 'end'; readonly by: Device; readonly reason: 'hung-up' | 'declined' | 'busy' | 'failed' }
  | { readonly type: 'expire'; readonly deadline: Deadline };

export type Decision =
  | { readonly kind: 'keep' }
  | { readonly kind: 'change'; readonly call: Call }
  | { readonly kind: 'refuse'; readonly code: 'call-ended' | 'call-elsewhere' | 'forbidden' | 'not-found' };

const KEEP: Decision = { kind: 'keep' };
const refuse = (code: Extract<Decision, { kind: 'refuse' }>['code']): Decision => ({ kind: 'refuse', code });
const change = (call: Call, to: Partial<Call>): Decision => ({
  kind: 'change',
  call: { ...call, ...to, version: call.version + 1 },
});
const end = (call: Call, endReason: EndReason): Decision => change(call, { state: 'ended', endReason });

export const isUnanswered = (call: Call): boolean => call.state === 'inviting' || call.state === 'ringing';
export const isParty = (call: Call, accountId: AccountId): boolean => call.caller === accountId || call.callee === accountId;

/**
 * The side on which a device takes part: the device that called, any device of the callee while it rings, then the one that answered.
 * A device of the caller that did not call, or of the callee that lost, is a bystander.
 */
export function sideOf(call: Call, { accountId, deviceId }: Device): 'caller' | 'callee' | 'bystander' | 'stranger' {
  if (!isParty(call, accountId)) return 'stranger';
  if (call.caller === accountId) return call.callerDevice === deviceId ? 'caller' : 'bystander';
  return call.calleeDevice === null || call.calleeDevice === deviceId ? 'callee' : 'bystander';
}

/** What an event does to a call. Pure: the caller stores the answer by compare-and-set, or asks again with what is stored now. */
export function decide(call: Call, event: CallEvent): Decision {
  if (event.type === 'expire') return decideExpiry(call, event.deadline);
  const side = sideOf(call, event.by);
  if (side === 'stranger') return refuse('not-found');
  if (event.type === 'end') return decideEnd(call, side, event.reason);
  if (call.state === 'ended') return refuse('call-ended');
  switch (event.type) {
    case 'ring':
      if (event.by.accountId !== call.callee) return refuse('forbidden');
      return call.state === 'inviting' ? change(call, { state: 'ringing' }) : KEEP;
    case 'answer':
      if (event.by.accountId !== call.callee) return refuse('forbidden');
      if (isUnanswered(call)) return change(call, { state: 'accepted', calleeDevice: event.by.deviceId });
      return side === 'callee' ? KEEP : refuse('call-elsewhere');
    case 'connect':
      if (side === 'bystander' || isUnanswered(call)) return refuse('forbidden');
      return call.state === 'accepted' ? change(call, { state: 'active' }) : KEEP;
  }
}

/** Ending what is over does nothing, and a device that lost the call cannot end it for the one that has it. */
function decideEnd(
  call: Call,
  side: 'caller' | 'callee' | 'bystander',
  reason: 'hung-up' | 'declined' | 'busy' | 'failed',
): Decision {
  if (call.state === 'ended' || side === 'bystander') return KEEP;
  if (reason === 'failed') return end(call, 'failed');
  // A cancel that comes after the answer is a hang-up, and so is a decline.
  if (!isUnanswered(call)) return end(call, 'hung-up');
  if (side === 'caller') return end(call, 'cancelled');
  // One device of the callee is busy and another rings: who is called may take it there.
  if (reason === 'busy' && call.state === 'ringing') return KEEP;
  return end(call, reason === 'busy' ? 'busy' : 'declined');
}

function decideExpiry(call: Call, deadline: Deadline): Decision {
  const isDue = {
    invite: call.state === 'inviting',
    ring: call.state === 'ringing',
    accept: call.state === 'accepted' && !call.hasCallerSpoken,
    connect: call.state === 'accepted',
    longest: call.state === 'active',
  }[deadline];
  if (!isDue) return KEEP;
  return end(call, isUnanswered(call) ? 'missed' : 'timed-out');
}

/** What must happen within a time once a call has come into a state. */
export function deadlinesOf(state: CallState): readonly { readonly deadline: Deadline; readonly dueInMs: number }[] {
  switch (state) {
    case 'inviting':
      return [{ deadline: 'invite', dueInMs: CALL_INVITE_TIMEOUT_MS }];
    case 'ringing':
      return [{ deadline: 'ring', dueInMs: CALL_RING_TIMEOUT_MS }];
    case 'accepted':
      return [
        { deadline: 'accept', dueInMs: CALL_ACCEPT_TIMEOUT_MS },
        { deadline: 'connect', dueInMs: CALL_CONNECT_TIMEOUT_MS },
      ];
    case 'active':
      return [{ deadline: 'longest', dueInMs: LONGEST_CALL_MS }];
    case 'ended':
      return [];
  }
}

/** The devices that a call keeps busy. */
export function seatsOf(call: Call): readonly DeviceId[] {
  if (call.state === 'ended') return [];
  return call.calleeDevice === null ? [call.callerDevice] : [call.callerDevice, call.calleeDevice];
}
