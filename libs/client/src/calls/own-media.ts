import { AppError, type CallId } from '@rialto/contracts';
import { MediaError, type HeldDevices, type Media, type MediaEvents, type MediaSession } from './media-engine.ts';
import { openMedia } from './open-media.ts';
import type { CallPorts } from './ports.ts';

interface About {
  readonly callId: CallId;
  readonly media: Media;
  readonly events: MediaEvents;
}

/** This side's media of one call: devices that were asked for, then the session that has them. Closed media can be opened again. */
export class OwnMedia {
  readonly #ports: Pick<CallPorts, 'api' | 'engine' | 'hidesAddress'>;
  #devices: HeldDevices | undefined;
  #opening: Promise<MediaSession> | undefined;
  #session: MediaSession | undefined;
  #isHidden = false;
  /** Rises when it is closed, so that what comes too late knows it. */
  #round = 0;

  constructor(ports: Pick<CallPorts, 'api' | 'engine' | 'hidesAddress'>) {
    this.#ports = ports;
  }

  /** The open session. */
  get session(): MediaSession | undefined {
    return this.#session;
  }

  /** Asks the person for microphone and camera, and holds them until `open`. Throws `MediaError`. */
  async ask(media: Media): Promise<void> {
    const round = this.#round;
    const devices = await this.#ports.engine.askForDevices?.(media);
    if (round !== this.#round) {
      devices?.release();
      throw new MediaError('session-closed');
    }
    this.#devices = devices;
  }

  /** Opens the session once. Throws `MediaError`, `call-ended`, `not-reachable`; another try may find a microphone. */
  open(about: About): Promise<MediaSession> {
    const round = this.#round;
    this.#opening ??= this.#open(about).catch((error: unknown) => {
      if (round === this.#round) this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** The session, also when it is only being opened. Throws `session-closed` when there is none. */
  async live(): Promise<MediaSession> {
    if (this.#opening === undefined) throw new MediaError('session-closed');
    return this.#opening;
  }

  /**
   * Gives the session fresh relay credentials, before ICE restarts. Throws `not-reachable` when the two may see no address of each other any
   * more and this session shows one, `MediaError('no-relay')` when there is nothing left to hide behind.
   */
  async renewRelays(callId: CallId): Promise<void> {
    const { iceServers, isRelayOnly } = await this.#ports.api.getIceServers({ callId });
    if (isRelayOnly && !this.#isHidden) throw new AppError('not-reachable');
    if (this.#isHidden && iceServers.length === 0) throw new MediaError('no-relay');
    this.#session?.setIceServers(iceServers);
  }

  close(): void {
    this.#round += 1;
    // A session that never opened has told so whoever waited for it, and one that opens too late is closed then.
    this.#session?.close();
    this.#devices?.release();
    [this.#opening, this.#session, this.#devices] = [undefined, undefined, undefined];
  }

  async #open(about: About): Promise<MediaSession> {
    const [round, devices] = [this.#round, this.#devices];
    this.#devices = undefined;
    const { session, isHidden } = await openMedia(this.#ports, { ...about, devices });
    if (round !== this.#round) {
      session.close();
      throw new MediaError('session-closed');
    }
    this.#isHidden = isHidden;
    return (this.#session = session);
  }
}
