import type { Media } from '../../src/calls/media-engine.ts';

export type BareSignal = { readonly description: RTCSessionDescriptionInit } | { readonly candidate: RTCIceCandidateInit };

/** A WebRTC call without frame encryption, for comparison only: it lives in the test's page and nowhere else. */
export function bareCall(media: Media, watch: (track: MediaStreamTrack) => void) {
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const waiting: RTCIceCandidateInit[] = [];
  pc.onicecandidate = ({ candidate }) => void (candidate && window.deliverBare({ candidate: candidate.toJSON() }));
  pc.ontrack = ({ track }) => watch(track);
  const describe = async () => {
    const { type, sdp } = pc.localDescription ?? {};
    if (type !== undefined && sdp !== undefined) await window.deliverBare({ description: { type, sdp } });
  };
  return {
    async prepare(): Promise<void> {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: media === 'video' });
      for (const track of stream.getTracks()) pc.addTrack(track, stream);
    },
    async offer(): Promise<void> {
      for (const transceiver of pc.getTransceivers()) onlyVp8(transceiver);
      await pc.setLocalDescription();
      await describe();
    },
    async receive(signal: BareSignal): Promise<void> {
      if ('candidate' in signal) {
        if (pc.remoteDescription) await pc.addIceCandidate(signal.candidate);
        else waiting.push(signal.candidate);
        return;
      }
      await pc.setRemoteDescription(signal.description);
      for (const candidate of waiting.splice(0)) await pc.addIceCandidate(candidate);
      if (signal.description.type !== 'offer') return;
      await pc.setLocalDescription();
      await describe();
    },
    close: () => pc.close(),
  };
}

/** The codecs of the encrypted call, so that only the encryption differs. */
function onlyVp8(transceiver: RTCRtpTransceiver): void {
  const { kind } = transceiver.receiver.track;
  const allowed = kind === 'video' ? ['video/VP8', 'video/rtx'] : ['audio/opus'];
  transceiver.setCodecPreferences(
    RTCRtpReceiver.getCapabilities(kind)?.codecs.filter(({ mimeType }) => allowed.includes(mimeType)) ?? [],
  );
}
