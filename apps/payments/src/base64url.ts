/**
 * Public bytes (hashes, salts, intents) as base64url. libsodium's encoder takes the same time whatever the bytes are, as secrets need; through
 * it a receipt's two hashes took a fifteenth of this process's time for a transfer.
 */
export const base64urlOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
