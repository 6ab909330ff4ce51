import type { IceServer } from '@rialto/client/calls';
import { RTCPeerConnection, RTCRtpCodecParameters } from 'werift';
import { SAMPLE_RATE } from './sound.ts';

/** The payload type that browsers give to Opus. */
export const OPUS_PAYLOAD_TYPE = 111;

/** How long a server may take to tell this machine the address that it sees. */
const STUN_WAIT_S = 1;
/** The discard port of this machine: nobody answers, and nothing leaves. */
const NO_STUN = 'stun:127.0.0.1:9';
const RELAY = /^turns?:([^?]+)/;

/**
 * A peer connection for voice. No header extensions: RTP headers are in the clear, and one of them would say how loud somebody speaks.
 * Behind a relay it has no address of its own at all, so there is no socket from which werift could send to the other side: left to its
 * policy alone it takes the machine's own as soon as no relay is to be had.
 */
export function voiceConnection(options: {
  readonly iceServers: readonly IceServer[];
  readonly isRelayOnly: boolean;
  readonly hostAddresses: readonly string[];
}): RTCPeerConnection {
  const opus = { mimeType: 'audio/opus', clockRate: SAMPLE_RATE, channels: 2, payloadType: OPUS_PAYLOAD_TYPE };
  const iceServers = forWerift(options.iceServers);
  return new RTCPeerConnection({
    codecs: { audio: [new RTCRtpCodecParameters(opus)], video: [] },
    headerExtensions: { audio: [], video: [] },
    iceServers,
    iceTransportPolicy: options.isRelayOnly ? 'relay' : 'all',
    iceAdditionalHostAddresses: options.isRelayOnly ? [] : [...options.hostAddresses],
    iceUseIpv4: !options.isRelayOnly,
    // An IPv6 address of a private machine says more about it than a call needs.
    iceUseIpv6: false,
    iceStunGatherTimeout: iceServers[0]?.urls === NO_STUN ? 0 : STUN_WAIT_S,
    bundlePolicy: 'max-bundle',
  });
}

/** Whether there is a relay among the servers that werift can ask for one. */
export const hasRelay = (servers: readonly IceServer[]): boolean =>
  servers.some((server) => server.urls.some((url) => RELAY.test(url)) && hasPassword(server));

/**
 * Servers as werift takes them. Where none is named for STUN it asks one of Google's, from every address of the machine. So one is always
 * named: a relay answers STUN as well (RFC 8656 section 3.1), and without a relay it is one that does not exist.
 */
export function forWerift(servers: readonly IceServer[]) {
  const all = servers.flatMap((server) => {
    const { username, credential } = server;
    return server.urls
      .filter((url) => !RELAY.test(url) || hasPassword(server))
      .map((urls) => ({ urls, ...(username === undefined || credential === undefined ? {} : { username, credential }) }));
  });
  const relay = all.map(({ urls }) => /^turn:([^?]+)/.exec(urls)?.[1]).find((address) => address !== undefined);
  return [{ urls: relay === undefined ? NO_STUN : `stun:${relay}` }, ...all];
}

const hasPassword = ({ username, credential }: IceServer): boolean => username !== undefined && credential !== undefined;
