import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { importJWK, SignJWT } from 'jose';
import { TOKEN_LIFETIME_MS, type AccountId, type DeviceId, type SignaturePurpose, type SignedBody } from '@rialto/contracts';
import { newSigningKey, ready, sign, type SigningKey } from '@rialto/crypto/server';
import { TOKEN_ALGORITHM, TOKEN_AUDIENCE } from '../tokens.ts';

/** Identity's key in tests: known to everybody, so worth nothing elsewhere. Both as base64url of 32 bytes. */
const seed = Buffer.alloc(32, 7);
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
export const testTokenKeys = { privateKey: seed.toString('base64url'), publicKey: x } as const;

export interface TestTokenOptions {
  readonly accountId: string;
  readonly deviceId: string;
  readonly deviceKey: Uint8Array;
  readonly chainSeq?: number;
  readonly livesMs?: number;
  readonly audience?: string;
  /** Another issuer's seed, 32 bytes as base64url. */
  readonly issuerSeed?: string;
}

/** A token as identity makes it. */
export async function testToken(options: TestTokenOptions): Promise<string> {
  const { accountId, deviceId, deviceKey, chainSeq = 0, livesMs = TOKEN_LIFETIME_MS, audience = TOKEN_AUDIENCE } = options;
  const d = options.issuerSeed ?? testTokenKeys.privateKey;
  const issuer = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, Buffer.from(d, 'base64url')]),
    format: 'der',
    type: 'pkcs8',
  });
  const key = await importJWK(
    { kty: 'OKP', crv: 'Ed25519', d, x: createPublicKey(issuer).export({ format: 'jwk' }).x ?? '' },
    TOKEN_ALGORITHM,
  );
  return new SignJWT({ dev: deviceId, dk: Buffer.from(deviceKey).toString('base64url'), seq: chainSeq })
    .setProtectedHeader({ alg: TOKEN_ALGORITHM })
    .setSubject(accountId)
    .setAudience(audience)
    .setExpirationTime(Math.floor((Date.now() + livesMs) / 1_000))
    .sign(key);
}

export interface TestDevice {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly key: SigningKey;
  readonly token: string;
  /** The body of a `device-signed` operation. */
  signedBody(purpose: SignaturePurpose, input: object): SignedBody;
}

/** A device with a key and a valid token. Its account exists only in the token: services that look it up will not find it. */
export async function testDevice(accountId: string = randomBytes(32).toString('base64url')): Promise<TestDevice> {
  await ready();
  const deviceId = randomBytes(16).toString('base64url');
  const key = newSigningKey();
  const token = await testToken({ accountId, deviceId, deviceKey: key.publicKey });
  const signedBody = (purpose: SignaturePurpose, input: object): SignedBody => {
    const bytes = new TextEncoder().encode(JSON.stringify(input));
    const signature = sign(purpose, bytes, key.privateKey);
    return { signed: Buffer.from(bytes).toString('base64url'), signature: Buffer.from(signature).toString('base64url') };
  };
  return { accountId: accountId as AccountId, deviceId: deviceId as DeviceId, key, token, signedBody };
}
