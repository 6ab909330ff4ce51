import { isIP } from 'node:net';

const CANDIDATE_LINE = /^a=(candidate:.*)$/;
const IS_RELAYED = / typ relay( |$)/;
const ADDRESS_FIELD = 4;
const LOCAL_NAME = /^[0-9a-f-]+\.local$/i;
const RELATED_ADDRESS = / raddr \S+ rport \d+/;

/**
 * What a relay-only call says of a gathered candidate, or null for one that must stay here. Of a relayed one, werift names the address
 * that the relay sees as the related address (RFC 8839 section 5.1): the very address that a relay is to hide. As in a browser it becomes
 * 0.0.0.0, port 0. And where no relay is to be had, werift gathers the machine's own addresses in spite of its policy.
 */
export function relayedCandidate(candidate: string): string | null {
  return IS_RELAYED.test(candidate) ? candidate.replace(RELATED_ADDRESS, ' raddr 0.0.0.0 rport 0') : null;
}

/**
 * What is used of a candidate that the other side names, or null. A name is not looked up: whoever answers for it would see who asks, and
 * from where. One of the local network (RFC 8828 section 3.1.2.2), as browsers say them, is asked for by a call that shows addresses anyway.
 */
export function heardCandidate(candidate: string, isRelayOnly: boolean): string | null {
  const address = candidate.split(' ')[ADDRESS_FIELD] ?? '';
  return isIP(address) !== 0 || (!isRelayOnly && LOCAL_NAME.test(address)) ? candidate : null;
}

/** A description with its candidates as `change` wants them, or without; all other lines stay as they are. */
export function withCandidates(sdp: string, change: (candidate: string) => string | null): string {
  const lines = sdp.split('\r\n').flatMap((line) => {
    const candidate = CANDIDATE_LINE.exec(line)?.[1];
    if (candidate === undefined) return [line];
    const changed = change(candidate);
    return changed === null ? [] : [`a=${changed}`];
  });
  return lines.join('\r\n');
}
