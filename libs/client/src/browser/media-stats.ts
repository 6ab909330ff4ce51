import { CALL_STALL_MS } from '@rialto/contracts';
import type { MediaStats } from '../calls/media-engine.ts';

const LOOK_EVERY_MS = 300;

export type WatchedState = 'connected' | 'stalled' | 'failed';

/**
 * Watches whether anything arrives. The browser notices a dead path only after seconds, so silence of `CALL_STALL_MS` counts as a stall:
 * a muted microphone still sends. Returns how to stop.
 */
export function watchFlow(pc: RTCPeerConnection, tell: (state: WatchedState) => void): () => void {
  let bytes = -1;
  let movedAt = performance.now();
  let state: WatchedState | 'new' = 'new';
  const become = (next: WatchedState) => {
    if (state === next) return;
    state = next;
    tell(next);
  };
  const look = async () => {
    if (pc.connectionState === 'closed') return;
    const received = readStats(await pc.getStats()).bytesReceived;
    const now = performance.now();
    if (received !== bytes) {
      if (bytes >= 0 && state === 'stalled' && pc.connectionState === 'connected') become('connected');
      bytes = received;
      movedAt = now;
    } else if (state === 'connected' && now - movedAt >= CALL_STALL_MS) become('stalled');
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  pc.onconnectionstatechange = () => {
    movedAt = performance.now();
    if (pc.connectionState === 'connected') become('connected');
    if (pc.connectionState === 'failed') {
      become('stalled');
      become('failed');
      state = 'stalled';
    }
  };
  return () => {
    clearInterval(timer);
    pc.onconnectionstatechange = null;
  };
}

type Entry = Record<string, unknown> & { id: string; type: string };
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** The figures that Rialto shows, from a browser's report. */
export function readStats(report: RTCStatsReport): Omit<MediaStats, 'connectedMs' | 'framesOpened' | 'framesRefused'> {
  const entries: Entry[] = [];
  report.forEach((entry: Entry) => entries.push(entry));
  const inbound = entries.filter(({ type }) => type === 'inbound-rtp');
  const sum = (of: readonly Entry[], name: string) => of.reduce((total, entry) => total + numberOf(entry[name]), 0);
  const transport = entries.find(({ type }) => type === 'transport');
  const pair = entries.find(({ id }) => id === transport?.['selectedCandidatePairId']);
  const ends = ['localCandidateId', 'remoteCandidateId'].map(
    (end) => entries.find(({ id }) => id === pair?.[end])?.['candidateType'],
  );
  const [local] = ends;
  const roundTrip = pair?.['currentRoundTripTime'];
  return {
    roundTripMs: typeof roundTrip === 'number' ? Math.round(roundTrip * 1_000) : null,
    bytesSent: sum(
      entries.filter(({ type }) => type === 'outbound-rtp'),
      'bytesSent',
    ),
    bytesReceived: sum(inbound, 'bytesReceived'),
    packetsLost: sum(inbound, 'packetsLost'),
    audioEnergy: sum(inbound, 'totalAudioEnergy'),
    framesDecoded: sum(inbound, 'framesDecoded'),
    // What either end relays is relayed.
    path: ends.includes('relay') ? 'relay' : typeof local === 'string' ? local : null,
  };
}
