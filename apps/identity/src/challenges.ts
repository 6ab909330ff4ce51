import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { CHALLENGE_LIFETIME_MS } from '@rialto/contracts';

const RANDOM_BYTES = 16;
const TIME_BYTES = 8;
const MAC_BYTES = 16;
const NONCE = new RegExp(`^[A-Za-z0-9_-]{${Math.ceil(((TIME_BYTES + RANDOM_BYTES + MAC_BYTES) * 4) / 3)}}$`);

/**
 * Nonces that the server recognises without having stored them: `expiry ‖ random ‖ HMAC`. So anybody may ask for one and nothing
 * grows; only those that opened a session are remembered until they expire. All replicas share the key.
 */
export class Challenges {
  readonly #key: Buffer;
  /** `secret` is the token key's seed; the challenges' own key is derived from it (HMAC as a PRF with a label). */
  constructor(secret: Uint8Array) {
    this.#key = createHmac('sha512', secret).update('rialto/challenge/v1').digest();
  }

  create(nowMs: number): { nonce: string; expiresAtMs: number } {
    const expiresAtMs = nowMs + CHALLENGE_LIFETIME_MS;
    const time = Buffer.alloc(TIME_BYTES);
    time.writeBigUInt64BE(BigInt(expiresAtMs));
    const body = Buffer.concat([time, randomBytes(RANDOM_BYTES)]);
    return { nonce: Buffer.concat([body, this.#mac(body)]).toString('base64url'), expiresAtMs };
  }

  /** When the nonce expires, in Unix milliseconds; undefined when it is not ours, or over already. */
  expiryOf(nonce: string, nowMs: number): number | undefined {
    const bytes = Buffer.from(nonce, 'base64url');
    if (!NONCE.test(nonce) || bytes.toString('base64url') !== nonce) return undefined;
    const body = bytes.subarray(0, TIME_BYTES + RANDOM_BYTES);
    if (!timingSafeEqual(this.#mac(body), bytes.subarray(TIME_BYTES + RANDOM_BYTES))) return undefined;
    const expiresAtMs = Number(body.readBigUInt64BE(0));
    return expiresAtMs > nowMs ? expiresAtMs : undefined;
  }

  #mac(body: Buffer): Buffer {
    return createHmac('sha512', this.#key).update(body).digest().subarray(0, MAC_BYTES);
  }
}
