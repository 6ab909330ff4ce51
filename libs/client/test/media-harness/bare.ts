import { CAMERA, MICROPHONE } from '../../src/browser/media.ts';
import type { Media, MediaEvents, MediaSession } from '../../src/calls/media-engine.ts';

const CODECS: Readonly<Record<string, readonly string[]>> = { audio: ['audio/opus'], video: ['video/VP8', 'video/rtx'] };

/** A session without frame encryption, for comparison only: it lives in the test's page and nowhere else. All else is as in the real one. */
export function bareSession(events: MediaEvents): MediaSession {
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const remote: MediaStreamTrack[] = [];
  pc.onicecandidate = ({ candidate }) => {
    if (candidate === null || candidate.candidate === '') return;
    const { sdpMid, sdpMLineIndex } = candidate;
    events.candidate({ candidate: candidate.candidate, sdpMid, sdpMLineIndex });
  };
  pc.ontrack = ({ track }) => {
    remote.push(track);
    events.tracks();
  };
  const limit = () => {
    for (const transceiver of pc.getTransceivers()) {
      const { kind } = transceiver.receiver.track;
      const codecs = RTCRtpReceiver.getCapabilities(kind)?.codecs.filter(({ mimeType }) => CODECS[kind]?.includes(mimeType));
      transceiver.setCodecPreferences(codecs ?? []);
    }
  };
  return {
    instance: new Uint8Array(16),
    localTracks: [],
    remoteTracks: remote,
    async addLocal(media: Media) {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: MICROPHONE, video: media === 'video' && CAMERA });
      for (const track of stream.getTracks()) pc.addTrack(track, stream);
    },
    announcement: () => ({ instance: new Uint8Array(16), tracks: [] }),
    expect() {},
    async setSendKey() {},
    async addReceiveKey() {},
    stopSending() {},
    async createOffer() {
      limit();
      const offer = await pc.createOffer();
      await pc.setLocalDescription(offer);
      return { type: 'offer', sdp: offer.sdp ?? '' };
    },
    async accept(description) {
      await pc.setRemoteDescription(description);
      if (description.type === 'answer') return null;
      limit();
      const answer = await pc.createAnswer();
      await pc.setLocalDescription(answer);
      return { type: 'answer', sdp: answer.sdp ?? '' };
    },
    addCandidate: (candidate) => pc.addIceCandidate(candidate),
    setIceServers() {},
    setMuted() {},
    async setCamera() {},
    async stats() {
      throw new Error('nothing is counted here');
    },
    close: () => pc.close(),
  };
}
