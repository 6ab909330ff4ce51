import { SframeError } from './sframe-error.ts';

/** RFC 9605 section 4.5's suites with a 16-byte tag: AES-128-GCM with SHA-256 (4), and AES-256-GCM with SHA-512 (5). */
export type SframeSuite = 4 | 5;
type CryptoKeyHandle = Awaited<ReturnType<typeof crypto.subtle.importKey>>;
export type SframeKey = { kid: bigint; suite: SframeSuite; aead: CryptoKeyHandle; salt: Uint8Array };

export const NONCE_BYTES = 12;
export const TAG_BITS = 128;
const SUITES = { 4: { keyBytes: 16, digest: 'SHA-256' }, 5: { keyBytes: 32, digest: 'SHA-512' } } as const;

/** Key and salt for one key id, RFC 9605 section 4.4.2. The key cannot be exported again. */
export async function deriveSframeKey(baseKey: Uint8Array, kid: bigint, suite: SframeSuite): Promise<SframeKey> {
  const { keyBytes } = SUITES[suite];
  const secret = await deriveSframeSecret(baseKey, kid, suite);
  const aead = await crypto.subtle.importKey('raw', new Uint8Array(secret.key), 'AES-GCM', false, ['encrypt', 'decrypt']);
  if (secret.key.length !== keyBytes) throw new SframeError('out-of-range');
  secret.key.fill(0);
  return { kid, suite, aead, salt: secret.salt };
}

/** The bytes behind `deriveSframeKey`. */
export async function deriveSframeSecret(
  baseKey: Uint8Array,
  kid: bigint,
  suite: SframeSuite,
): Promise<{ key: Uint8Array; salt: Uint8Array }> {
  const { keyBytes, digest } = SUITES[suite];
  const hkdf = await crypto.subtle.importKey('raw', new Uint8Array(baseKey), 'HKDF', false, ['deriveBits']);
  const expand = async (label: string, bytes: number) => {
    const info = labelled(label, kid, suite);
    return new Uint8Array(
      await crypto.subtle.deriveBits({ name: 'HKDF', hash: digest, salt: new Uint8Array(), info }, hkdf, bytes * 8),
    );
  };
  const [key, salt] = await Promise.all([
    expand('SFrame 1.0 Secret key ', keyBytes),
    expand('SFrame 1.0 Secret salt ', NONCE_BYTES),
  ]);
  return { key, salt };
}

function labelled(label: string, kid: bigint, suite: SframeSuite): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(label);
  const info = new Uint8Array(text.length + 10);
  info.set(text);
  const numbers = new DataView(info.buffer, text.length);
  numbers.setBigUint64(0, kid);
  numbers.setUint16(8, suite);
  return info;
}
