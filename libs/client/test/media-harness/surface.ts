import type { IceServer, Media, MediaStats } from '../../src/calls/media-engine.ts';
import type { HarnessConversation, Name } from './conversation.ts';

export interface OpenOptions {
  readonly name: Name;
  readonly isCaller: boolean;
  readonly secret: string;
  readonly media: Media;
  readonly iceServers: readonly IceServer[];
  readonly isRelayOnly: boolean;
  /** What the other side announces is dropped, as a server that strips `call.media` would have it. */
  readonly forgetsAnnouncements?: boolean;
  /** How late this side has the key of what the other side sends. */
  readonly peerKeyDelayMs?: number;
  /** Without frame encryption: the control of the set-up measure. */
  readonly isBare?: boolean;
}

/** What a test says to the page, as `window.harness`. */
export interface HarnessSurface {
  readonly log: string[];
  /** Milliseconds since the epoch, comparable between pages of one machine. */
  readonly times: Record<string, number>;
  readonly conversation: HarnessConversation | undefined;
  /** Why there can be no call here: a code, or null. */
  engineProblem(): string | null;
  /** Opens microphone and camera as a ringing call does, so that the measured time is that of connecting. */
  prepare(options: OpenOptions): Promise<void>;
  connect(options: OpenOptions): Promise<void>;
  receive(bytes: string): Promise<void>;
  stats(): Promise<MediaStats | undefined>;
  upgrade(): Promise<void>;
  restartIce(iceServers: readonly IceServer[]): Promise<void>;
  enterEpoch(epoch: number): void;
  /** The other side's commit is in the log, and this side has not read it. */
  setLogEpoch(epoch: number): void;
  close(): void;
}
