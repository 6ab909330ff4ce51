import { randomBytes } from 'node:crypto';
import { testToken } from '@rialto/service/testing';
import type { Device } from './person.ts';

/** Tokens that must not work. The one that has expired is signed by this installation's own key, so that time alone is against it. */
const expiredToken = (device: Device): Promise<string> =>
  mint(device, { livesMs: -60_000, issuerSeed: device.person.system.secrets.tokenKey.seed });
const foreignToken = (device: Device): Promise<string> => mint(device, { issuerSeed: randomBytes(32).toString('base64url') });
const otherAudience = (device: Device): Promise<string> =>
  mint(device, { audience: 'somewhere-else', issuerSeed: device.person.system.secrets.tokenKey.seed });

const mint = (device: Device, how: { livesMs?: number; audience?: string; issuerSeed: string }): Promise<string> =>
  testToken({ accountId: device.person.id, deviceId: device.id, deviceKey: device.deviceKey.publicKey, chainSeq: 0, ...how });

/** `alg: none`, the oldest trick with such tokens (RFC 8725, section 2.1). */
function unsignedToken(token: string): string {
  const [, payload = ''] = token.split('.');
  return `${Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')}.${payload}.`;
}

function changedToken(token: string): string {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { exp: number };
  const later = Buffer.from(JSON.stringify({ ...claims, exp: claims.exp + 3_600 })).toString('base64url');
  return `${header}.${later}.${signature}`;
}

export interface BadToken {
  readonly name: string;
  readonly token: string | undefined;
  readonly code: 'unauthenticated' | 'token-expired' | 'device-revoked';
  /** Of the socket that identifies itself with it. */
  readonly close: 4002 | 4003;
}

/** Every token that is refused wherever a token is needed, with the code that says why. `revoked` was revoked before. */
export async function badTokens(device: Device, revoked: Device): Promise<BadToken[]> {
  const unauthenticated = { code: 'unauthenticated', close: 4002 } as const;
  return [
    { name: 'garbage', token: 'garbage', ...unauthenticated },
    { name: 'a token of another issuer', token: await foreignToken(device), ...unauthenticated },
    { name: 'a token for another audience', token: await otherAudience(device), ...unauthenticated },
    { name: 'a token without a signature', token: unsignedToken(device.token), ...unauthenticated },
    { name: 'a token that was changed', token: changedToken(device.token), ...unauthenticated },
    { name: 'a token that has expired', token: await expiredToken(device), code: 'token-expired', close: 4002 },
    { name: 'a revoked device', token: revoked.token, code: 'device-revoked', close: 4003 },
  ];
}
