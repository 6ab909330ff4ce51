import { CALL_STALL_MS } from '@rialto/contracts';
import { watchFlow, type WatchedState } from './media-stats.ts';

const LOOK_MS = 300;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A peer connection of which only the state and the bytes that came are known. */
function watched() {
  const pc = { connectionState: 'new', onconnectionstatechange: null as (() => void) | null, bytes: 0 };
  const getStats = async () => new Map([['in', { id: 'in', type: 'inbound-rtp', bytesReceived: pc.bytes }]]);
  const told: WatchedState[] = [];
  const stop = watchFlow(Object.assign(pc, { getStats }) as unknown as RTCPeerConnection, (state) => told.push(state));
  const become = (state: string) => {
    pc.connectionState = state;
    pc.onconnectionstatechange?.();
  };
  return { pc, told, stop, become };
}

test('silence is a stall after its time and not before, and what comes then ends it', async () => {
  const { pc, told, stop, become } = watched();
  become('connected');
  for (let i = 0; i < 20; i += 1) {
    pc.bytes += 100;
    await jest.advanceTimersByTimeAsync(LOOK_MS);
  }
  expect(told).toEqual(['connected']);
  await jest.advanceTimersByTimeAsync(CALL_STALL_MS - LOOK_MS);
  expect(told).toEqual(['connected']);
  await jest.advanceTimersByTimeAsync(2 * LOOK_MS);
  expect(told).toEqual(['connected', 'stalled']);
  pc.bytes += 100;
  await jest.advanceTimersByTimeAsync(LOOK_MS);
  expect(told).toEqual(['connected', 'stalled', 'connected']);
  stop();
});
