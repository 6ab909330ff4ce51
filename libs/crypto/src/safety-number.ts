import sodium from 'libsodium-wrappers';
import { concat, utf8, Writer } from './encoding.ts';
import { fromBase64url, HASH_BYTES } from './primitives.ts';
import { PUBLIC_KEY_BYTES } from './signature.ts';

export type SafetyParty = { account: string; rootKey: Uint8Array };

const GROUPS_A_SIDE = 6;
const DIGITS_A_GROUP = 5;
const BYTES_A_GROUP = 5;

/**
 * The 60 digits that two people compare, in twelve groups of five; both see the same. Each side is 30 digits of
 * SHA-512("rialto/safety-number/v1" ‖ 0x00 ‖ account id ‖ root key): six times five bytes, big-endian, modulo 100,000. The side
 * that sorts first comes first, so it does not matter who asks. One side is about 99 bits, and an account id is itself a hash of
 * the chain's first entry, so nobody finds a second account for one side. Throws `EncodingError` on an id that is none.
 */
export function safetyNumber(mine: SafetyParty, theirs: SafetyParty): string {
  return [side(mine), side(theirs)].toSorted().join(' ');
}

function side({ account, rootKey }: SafetyParty): string {
  if (rootKey.length !== PUBLIC_KEY_BYTES) throw new Error('a root key has 32 bytes');
  const input = new Writer().fixed(fromBase64url(account, HASH_BYTES)).fixed(rootKey).finish();
  const digest = sodium.crypto_hash(concat(utf8('rialto/safety-number/v1\0'), input));
  return Array.from({ length: GROUPS_A_SIDE }, (_unused, group) => {
    const bytes = digest.subarray(group * BYTES_A_GROUP, (group + 1) * BYTES_A_GROUP);
    const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
    return String(value % 10 ** DIGITS_A_GROUP).padStart(DIGITS_A_GROUP, '0');
  }).join(' ');
}
