import type { CallId, CallView, ConversationId, AccountId } from '@rialto/contracts';
import { isUnanswered, type Call, type Device, type Tombstone } from './call.ts';

export interface StartRequest {
  readonly callId: CallId;
  readonly conversationId: ConversationId;
  readonly callee: AccountId;
  readonly media: CallView['media'];
  readonly by: Device;
}
export type StartDecision =
  | { readonly kind: 'begin'; readonly call: Call }
  /** The cancel came first: the call is stored as ended, and nobody's telephone rings. */
  | { readonly kind: 'cancelled-before'; readonly call: Call }
  /** Both called at once: `ended` is the new call, `winner` the older one, which the new caller has thereby answered. */
  | { readonly kind: 'merge'; readonly ended: Call; readonly winner: Call }
  | { readonly kind: 'replay' }
  | { readonly kind: 'refuse'; readonly code: 'conflict' | 'busy' };

/**
 * What a request to call does. `existing` has the same id, `oncoming` is the oldest unanswered call of the callee to this caller,
 * `isDeviceBusy` says whether the device sits in a live call.
 */
export function decideStart(
  request: StartRequest,
  found: {
    readonly existing?: Call | Tombstone | undefined;
    readonly oncoming?: Call | undefined;
    readonly isDeviceBusy: boolean;
  },
): StartDecision {
  const { existing, oncoming } = found;
  if (existing !== undefined && !('state' in existing)) {
    if (existing.caller !== request.by.accountId) return { kind: 'refuse', code: 'conflict' };
    return { kind: 'cancelled-before', call: { ...newCall(request), state: 'ended', endReason: 'cancelled', version: 1 } };
  }
  if (existing !== undefined) return isSame(existing, request) ? { kind: 'replay' } : { kind: 'refuse', code: 'conflict' };
  if (found.isDeviceBusy) return { kind: 'refuse', code: 'busy' };
  if (oncoming === undefined || !isUnanswered(oncoming)) return { kind: 'begin', call: newCall(request) };
  return {
    kind: 'merge',
    ended: { ...newCall(request), state: 'ended', endReason: 'merged', mergedInto: oncoming.callId },
    winner: { ...oncoming, state: 'accepted', calleeDevice: request.by.deviceId, version: oncoming.version + 1 },
  };
}

function newCall({ callId, conversationId, callee, media, by }: StartRequest): Call {
  return {
    callId,
    conversationId,
    media,
    caller: by.accountId,
    callerDevice: by.deviceId,
    callee,
    calleeDevice: null,
    state: 'inviting',
    endReason: null,
    mergedInto: null,
    version: 0,
    hasCallerSpoken: false,
  };
}

const isSame = (call: Call, request: StartRequest): boolean =>
  call.conversationId === request.conversationId &&
  call.media === request.media &&
  call.caller === request.by.accountId &&
  call.callerDevice === request.by.deviceId &&
  call.callee === request.callee;

/** An end for a call that nobody knows: it is remembered, so that an invite which comes late finds it. */
export const tombstoneFor = (callId: CallId, by: Device): Tombstone => ({ callId, caller: by.accountId });
