const CANDIDATE_LINE = /^a=(candidate:.*)$/;
const IS_RELAYED = / typ relay( |$)/;
const RELATED_ADDRESS = / raddr \S+ rport \d+/;

/**
 * What a relay-only call says of a gathered candidate, or null for one that must stay here. Of a relayed one, werift names the address
 * that the relay sees as the related address (RFC 8839 section 5.1): the very address that a relay is to hide. As in a browser it becomes
 * 0.0.0.0, port 0. And where no relay is to be had, werift gathers the machine's own addresses in spite of its policy.
 */
export function relayedCandidate(candidate: string): string | null {
  return IS_RELAYED.test(candidate) ? candidate.replace(RELATED_ADDRESS, ' raddr 0.0.0.0 rport 0') : null;
}

/** The same for every candidate of a description; all other lines stay as they are. */
export function relayedSdp(sdp: string): string {
  const lines = sdp.split('\r\n').flatMap((line) => {
    const candidate = CANDIDATE_LINE.exec(line)?.[1];
    if (candidate === undefined) return [line];
    const said = relayedCandidate(candidate);
    return said === null ? [] : [`a=${said}`];
  });
  return lines.join('\r\n');
}
