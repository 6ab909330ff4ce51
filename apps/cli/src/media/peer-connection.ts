import type { IceServer } from '@rialto/client/calls';
import { RTCPeerConnection, RTCRtpCodecParameters } from 'werift';
import { SAMPLE_RATE } from './sound.ts';

/** The payload type that browsers give to Opus. */
export const OPUS_PAYLOAD_TYPE = 111;

/** A peer connection for voice. No header extensions: RTP headers are in the clear, and one of them would say how loud somebody speaks. */
export function voiceConnection(options: {
  readonly iceServers: readonly IceServer[];
  readonly isRelayOnly: boolean;
  readonly hostAddresses: readonly string[];
}): RTCPeerConnection {
  const opus = { mimeType: 'audio/opus', clockRate: SAMPLE_RATE, channels: 2, payloadType: OPUS_PAYLOAD_TYPE };
  return new RTCPeerConnection({
    codecs: { audio: [new RTCRtpCodecParameters(opus)], video: [] },
    headerExtensions: { audio: [], video: [] },
    iceServers: forWerift(options.iceServers),
    iceTransportPolicy: options.isRelayOnly ? 'relay' : 'all',
    iceAdditionalHostAddresses: options.isRelayOnly ? [] : [...options.hostAddresses],
    // An IPv6 address of a private machine says more about it than a call needs.
    iceUseIpv6: false,
    bundlePolicy: 'max-bundle',
  });
}

export const forWerift = (servers: readonly IceServer[]) =>
  servers.flatMap(({ urls, username, credential }) =>
    urls.map((each) => ({ urls: each, ...(username === undefined || credential === undefined ? {} : { username, credential }) })),
  );
