import type { CallId, CallView } from '@rialto/contracts';
import type { Call } from './call.ts';
import type { CallConversation, CallPorts } from './ports.ts';

/** What a call is made of, and whom it tells. */
export interface CallOptions {
  readonly view: Pick<CallView, 'callId' | 'conversationId' | 'media' | 'caller' | 'callee'>;
  readonly conversation: CallConversation;
  readonly ports: CallPorts;
  /** Called after every change that a screen may show. */
  readonly changed: (call: Call) => void;
  /** News that the call asked for: goes the way of a push, since it may be of a merge. */
  readonly news: (view: CallView) => Promise<void>;
  /** Asks the arbiter to end the call; kept until it is done. */
  readonly end: (callId: CallId, reason: 'hung-up' | 'declined' | 'busy' | 'failed') => Promise<void>;
}
