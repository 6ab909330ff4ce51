/** The part of WebRTC Extensions that TypeScript does not know yet (W3C, "RTP Header Extension Control"). */
interface ExtensionControl {
  getHeaderExtensionsToNegotiate(): { uri: string; direction: RTCRtpTransceiverDirection }[];
  setHeaderExtensionsToNegotiate(extensions: { uri: string; direction: RTCRtpTransceiverDirection }[]): void;
}
const LOUDNESS = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';

/** RTP headers are outside the frame's encryption, and one of them says how loud somebody speaks. */
export function hideLoudness(transceiver: RTCRtpTransceiver): void {
  if (!('setHeaderExtensionsToNegotiate' in transceiver)) return;
  const control = transceiver as RTCRtpTransceiver & ExtensionControl;
  const extensions = control.getHeaderExtensionsToNegotiate();
  // Hidden already, or the other side did not offer it.
  if (extensions.every(({ uri, direction }) => uri !== LOUDNESS || direction === 'stopped')) return;
  control.setHeaderExtensionsToNegotiate(
    extensions.map((each) => (each.uri === LOUDNESS ? { ...each, direction: 'stopped' } : each)),
  );
}
