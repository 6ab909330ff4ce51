import type { CallId } from '@rialto/contracts';
import { ready } from '@rialto/crypto';
import { BrowserMediaEngine } from '../../src/browser/media.ts';
import type { IceServer, MediaEvents, MediaSession } from '../../src/calls/media-engine.ts';
import { Negotiation } from '../../src/calls/negotiation.ts';
import type { CallPorts } from '../../src/calls/ports.ts';
import { bareSession } from './bare.ts';
import { deviceOf, HarnessConversation } from './conversation.ts';
import type { HarnessSurface, OpenOptions } from './surface.ts';

declare global {
  interface Window {
    harness: HarnessSurface;
    /** Given by the test: carries bytes to the other page. */
    deliver(bytes: string): Promise<void>;
  }
}

/** One side of a call in one page, driven by a test. */
class Harness implements HarnessSurface {
  readonly log: string[] = [];
  readonly times: Record<string, number> = {};
  conversation: HarnessConversation | undefined;
  #session: MediaSession | undefined;
  #negotiation: Negotiation | undefined;
  #early: string[] = [];
  #isClosed = false;

  engineProblem(): string | null {
    try {
      new BrowserMediaEngine().check();
      return null;
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  }

  async prepare(options: OpenOptions): Promise<void> {
    await ready();
    this.conversation = new HarnessConversation(options);
    const events: MediaEvents = {
      candidate: (candidate) => this.#negotiation?.handleLocalCandidate(candidate),
      connection: (state) => {
        this.#note(`connection ${state}`);
        if (state === 'connected') this.#negotiation?.handleConnected();
      },
      firstFrame: (kind) => this.#note(`first ${kind} frame`),
      unknownEpoch: () => {
        this.#note('unknown epoch');
        this.#negotiation?.keys.handleUnknownEpoch();
      },
      refusedTrack: (mid) => this.#note(`refused track ${mid}`),
      tracks: () => this.#show(),
    };
    const { iceServers, isRelayOnly } = options;
    this.#session = options.isBare
      ? bareSession(events)
      : await new BrowserMediaEngine().open({ iceServers, isRelayOnly, events });
    if (options.forgetsAnnouncements) this.#session.expect = () => {};
    await this.#session.addLocal(options.media);
    // While it rings there is time enough for the worker to start.
    if (!options.isBare) await this.#session.stats();
  }

  async connect({ name, isCaller }: OpenOptions): Promise<void> {
    const api = { sendSignal: async ({ bytes }: { bytes: string }) => window.deliver(bytes) };
    const ports = {
      api: api as unknown as CallPorts['api'],
      surroundings: {
        now: () => Date.now(),
        after: (delayMs: number, run: () => void) => {
          const timer = setTimeout(run, delayMs);
          return () => clearTimeout(timer);
        },
        random: (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes)),
      },
      report: ({ code, cause }: { code: string; cause?: unknown }) =>
        this.#note(`problem ${code} ${cause instanceof Error ? cause.message : ''}`),
    };
    if (this.#session === undefined || this.conversation === undefined) throw new Error('prepare first');
    this.times['started'] = now();
    void this.#watchDecoder();
    this.#negotiation = new Negotiation({
      callId: 'cal_AAAAAAAAAAAAAAAAAAAAAA' as unknown as CallId,
      peerDevice: deviceOf(name === 'ana' ? 'ben' : 'ana'),
      isCaller,
      conversation: this.conversation,
      session: this.#session,
      ports,
      gaveUp: ({ code }) => this.#note(`gave up ${code}`),
    });
    await this.#negotiation.start();
    for (const bytes of this.#early.splice(0)) await this.receive(bytes);
  }

  async receive(bytes: string): Promise<void> {
    if (this.#negotiation === undefined) this.#early.push(bytes);
    else await this.#negotiation.handleSignal({ bytes });
  }

  async stats() {
    return this.#session?.stats();
  }
  async upgrade(): Promise<void> {
    await this.#session?.addLocal('video');
    await this.#negotiation?.offer();
  }
  async restartIce(iceServers: readonly IceServer[]): Promise<void> {
    this.#session?.setIceServers(iceServers);
    await this.#negotiation?.offer({ restartIce: true });
  }
  enterEpoch(epoch: number): void {
    this.conversation?.enter(epoch);
  }
  setLogEpoch(epoch: number): void {
    if (this.conversation) this.conversation.logEpoch = epoch;
  }
  close(): void {
    this.#isClosed = true;
    this.#negotiation?.close();
    this.#session?.close();
  }

  #note(event: string): void {
    this.log.push(event);
    this.times[event] ??= now();
  }

  #show(): void {
    for (const track of this.#session?.remoteTracks ?? []) this.#watch(track as MediaStreamTrack);
  }

  readonly #watched = new Set<string>();
  /** Plays a track, so that what is decoded is also used. */
  #watch(track: MediaStreamTrack): void {
    if (this.#watched.has(track.id)) return;
    this.#watched.add(track.id);
    const element = document.createElement('video');
    element.muted = track.kind === 'video';
    element.srcObject = new MediaStream([track]);
    document.body.append(element);
    void element.play();
  }

  /** Notes when the first frame was decoded; a callback of the video element would also come for the black of a track that is still off. */
  async #watchDecoder(): Promise<void> {
    for (
      ;
      this.times['decoded'] === undefined && !this.#isClosed;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    ) {
      for (const connection of connections) {
        (await connection.getStats()).forEach((entry: { type: string; framesDecoded?: number }) => {
          if (entry.type === 'inbound-rtp' && (entry.framesDecoded ?? 0) > 0) this.times['decoded'] ??= now();
        });
      }
    }
  }
}

const LOOK_EVERY_MS = 4;
/** Every peer connection of the page, whoever made it. */
const connections = new Set<RTCPeerConnection>();
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration?: RTCConfiguration) {
    super(configuration);
    connections.add(this);
  }
};
const now = (): number => performance.timeOrigin + performance.now();
window.harness = new Harness();
