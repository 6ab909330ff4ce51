/**
 * WebRTC's VP8 packetiser reads whether a frame is a key frame (and, if so, its size) from the frame's first bytes, which are ciphertext
 * here. So an encrypted frame travels behind a header of the same shape that says "key" or "delta" and nothing else; it is
 * authenticated as metadata. RFC 6386 section 9.1 has the layout: bit 0 of the first byte is 0 for a key frame, which is ten bytes long.
 */
const DELTA = Uint8Array.of(0x01);
/** A key frame of 640 × 480, whatever the real size is: decoders read that from the decrypted frame. */
const KEY = Uint8Array.of(0x10, 0x00, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01);

export const vp8HeaderFor = (isKeyFrame: boolean): Uint8Array => (isKeyFrame ? KEY : DELTA);

/** The header that a received frame begins with, and what follows. Undefined when the frame is too short to have both. */
export function splitVp8(bytes: Uint8Array): { header: Uint8Array; sealed: Uint8Array } | undefined {
  const [first] = bytes;
  if (first === undefined) return undefined;
  const size = (first & 1) === 1 ? DELTA.length : KEY.length;
  return bytes.length > size ? { header: bytes.subarray(0, size), sealed: bytes.subarray(size) } : undefined;
}

export function joinVp8(header: Uint8Array, sealed: Uint8Array): Uint8Array {
  const joined = new Uint8Array(header.length + sealed.length);
  joined.set(header);
  joined.set(sealed, header.length);
  return joined;
}
