import type { CallMedia } from '@rialto/contracts';
import type * as z from 'zod';

export type Media = z.infer<typeof CallMedia>;

/** Bytes of the random value that makes each start of the media worker use keys of its own. */
export const MEDIA_INSTANCE_BYTES = 16;
/** Tracks that one side may announce in a call. */
export const MAX_CALL_TRACKS = 4;
/** How long keys of a past epoch still open what arrives. */
export const OLD_RECEIVE_KEY_MS = 10_000;
/** On a newer epoch the sending key follows within this time, or sending stops. */
export const EPOCH_CATCH_UP_MS = 2_000;
/** At most one request for a key frame a track in this time: a receiver with a wrong key would ask without end. */
export const KEYFRAME_REQUEST_INTERVAL_MS = 1_000;

/** A track as its sender announces it under seal. `number` is its place in the KID; `mid` names its media section in the SDP. */
export interface TrackAnnouncement {
  readonly mid: string;
  readonly kind: 'audio' | 'video';
  readonly number: number;
}

/** What one side's media worker says of itself: which instance its keys belong to, and what it sends. */
export interface MediaAnnouncement {
  readonly instance: Uint8Array;
  readonly tracks: readonly TrackAnnouncement[];
}

export interface IceServer {
  readonly urls: readonly string[];
  readonly username?: string | undefined;
  readonly credential?: string | undefined;
}
export interface IceCandidate {
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number | null;
}
export interface Description {
  readonly type: 'offer' | 'answer';
  readonly sdp: string;
}

/** What a session tells its call. Handlers are called in order and must not throw. */
export interface MediaEvents {
  candidate(candidate: IceCandidate): void;
  /**
   * `connected`: packets can flow. `stalled`: they stopped. `failed`: this connection will not come back without an ICE restart.
   * `broken`: whatever encrypts the frames has died, and nothing brings this session back.
   */
  connection(state: 'connected' | 'stalled' | 'failed' | 'broken'): void;
  /** A frame of the other side was opened and decoded for the first time. */
  firstFrame(kind: 'audio' | 'video'): void;
  /** Frames of an epoch whose key is missing arrive. */
  unknownEpoch(): void;
  /** A track arrived that nobody announced; it was refused. */
  refusedTrack(mid: string): void;
  /** Local or remote tracks changed: `localTracks` and `remoteTracks` have the new ones. */
  tracks(): void;
}

export interface MediaStats {
  readonly connectedMs: number | null;
  readonly roundTripMs: number | null;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly packetsLost: number;
  /** Sum over received samples of squared loudness, as WebRTC's `totalAudioEnergy`: above zero when something was heard. */
  readonly audioEnergy: number;
  readonly framesDecoded: number;
  /** Frames that were opened, and frames that did not verify, were repeated or had no key. */
  readonly framesOpened: number;
  readonly framesRefused: number;
  /** `relay`, `host`, `srflx` or `prflx`: how packets travel. */
  readonly path: string | null;
}

/** One peer connection with its frame encryption. Everything is refused after `close`. */
export interface MediaSession {
  /** Fresh random bytes of this worker start. */
  readonly instance: Uint8Array;
  /** Engine-specific tracks (browser: `MediaStreamTrack`) for whoever shows them. */
  readonly localTracks: readonly unknown[];
  readonly remoteTracks: readonly unknown[];
  /** Why a video call that has its microphone goes without a camera; engines that never open one leave it out. */
  readonly cameraError?: MediaError | null;
  /**
   * Opens microphone and camera and prepares to send. Throws `MediaError` when there is no microphone or it is not allowed, and for a
   * camera only when it is added to a call that has its microphone: one that begins as a video call goes on without, see `cameraError`.
   */
  addLocal(media: Media): Promise<void>;
  /** What this side sends, complete once a local description was made. */
  announcement(): MediaAnnouncement;
  /** What the other side said that it sends. Tracks that are not in it are refused. */
  expect(announcement: MediaAnnouncement): void;
  /** Switches sending to this key. Before the first one nothing leaves. */
  setSendKey(key: { readonly epoch: number; readonly key: Uint8Array }): Promise<void>;
  /** Adds the other side's key; older ones open for `OLD_RECEIVE_KEY_MS` more. */
  addReceiveKey(key: { readonly epoch: number; readonly key: Uint8Array }): Promise<void>;
  /** Sends nothing until the next `setSendKey`. */
  stopSending(): void;
  createOffer(options?: { readonly restartIce?: boolean }): Promise<Description>;
  /** Applies the other side's description; answers an offer. With `rollback`, an own offer in flight is taken back first. */
  accept(description: Description, options?: { readonly rollback?: boolean }): Promise<Description | null>;
  addCandidate(candidate: IceCandidate): Promise<void>;
  setIceServers(servers: readonly IceServer[]): void;
  setMuted(isMuted: boolean): void;
  setCamera(isOn: boolean): Promise<void>;
  stats(): Promise<MediaStats>;
  close(): void;
}

/** Microphone and camera that are open already, for one session. */
export interface HeldDevices {
  /** Closes them; does nothing the second time. */
  release(): void;
}

export interface MediaEngine {
  /** Throws `MediaError('frame-encryption-unsupported')` where frames cannot be encrypted: then no call is begun or taken. */
  check(): void;
  /**
   * Opens microphone and camera ahead of a session, so that nobody is rung by who may not speak. Throws `MediaError` as `addLocal` does.
   * Engines that ask nobody leave it out.
   */
  askForDevices?(media: Media): Promise<HeldDevices>;
  open(options: {
    readonly iceServers: readonly IceServer[];
    readonly isRelayOnly: boolean;
    readonly events: MediaEvents;
    /** What `askForDevices` gave: the first `addLocal` takes it instead of asking again. */
    readonly devices?: HeldDevices | undefined;
  }): Promise<MediaSession>;
}

const MEDIA_ERRORS = {
  'frame-encryption-unsupported': 'This browser cannot encrypt calls end to end, so Rialto does not call with it.',
  'no-microphone': 'No microphone works here. Connect one, or close the program that uses it, then call again.',
  'no-camera': 'No camera works here. Connect one, or close the program that uses it, then add video.',
  'microphone-refused':
    'The browser does not let Rialto use the microphone. Allow it beside the address of this page, then call again.',
  'camera-refused': 'The browser does not let Rialto use the camera. Allow it beside the address of this page, then add video.',
  'no-relay':
    'This server has no relay to hide your address behind. Without one, calls are possible only when your address may be seen.',
  'media-broken': 'What encrypts the call stopped working here, so the call was ended. Call again.',
  'connection-lost': 'The connection broke and did not come back, so the call was ended. Call again.',
  'keys-unavailable': 'The call could not get its new keys, so it was ended before anything was sent without them. Call again.',
  'session-closed': 'The call is over.',
  'negotiation-failed': 'The two sides could not agree on how to connect.',
} as const;
export type MediaErrorCode = keyof typeof MEDIA_ERRORS;

/** An expected failure of media, with a sentence for people. */
export class MediaError extends Error {
  readonly code: MediaErrorCode;
  constructor(code: MediaErrorCode, cause?: unknown) {
    super(MEDIA_ERRORS[code], { cause });
    this.name = 'MediaError';
    this.code = code;
  }
}

/**
 * The KID of a frame: the epoch's low byte and the track's number. Keys differ by sender already (leaf and instance are in the
 * exporter's context), so a KID only has to tell a sender's tracks and neighbouring epochs apart (RFC 9605 section 5.2 leaves the layout free).
 */
export function kidOf(epoch: number, trackNumber: number): bigint {
  return BigInt((epoch & 0xff) * 256 + trackNumber);
}
