import * as limits from './limits.ts';

/** Bytes travel as base64url. */
const carried = (bytes: number) => Math.ceil((bytes * 4) / 3);
/** Ids, names and punctuation beside the bytes of the largest call. */
const ROOM_BYTES = 16_384;

test('the largest bundle of a commit fits a body, a frame and a message between the services', () => {
  const largest = carried(limits.MAX_COMMIT_BUNDLE_BYTES) + ROOM_BYTES;
  expect(largest).toBeLessThanOrEqual(limits.MAX_HTTP_BODY_BYTES);
  expect(largest).toBeLessThanOrEqual(limits.MAX_SOCKET_FRAME_BYTES);
  expect(limits.MAX_HTTP_BODY_BYTES).toBeLessThan(limits.MAX_NATS_PAYLOAD_BYTES);
  expect(limits.MAX_SOCKET_FRAME_BYTES).toBeLessThan(limits.MAX_NATS_PAYLOAD_BYTES);
});

test('one call of key packages fits, and a device may store what it may upload', () => {
  const upload = carried(limits.MAX_KEY_PACKAGE_BYTES) * (limits.MAX_KEY_PACKAGES_PER_CALL + 1) + ROOM_BYTES;
  expect(upload).toBeLessThanOrEqual(limits.MAX_HTTP_BODY_BYTES);
  expect(limits.MAX_KEY_PACKAGES_PER_CALL).toBeLessThanOrEqual(limits.MAX_KEY_PACKAGES_STORED);
  expect(limits.LOW_KEY_PACKAGES).toBeLessThan(limits.MAX_KEY_PACKAGES_PER_CALL);
});

test('a chain that is full of devices fits its limit', () => {
  expect(limits.MAX_CHAIN_ENTRY_BYTES).toBeLessThan(limits.MAX_CHAIN_BYTES);
  expect(limits.MAX_CHAIN_BYTES / limits.MAX_CHAIN_ENTRY_BYTES).toBeGreaterThanOrEqual(2 * limits.MAX_DEVICES_PER_ACCOUNT);
});

test('a call rings within its invite, is tried again within its patience, and a token outlives a challenge', () => {
  expect(limits.CALL_RING_TIMEOUT_MS).toBeLessThan(limits.CALL_INVITE_TIMEOUT_MS);
  expect(limits.CALL_STALL_MS).toBeLessThan(limits.CALL_GIVE_UP_MS);
  expect(limits.CALL_GIVE_UP_MS).toBeLessThan(limits.TURN_CREDENTIAL_LIFETIME_MS);
  expect(limits.CHALLENGE_LIFETIME_MS).toBeLessThan(limits.TOKEN_LIFETIME_MS);
  expect(limits.SOCKET_HEARTBEAT_MS).toBeLessThan(limits.SOCKET_RESUME_MS);
});

test('every limit is a whole number above zero', () => {
  for (const [name, value] of Object.entries(limits))
    expect([name, Number.isSafeInteger(value), value > 0]).toEqual([name, true, true]);
});
