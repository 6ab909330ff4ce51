import { randomBytes } from 'node:crypto';
import { CALL_STALL_MS } from '@rialto/contracts';
import {
  FrameOpener,
  FrameSealer,
  MEDIA_INSTANCE_BYTES,
  MediaError,
  type Description,
  type IceCandidate,
  type IceServer,
  type Media,
  type MediaAnnouncement,
  type MediaEngine,
  type MediaEvents,
  type MediaSession,
  type MediaStats,
} from '@rialto/client/calls';
import { MediaStreamTrack, type RTCPeerConnection, RtpHeader, RtpPacket } from 'werift';
import { forWerift, hasRelay, OPUS_PAYLOAD_TYPE, voiceConnection } from './peer-connection.ts';
import { heardCandidate, relayedCandidate, withCandidates } from './relay-only.ts';
import { FRAME_SAMPLES, SoundMeter, tone, type SoundSource } from './sound.ts';
import { Loudspeaker, Microphone } from './voice.ts';

const AUDIO_TRACK_NUMBER = 0;
const LOOK_EVERY_MS = 300;
const DEFAULT_TONE_HZ = 440;
const SEQUENCE_MASK = 0xffff;
const TIMESTAMP_RANGE = 0x1_0000_0000;

export interface NodeMediaOptions {
  /** What is said. One source a call. */
  readonly source?: () => SoundSource;
  /** Measures what is heard, over all calls of the engine. */
  readonly meter?: SoundMeter;
  /** Addresses to offer beside the machine's own: on one machine, and without any other network, loopback. */
  readonly hostAddresses?: readonly string[];
}

/** Voice calls from a terminal: real Opus over a real peer connection (werift), every frame encrypted as the browser does it. */
export class NodeMediaEngine implements MediaEngine {
  readonly meter: SoundMeter;
  readonly #options: NodeMediaOptions;
  constructor(options: NodeMediaOptions = {}) {
    this.#options = options;
    this.meter = options.meter ?? new SoundMeter();
  }

  check(): void {
    if (globalThis.crypto?.subtle === undefined) throw new MediaError('frame-encryption-unsupported');
  }

  async open(options: {
    readonly iceServers: readonly IceServer[];
    readonly isRelayOnly: boolean;
    readonly events: MediaEvents;
  }): Promise<MediaSession> {
    this.check();
    if (options.isRelayOnly && !hasRelay(options.iceServers)) throw new MediaError('no-relay');
    const source = this.#options.source?.() ?? tone(DEFAULT_TONE_HZ);
    return new NodeMediaSession({
      ...options,
      source,
      meter: this.meter,
      hostAddresses: this.#options.hostAddresses ?? ['127.0.0.1'],
    });
  }
}

interface SessionOptions {
  readonly iceServers: readonly IceServer[];
  readonly isRelayOnly: boolean;
  readonly events: MediaEvents;
  readonly source: SoundSource;
  readonly meter: SoundMeter;
  readonly hostAddresses: readonly string[];
}

class NodeMediaSession implements MediaSession {
  readonly instance = new Uint8Array(randomBytes(MEDIA_INSTANCE_BYTES));
  readonly #options: SessionOptions;
  readonly #pc: RTCPeerConnection;
  readonly #sealer = new FrameSealer();
  readonly #opener = new FrameOpener();
  readonly #microphone: Microphone;
  readonly #loudspeaker: Loudspeaker;
  readonly #local = new MediaStreamTrack({ kind: 'audio' });
  readonly #expected = new Map<string, number>();
  readonly #remote: MediaStreamTrack[] = [];
  readonly #counts = { opened: 0, refused: 0, bytesSent: 0, bytesReceived: 0, packetsLost: 0 };
  readonly #openedAt = performance.now();
  readonly #watch: NodeJS.Timeout;
  #playing: Promise<void> = Promise.resolve();
  #sending: Promise<void> = Promise.resolve();
  #state: 'new' | 'connected' | 'stalled' = 'new';
  #lastPacketAt = 0;
  #connectedMs: number | null = null;
  #isClosed = false;
  #iceServers: readonly IceServer[];

  constructor(options: SessionOptions) {
    this.#iceServers = options.iceServers;
    this.#options = options;
    this.#microphone = new Microphone(options.source);
    this.#loudspeaker = new Loudspeaker(options.meter);
    this.#pc = voiceConnection(options);
    this.#pc.onIceCandidate.subscribe((candidate) => {
      if (!candidate?.candidate || this.#isClosed) return;
      const said = options.isRelayOnly ? relayedCandidate(candidate.candidate) : candidate.candidate;
      if (said === null) return;
      options.events.candidate({
        candidate: said,
        sdpMid: candidate.sdpMid ?? null,
        sdpMLineIndex: candidate.sdpMLineIndex ?? null,
      });
    });
    this.#pc.connectionStateChange.subscribe((state) => this.#handleState(state));
    this.#pc.onTrack.subscribe((track) => this.#take(track));
    this.#watch = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  get localTracks(): readonly unknown[] {
    return [this.#local];
  }
  get remoteTracks(): readonly unknown[] {
    return this.#remote;
  }

  /** A terminal has no camera: a video call is joined with the voice alone. */
  async addLocal(_media: Media): Promise<void> {
    if (this.#isClosed) throw new MediaError('session-closed');
    if (this.#pc.getTransceivers().length === 0) this.#pc.addTrack(this.#local);
  }

  announcement(): MediaAnnouncement {
    const { instance } = this;
    const transceiver = this.#pc.getTransceivers().find(({ kind, sender }) => kind === 'audio' && sender.track === this.#local);
    const mid = transceiver?.mid;
    return { instance, tracks: mid ? [{ mid, kind: 'audio', number: AUDIO_TRACK_NUMBER }] : [] };
  }

  expect({ tracks }: MediaAnnouncement): void {
    for (const { mid, kind, number } of tracks) if (kind === 'audio' && !this.#expected.has(mid)) this.#expected.set(mid, number);
  }

  setSendKey(key: { readonly epoch: number; readonly key: Uint8Array }): Promise<void> {
    return this.#sealer.setKey(key);
  }
  addReceiveKey(key: { readonly epoch: number; readonly key: Uint8Array }): Promise<void> {
    return this.#opener.addKey(key);
  }
  stopSending(): void {
    this.#sealer.stop();
  }

  async createOffer({ restartIce = false } = {}): Promise<Description> {
    const offer = await this.#pc.createOffer({ iceRestart: restartIce });
    this.#nameServers();
    await this.#pc.setLocalDescription(offer);
    return { type: 'offer', sdp: this.#said(this.#pc.localDescription?.sdp ?? offer.sdp) };
  }

  async accept(description: Description, { rollback = false } = {}): Promise<Description | null> {
    if (rollback) await this.#pc.setLocalDescription({ type: 'rollback' });
    const sdp = withCandidates(description.sdp, (candidate) => heardCandidate(candidate, this.#options.isRelayOnly));
    await this.#pc.setRemoteDescription({ type: description.type, sdp });
    if (description.type === 'answer') return null;
    const answer = await this.#pc.createAnswer();
    this.#nameServers();
    await this.#pc.setLocalDescription(answer);
    return { type: 'answer', sdp: this.#said(this.#pc.localDescription?.sdp ?? answer.sdp) };
  }

  async addCandidate({ candidate, sdpMid, sdpMLineIndex }: IceCandidate): Promise<void> {
    if (heardCandidate(candidate, this.#options.isRelayOnly) === null) return;
    await this.#pc.addIceCandidate({
      candidate,
      ...(sdpMid === null ? {} : { sdpMid }),
      ...(sdpMLineIndex === null ? {} : { sdpMLineIndex }),
    });
  }

  setIceServers(servers: readonly IceServer[]): void {
    if (this.#options.isRelayOnly && !hasRelay(servers)) throw new MediaError('no-relay');
    this.#iceServers = servers;
  }
  setMuted(isMuted: boolean): void {
    this.#microphone.isMuted = isMuted;
  }
  async setCamera(isOn: boolean): Promise<void> {
    if (isOn) throw new MediaError('no-camera');
  }

  async stats(): Promise<MediaStats> {
    await this.#playing;
    const pair = this.#pc.iceTransports[0]?.connection.nominated;
    return {
      connectedMs: this.#connectedMs,
      roundTripMs: null,
      bytesSent: this.#counts.bytesSent,
      bytesReceived: this.#counts.bytesReceived,
      packetsLost: 0,
      audioEnergy: this.#options.meter.energy,
      framesDecoded: 0,
      framesOpened: this.#counts.opened,
      framesRefused: this.#counts.refused,
      path: pair?.localCandidate.type ?? null,
    };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#watch);
    this.#microphone.stop();
    this.#sealer.stop();
    this.#opener.close();
    void this.#pc.close();
  }

  /** werift takes other servers only before it gathers: when ICE was begun anew, and the own description is not set yet. */
  #nameServers(): void {
    this.#pc.setConfiguration({ iceServers: forWerift(this.#iceServers) });
  }

  /** A local description holds the candidates gathered so far. */
  #said(sdp: string): string {
    return this.#options.isRelayOnly ? withCandidates(sdp, relayedCandidate) : sdp;
  }

  #handleState(state: string): void {
    if (this.#isClosed) return;
    if (state === 'connected') {
      this.#connectedMs ??= Math.round(performance.now() - this.#openedAt);
      this.#lastPacketAt = performance.now();
      this.#become('connected');
      this.#microphone.start((frame, number) => this.#say(frame, number));
    } else if (state === 'failed') {
      this.#become('stalled');
      this.#options.events.connection('failed');
    }
  }

  /** Silence of `CALL_STALL_MS` is a stall: a muted microphone still sends. */
  #look(): void {
    if (this.#state === 'connected' && performance.now() - this.#lastPacketAt >= CALL_STALL_MS) this.#become('stalled');
  }

  #become(state: 'connected' | 'stalled'): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.events.connection(state);
  }

  /** Frames leave in the order in which they were said. Without a key they are dropped. */
  #say(frame: Uint8Array, number: number): void {
    this.#sending = this.#sending.then(async () => {
      const sealed = await this.#sealer.seal(AUDIO_TRACK_NUMBER, frame);
      if (sealed === undefined || this.#isClosed) return;
      const header = new RtpHeader({
        sequenceNumber: number & SEQUENCE_MASK,
        timestamp: (number * FRAME_SAMPLES) % TIMESTAMP_RANGE,
        payloadType: OPUS_PAYLOAD_TYPE,
        marker: number === 0,
      });
      this.#counts.bytesSent += sealed.length;
      this.#local.writeRtp(new RtpPacket(header, Buffer.from(sealed)));
    });
  }

  #take(track: MediaStreamTrack): void {
    if (track.kind !== 'audio') return;
    const transceiver = this.#pc.getTransceivers().find(({ receiver }) => receiver.tracks.includes(track));
    const number = this.#expected.get(transceiver?.mid ?? '');
    if (number === undefined) return this.#options.events.refusedTrack(transceiver?.mid ?? '');
    this.#remote.push(track);
    track.onReceiveRtp.subscribe(({ payload }) => {
      this.#lastPacketAt = performance.now();
      if (this.#state === 'stalled' && this.#pc.connectionState === 'connected') this.#become('connected');
      this.#counts.bytesReceived += payload.length;
      if (payload.length > 0) this.#playing = this.#playing.then(() => this.#hear(number, new Uint8Array(payload)));
    });
    this.#options.events.tracks();
  }

  async #hear(number: number, payload: Uint8Array): Promise<void> {
    if (this.#isClosed) return;
    const opened = await this.#opener.open(number, payload);
    if ('refused' in opened) {
      this.#counts.refused += 1;
      if (opened.refused === 'unknown-epoch') this.#options.events.unknownEpoch();
      return;
    }
    if (!this.#loudspeaker.play(opened.frame)) {
      this.#counts.refused += 1;
      return;
    }
    this.#counts.opened += 1;
    if (this.#counts.opened === 1) this.#options.events.firstFrame('audio');
  }
}
