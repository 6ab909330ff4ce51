import type { AccountId, CallId, CallView, ConversationId } from '@rialto/contracts';
import type { MediaStats } from './calls/media-engine.ts';

export type CallState = 'inviting' | 'ringing' | 'connecting' | 'active' | 'reconnecting' | 'ended';
/** One call as a screen sees it. The object stays the same while the call changes; `call.changed` says when. */
export interface CallSurface {
  readonly id: CallId;
  readonly conversationId: ConversationId;
  readonly peer: AccountId;
  /** What the call began as, or what this side made of it; which pictures there are, the tracks say. */
  readonly media: 'audio' | 'video';
  readonly direction: 'incoming' | 'outgoing';
  readonly state: CallState;
  readonly endReason: string | null;
  /** A sentence that says why this side had to end the call, else null. */
  readonly failure: string | null;
  readonly isMuted: boolean;
  /** Tracks of the media engine: `MediaStreamTrack` in browsers. */
  readonly localTracks: readonly unknown[];
  readonly remoteTracks: readonly unknown[];
  /** A sentence that says why this side of a video call goes without a camera, else null. `upgradeToVideo` tries again. */
  readonly cameraError: string | null;
  answer(): Promise<void>;
  decline(): Promise<void>;
  hangUp(): Promise<void>;
  setMuted(isMuted: boolean): void;
  setCamera(isOn: boolean): Promise<void>;
  upgradeToVideo(): Promise<void>;
  /** Null until there is a connection. */
  stats(): Promise<MediaStats | null>;
}
export interface CallsSurface {
  start(conversationId: ConversationId, options: { readonly media: 'audio' | 'video' }): Promise<CallSurface>;
  readonly current: CallSurface | null;
  /** Calls of this account, newest first. `before` is the last call of the page before. */
  history(page?: { readonly before?: CallId; readonly limit?: number }): Promise<readonly CallView[]>;
}
