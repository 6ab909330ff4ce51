import { createPrivateKey, type KeyObject } from 'node:crypto';
import { TOKEN_LIFETIME_MS } from '@rialto/contracts';
import { TOKEN_ALGORITHM, TOKEN_AUDIENCE } from '@rialto/service';
import { SignJWT } from 'jose';

/** RFC 8410's frame around an Ed25519 seed. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface TokenSubject {
  readonly accountId: string;
  readonly deviceId: string;
  readonly deviceKey: Buffer;
  readonly chainSeq: number;
}

/** Signs what every service lets a device in with: a JWT (RFC 7519) with EdDSA (RFC 8037), valid for five minutes. */
export class Tokens {
  readonly #key: KeyObject;
  constructor(seed: Uint8Array) {
    this.#key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  }

  async issue(
    { accountId, deviceId, deviceKey, chainSeq }: TokenSubject,
    nowMs: number,
  ): Promise<{ token: string; expiresAtMs: number }> {
    const expiresAtS = Math.floor((nowMs + TOKEN_LIFETIME_MS) / 1_000);
    const token = await new SignJWT({ dev: deviceId, dk: deviceKey.toString('base64url'), seq: chainSeq })
      .setProtectedHeader({ alg: TOKEN_ALGORITHM, typ: 'JWT' })
      .setSubject(accountId)
      .setAudience(TOKEN_AUDIENCE)
      .setExpirationTime(expiresAtS)
      .sign(this.#key);
    return { token, expiresAtMs: expiresAtS * 1_000 };
  }
}
