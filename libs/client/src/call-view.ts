import type { AccountId, CallId, ConversationId } from '@rialto/contracts';

export type CallState = 'inviting' | 'ringing' | 'connecting' | 'active' | 'reconnecting' | 'ended';
/** One call as a screen sees it. */
export interface CallSurface {
  readonly id: CallId;
  readonly conversationId: ConversationId;
  readonly peer: AccountId;
  readonly media: 'audio' | 'video';
  readonly direction: 'incoming' | 'outgoing';
  readonly state: CallState;
  readonly endReason: string | null;
  answer(): Promise<void>;
  decline(): Promise<void>;
  hangUp(): Promise<void>;
  setMuted(isMuted: boolean): void;
  setCamera(isOn: boolean): Promise<void>;
  upgradeToVideo(): Promise<void>;
}
export interface CallsSurface {
  start(conversationId: ConversationId, options: { readonly media: 'audio' | 'video' }): Promise<CallSurface>;
  readonly current: CallSurface | null;
}
