import { randomBytes } from 'node:crypto';
import { MEDIA_INSTANCE_BYTES, type Description, type MediaEngine, type MediaEvents, type MediaSession } from '@rialto/client';

/**
 * A media engine without media: what it says of its network is a text of the test's, and it counts as connected once both have spoken.
 * Ringing, sealing, relaying and opening of what it says are the client's own and real.
 */
export class ScriptedMedia implements MediaEngine {
  readonly #words: string;
  /** What the other side's engine said, as it came out of the seal. */
  readonly heard: string[] = [];
  constructor(words: string) {
    this.#words = words;
  }

  check(): void {}
  async open({ events }: { events: MediaEvents }): Promise<MediaSession> {
    return session(this.#words, this.heard, events);
  }
}

function session(words: string, heard: string[], events: MediaEvents): MediaSession {
  const describe = (type: Description['type']): Description => {
    events.candidate({ candidate: `candidate:1 1 udp 1 ${words} 9 typ host`, sdpMid: '0', sdpMLineIndex: 0 });
    return { type, sdp: `v=0\r\na=note:${words}\r\n` };
  };
  return {
    instance: new Uint8Array(randomBytes(MEDIA_INSTANCE_BYTES)),
    localTracks: [],
    remoteTracks: [],
    addLocal: async () => {},
    announcement: () => ({
      instance: new Uint8Array(randomBytes(MEDIA_INSTANCE_BYTES)),
      tracks: [{ mid: '0', kind: 'audio', number: 0 }],
    }),
    expect: () => {},
    setSendKey: async () => {},
    addReceiveKey: async () => {},
    stopSending: () => {},
    createOffer: async () => describe('offer'),
    accept: async ({ type, sdp }) => {
      heard.push(sdp);
      setTimeout(() => events.connection('connected'), 0);
      return type === 'offer' ? describe('answer') : null;
    },
    addCandidate: async ({ candidate }) => void heard.push(candidate),
    setIceServers: () => {},
    setMuted: () => {},
    setCamera: async () => {},
    stats: async () => {
      throw new Error('there is nothing to measure');
    },
    close: () => {},
  };
}
