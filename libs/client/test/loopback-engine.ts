import { randomBytes } from 'node:crypto';
import {
  MEDIA_INSTANCE_BYTES,
  MediaError,
  type Description,
  type HeldDevices,
  type IceCandidate,
  type MediaAnnouncement,
  type MediaEngine,
  type MediaEvents,
  type MediaSession,
} from '../src/calls/media-engine.ts';

/**
 * Connects sessions of one process, without sound: for tests of what happens around media. As with ICE, two are connected once each has the
 * other's description and a candidate of the ICE session that it names; a restart begins another session.
 */
export class LoopbackEngine implements MediaEngine {
  static readonly #offers = new Map<string, LoopbackSession>();
  readonly sessions: LoopbackSession[] = [];
  /** Descriptions that reached an engine: nothing may, before the call is accepted. */
  readonly accepted: Description[] = [];

  /** What the person says to the question for the microphone; false refuses. */
  mayUse: () => Promise<boolean> = async () => true;

  /** What opening a session waits for. */
  mayOpen: () => Promise<void> = async () => {};

  check(): void {}
  async askForDevices(): Promise<HeldDevices> {
    if (!(await this.mayUse())) throw new MediaError('microphone-refused');
    return { release: () => {} };
  }
  async open({ events }: { events: MediaEvents }): Promise<MediaSession> {
    await this.mayOpen();
    const session = new LoopbackSession(events, this.accepted, LoopbackEngine.#offers);
    this.sessions.push(session);
    return session;
  }
}

class LoopbackSession implements MediaSession {
  readonly instance = new Uint8Array(randomBytes(MEDIA_INSTANCE_BYTES));
  readonly localTracks = [];
  readonly remoteTracks = [];
  readonly keys = { send: '', receive: '' };
  expected: MediaAnnouncement | undefined;
  isClosed = false;
  offers = 0;
  /** How often it was given other relays. */
  restarts = 0;
  readonly #name = randomBytes(4).toString('hex');
  #iceSession = 0;
  /** The ICE session of the other side's description, and the candidates that came. */
  #peer = '';
  readonly #candidates = new Set<string>();
  readonly #events: MediaEvents;
  readonly #accepted: Description[];
  readonly #all: Map<string, LoopbackSession>;

  constructor(events: MediaEvents, accepted: Description[], all: Map<string, LoopbackSession>) {
    this.#events = events;
    this.#accepted = accepted;
    this.#all = all;
    all.set(this.#name, this);
  }

  async addLocal(): Promise<void> {}
  announcement(): MediaAnnouncement {
    return { instance: this.instance, tracks: [{ mid: '0', kind: 'audio', number: 0 }] };
  }
  expect(announcement: MediaAnnouncement): void {
    this.expected = announcement;
  }
  async setSendKey({ key }: { key: Uint8Array }): Promise<void> {
    this.keys.send = Buffer.from(key).toString('hex');
  }
  async addReceiveKey({ key }: { key: Uint8Array }): Promise<void> {
    this.keys.receive = Buffer.from(key).toString('hex');
  }
  stopSending(): void {}
  async createOffer({ restartIce = false } = {}): Promise<Description> {
    this.offers += 1;
    if (restartIce || this.#iceSession === 0) this.#beginIce();
    return { type: 'offer', sdp: this.#sdp };
  }
  async accept(description: Description): Promise<Description | null> {
    this.#accepted.push(description);
    const peer = /^a=ice-ufrag:(\S+)$/.exec(description.sdp)?.[1] ?? '';
    const isOther = peer !== this.#peer;
    this.#peer = peer;
    if (description.type === 'offer' && isOther) this.#beginIce();
    if (description.type === 'answer') this.#connect();
    return description.type === 'offer' ? { type: 'answer', sdp: this.#sdp } : null;
  }
  async addCandidate({ candidate }: IceCandidate): Promise<void> {
    this.#candidates.add(candidate);
    this.#connect();
  }
  setIceServers(): void {
    this.restarts += 1;
  }
  setMuted(): void {}
  async setCamera(): Promise<void> {}
  async stats(): Promise<never> {
    throw new Error('there is nothing to measure');
  }
  /** Media stops, or comes back. */
  breaks(state: 'stalled' | 'connected' | 'failed' | 'broken'): void {
    this.#events.connection(state);
  }
  close(): void {
    this.isClosed = true;
    this.#all.delete(this.#name);
  }

  get #ice(): string {
    return `${this.#name}/${this.#iceSession}`;
  }
  get #sdp(): string {
    return `a=ice-ufrag:${this.#ice}`;
  }
  get #reaches(): string | undefined {
    return this.#candidates.has(this.#peer) ? this.#peer : undefined;
  }
  #beginIce(): void {
    this.#iceSession += 1;
    this.#events.candidate({ candidate: this.#ice, sdpMid: '0', sdpMLineIndex: 0 });
  }
  #connect(): void {
    const other = this.#all.get(this.#peer.split('/')[0] ?? '');
    if (other === undefined || other.#reaches !== this.#ice || this.#reaches !== other.#ice) return;
    for (const session of [this, other]) session.breaks('connected');
  }
}
