import { randomBytes } from 'node:crypto';
import {
  MEDIA_INSTANCE_BYTES,
  MediaError,
  type Description,
  type HeldDevices,
  type MediaAnnouncement,
  type MediaEngine,
  type MediaEvents,
  type MediaSession,
} from '../src/calls/media-engine.ts';

/** Connects sessions of one process by the names in their "SDP", at once and without sound: for tests of what happens around media. */
export class LoopbackEngine implements MediaEngine {
  static readonly #offers = new Map<string, LoopbackSession>();
  readonly sessions: LoopbackSession[] = [];
  /** Descriptions that reached an engine: nothing may, before the call is accepted. */
  readonly accepted: Description[] = [];

  /** What the person says to the question for the microphone; false refuses. */
  mayUse: () => Promise<boolean> = async () => true;

  check(): void {}
  async askForDevices(): Promise<HeldDevices> {
    if (!(await this.mayUse())) throw new MediaError('microphone-refused');
    return { release: () => {} };
  }
  async open({ events }: { events: MediaEvents }): Promise<MediaSession> {
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
  async createOffer(): Promise<Description> {
    this.offers += 1;
    return { type: 'offer', sdp: this.#name };
  }
  async accept(description: Description): Promise<Description | null> {
    this.#accepted.push(description);
    if (description.type === 'offer') return { type: 'answer', sdp: this.#name };
    this.#events.connection('connected');
    this.#all.get(description.sdp)?.breaks('connected');
    return null;
  }
  async addCandidate(): Promise<void> {}
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
}
