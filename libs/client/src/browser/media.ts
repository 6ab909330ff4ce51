import {
  MAX_CALL_TRACKS,
  MEDIA_INSTANCE_BYTES,
  MediaError,
  type Description,
  type HeldDevices,
  type IceCandidate,
  type IceServer,
  type Media,
  type MediaAnnouncement,
  type MediaEngine,
  type MediaEvents,
  type MediaSession,
  type MediaStats,
} from '../calls/media-engine.ts';
import { type Devices, HeldStream, openDevices } from './devices.ts';
import { hideLoudness } from './hide-loudness.ts';
import { MediaCryptor } from './media-cryptor.ts';
import { readStats, type WatchedState, watchFlow } from './media-stats.ts';

export interface BrowserMediaOptions {
  /** Where microphone and camera come from. */
  readonly devices?: Devices;
  readonly startWorker?: () => Worker;
}
interface SessionOptions {
  readonly iceServers: readonly IceServer[];
  readonly isRelayOnly: boolean;
  readonly events: MediaEvents;
  readonly devices?: HeldDevices | undefined;
}

export const MICROPHONE: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
export const CAMERA: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
/** Codecs whose packetising leaves encrypted frames whole: Opus anyway, VP8 by `vp8-framing.ts`. */
const CODECS: Readonly<Record<string, readonly string[]>> = { audio: ['audio/opus'], video: ['video/VP8', 'video/rtx'] };

/** WebRTC of a browser with every frame encrypted in a worker. */
export class BrowserMediaEngine implements MediaEngine {
  readonly #options: BrowserMediaOptions;
  constructor(options: BrowserMediaOptions = {}) {
    this.#options = options;
  }

  check(): void {
    const canTransform =
      typeof RTCRtpScriptTransform === 'function' &&
      'transform' in RTCRtpSender.prototype &&
      'transform' in RTCRtpReceiver.prototype &&
      typeof Worker === 'function';
    if (!canTransform) throw new MediaError('frame-encryption-unsupported');
  }

  async askForDevices(media: Media): Promise<HeldStream> {
    const wants = { audio: MICROPHONE, video: media === 'video' && CAMERA };
    return new HeldStream(await openDevices(this.#options.devices ?? navigator.mediaDevices, wants));
  }

  async open(options: SessionOptions): Promise<MediaSession> {
    this.check();
    const startWorker =
      this.#options.startWorker ?? (() => new Worker(new URL('./media-worker.ts', import.meta.url), { type: 'module' }));
    const worker = startWorker();
    try {
      return new BrowserMediaSession(options, worker, this.#options.devices ?? navigator.mediaDevices);
    } catch (error) {
      worker.terminate(); // a browser refuses more than some hundred peer connections
      throw error;
    }
  }
}

class BrowserMediaSession implements MediaSession {
  readonly instance = crypto.getRandomValues(new Uint8Array(MEDIA_INSTANCE_BYTES));
  readonly #pc: RTCPeerConnection;
  readonly #cryptor: MediaCryptor;
  readonly #devices: Devices;
  readonly #events: MediaEvents;
  readonly #isRelayOnly: boolean;
  readonly #numbers = new Map<RTCRtpSender, number>();
  readonly #expected = new Map<string, { kind: string; number: number }>();
  readonly #remote = new Set<MediaStreamTrack>();
  readonly #stream = new MediaStream();
  readonly #openedAt = performance.now();
  readonly #stopWatching: () => void;
  #held: HeldStream | undefined;
  #cameraError: MediaError | null = null;
  #wantsVideo = false;
  #connectedMs: number | null = null;
  #isClosed = false;

  constructor({ iceServers, isRelayOnly, events, devices: held }: SessionOptions, worker: Worker, devices: Devices) {
    this.#events = events;
    this.#devices = devices;
    this.#held = held instanceof HeldStream ? held : undefined;
    this.#isRelayOnly = isRelayOnly;
    // First, since a browser may refuse it; the worker's pulse would then have nobody to end it.
    this.#pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', ...this.#ice(iceServers) });
    this.#cryptor = new MediaCryptor(worker, {
      firstFrame: (kind, receiver) => {
        receiver.track.enabled = true;
        events.firstFrame(kind);
      },
      unknownEpoch: () => events.unknownEpoch(),
      // Without its worker no frame passes in either direction, though packets may flow.
      broken: () => !this.#isClosed && events.connection('broken'),
    });
    this.#pc.onicecandidate = ({ candidate }) => {
      if (candidate !== null && candidate.candidate !== '') events.candidate(plain(candidate));
    };
    this.#pc.ontrack = (event) => this.#take(event);
    this.#stopWatching = watchFlow(this.#pc, (state) => this.#report(state));
  }

  get localTracks(): readonly MediaStreamTrack[] {
    return this.#stream.getTracks();
  }
  get remoteTracks(): readonly MediaStreamTrack[] {
    return [...this.#remote];
  }
  get cameraError(): MediaError | null {
    return this.#cameraError;
  }

  async addLocal(media: Media): Promise<void> {
    const has = (kind: string) => this.localTracks.some((track) => track.kind === kind);
    const wants = { audio: !has('audio') && MICROPHONE, video: media === 'video' && !has('video') && CAMERA };
    if (wants.audio === false && wants.video === false) return;
    this.#wantsVideo ||= media === 'video';
    const held = this.#held?.opened;
    this.#held = undefined;
    const { stream, cameraError } = held ?? (await openDevices(this.#devices, wants));
    this.#cameraError = cameraError;
    for (const track of stream.getTracks()) {
      if (this.#isClosed) track.stop();
      else this.#send(track);
    }
    if (this.#isClosed) throw new MediaError('session-closed');
    this.#events.tracks();
  }

  announcement(): MediaAnnouncement {
    const tracks = this.#pc.getTransceivers().flatMap(({ mid, sender }) => {
      const number = this.#numbers.get(sender);
      if (mid === null || sender.track === null || number === undefined) return [];
      return [{ mid, kind: sender.track.kind as 'audio' | 'video', number }];
    });
    return { instance: this.instance, tracks };
  }

  expect({ tracks }: MediaAnnouncement): void {
    // A section keeps the place it was announced with: its transform has it.
    for (const { mid, kind, number } of tracks) if (!this.#expected.has(mid)) this.#expected.set(mid, { kind, number });
    // Who offered has the receivers already, and frames may come before the event that brings the track.
    for (const { mid, receiver } of this.#pc.getTransceivers()) {
      const announced = mid === null ? undefined : this.#expected.get(mid);
      if (announced?.kind === receiver.track.kind) this.#cryptor.announced(receiver, announced.number);
    }
  }

  setSendKey(key: { epoch: number; key: Uint8Array }): Promise<void> {
    return this.#cryptor.setSendKey(key);
  }
  addReceiveKey(key: { epoch: number; key: Uint8Array }): Promise<void> {
    return this.#cryptor.addReceiveKey(key);
  }
  stopSending(): void {
    this.#cryptor.stopSending();
  }

  async createOffer({ restartIce = false } = {}): Promise<Description> {
    this.#askForVideo();
    this.#limit();
    const offer = await this.#pc.createOffer({ iceRestart: restartIce });
    await this.#pc.setLocalDescription(offer);
    return { type: 'offer', sdp: offer.sdp ?? '' };
  }

  async accept(description: Description, { rollback = false } = {}): Promise<Description | null> {
    if (rollback) await this.#pc.setLocalDescription({ type: 'rollback' });
    await this.#pc.setRemoteDescription(description);
    if (description.type === 'answer') return null;
    this.#limit();
    const answer = await this.#pc.createAnswer();
    await this.#pc.setLocalDescription(answer);
    return { type: 'answer', sdp: answer.sdp ?? '' };
  }

  async addCandidate(candidate: IceCandidate): Promise<void> {
    await this.#pc.addIceCandidate(candidate);
  }

  setIceServers(servers: readonly IceServer[]): void {
    this.#pc.setConfiguration({ bundlePolicy: 'max-bundle', ...this.#ice(servers) });
  }

  setMuted(isMuted: boolean): void {
    for (const track of this.#stream.getAudioTracks()) track.enabled = !isMuted;
  }

  async setCamera(isOn: boolean): Promise<void> {
    for (const track of this.#stream.getVideoTracks()) track.enabled = isOn;
  }

  async stats(): Promise<MediaStats> {
    const { opened, refused } = await this.#cryptor.counts();
    const read = readStats(await this.#pc.getStats());
    return { ...read, connectedMs: this.#connectedMs, framesOpened: opened, framesRefused: refused };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopWatching();
    for (const track of this.localTracks) track.stop();
    this.#pc.close();
    this.#cryptor.close();
  }

  /** Gives a new sender its encryption, before it has a track. A sender takes a number once and keeps it, so no two share a key. */
  #protect(sender: RTCRtpSender, kind: string): boolean {
    const number = this.#numbers.size;
    if (this.#numbers.has(sender) || number >= MAX_CALL_TRACKS) return this.#numbers.has(sender);
    this.#numbers.set(sender, number);
    this.#cryptor.protectSender(sender, kind as 'audio' | 'video', number);
    return true;
  }

  /** Adds a track with its encryption. */
  #send(track: MediaStreamTrack): void {
    const before = this.#pc.getSenders();
    const sender = this.#pc.addTrack(track, this.#stream);
    // A sender that came with a section of the other side is taken up again; it is protected since then, or not used.
    if (before.includes(sender) ? !this.#numbers.has(sender) : !this.#protect(sender, track.kind)) {
      this.#pc.removeTrack(sender);
      throw new MediaError('negotiation-failed');
    }
    this.#stream.addTrack(track);
    for (const transceiver of this.#pc.getTransceivers()) this.#cryptor.protectReceiver(transceiver.receiver);
  }

  /** Without a camera of its own, an offer says only by this that the other side's picture is wanted. */
  #askForVideo(): void {
    const hasVideo = this.#pc.getTransceivers().some(({ receiver }) => receiver.track.kind === 'video');
    if (!this.#wantsVideo || hasVideo) return;
    const { sender, receiver } = this.#pc.addTransceiver('video', { direction: 'recvonly' });
    this.#protect(sender, 'video');
    this.#cryptor.protectReceiver(receiver);
  }

  /** What nobody announced stays behind a transform that lets nothing pass, and is not shown. */
  #take({ receiver, transceiver, track }: RTCTrackEvent): void {
    this.#cryptor.protectReceiver(receiver);
    this.#protect(transceiver.sender, track.kind);
    // Silent and dark until a frame of it was opened: so even a browser that ignores the transform plays nothing.
    if (!this.#remote.has(track)) track.enabled = false;
    const announced = transceiver.mid === null ? undefined : this.#expected.get(transceiver.mid);
    if (announced?.kind !== track.kind) return this.#events.refusedTrack(transceiver.mid ?? '');
    this.#cryptor.announced(receiver, announced.number);
    this.#remote.add(track);
    this.#events.tracks();
  }

  #limit(): void {
    for (const transceiver of this.#pc.getTransceivers()) {
      if (transceiver.direction === 'stopped') continue;
      hideLoudness(transceiver);
      const { kind } = transceiver.receiver.track;
      const allowed = CODECS[kind] ?? [];
      const codecs = RTCRtpReceiver.getCapabilities(kind)?.codecs.filter(({ mimeType }) => allowed.includes(mimeType)) ?? [];
      transceiver.setCodecPreferences(codecs);
    }
  }

  #report(state: WatchedState): void {
    if (this.#isClosed) return;
    if (state === 'connected') this.#connectedMs ??= Math.round(performance.now() - this.#openedAt);
    this.#events.connection(state);
  }

  #ice(servers: readonly IceServer[]): RTCConfiguration {
    return {
      iceTransportPolicy: this.#isRelayOnly ? 'relay' : 'all',
      iceServers: servers.map(({ urls, username, credential }) => ({
        urls: [...urls],
        ...(username !== undefined && credential !== undefined ? { username, credential } : {}),
      })),
    };
  }
}

const plain = ({ candidate, sdpMid, sdpMLineIndex }: RTCIceCandidate): IceCandidate => ({ candidate, sdpMid, sdpMLineIndex });
