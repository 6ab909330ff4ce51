/** The door for whoever makes a media engine, and for the client that holds the calls. */
export { Call } from './call.ts';
export { CallManager, type CallEvents } from './calls.ts';
export { FrameOpener, FrameSealer, type Opened } from './frame-encryption.ts';
export {
  MAX_CALL_TRACKS,
  MEDIA_INSTANCE_BYTES,
  MediaError,
  type Description,
  type IceCandidate,
  type IceServer,
  type Media,
  type MediaAnnouncement,
  type MediaEngine,
  type MediaErrorCode,
  type MediaEvents,
  type MediaSession,
  type MediaStats,
  type TrackAnnouncement,
} from './media-engine.ts';
export type { CallConversation, CallPorts, CallsApi, MediaKey, SignalPayload, Surroundings, VerifiedSender } from './ports.ts';
