import { errors, importJWK, jwtVerify } from 'jose';
import * as z from 'zod';
import { AccountId, AppError, Bytes32, DeviceId, Seq } from '@rialto/contracts';
import type { RevokedDevice } from './revocations.ts';

/** Verified tokens that are remembered: a verification costs 70 µs, half of what a message costs in all. */
const MAX_REMEMBERED = 50_000;
export const TOKEN_AUDIENCE = 'rialto';
export const TOKEN_ALGORITHM = 'EdDSA';

/** What identity puts into a token: `sub` account, `dev` device, `dk` the device's public key (base64url), `seq` of its chain. */
export const TokenClaims = z.object({ sub: AccountId, dev: DeviceId, dk: Bytes32, seq: Seq, exp: z.int() });

export interface Session {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly deviceKey: Uint8Array;
  readonly chainSeq: number;
  readonly expiresAtMs: number;
}

/** Verifies session tokens, each once, and remembers them until they expire. */
export class Tokens {
  readonly #key: Promise<Awaited<ReturnType<typeof importJWK>>>;
  readonly #isRevoked: (device: RevokedDevice) => boolean;
  readonly #remembered = new Map<string, Session>();

  /** `publicKey` is identity's, 32 raw bytes of Ed25519. */
  constructor(publicKey: Uint8Array, isRevoked: (device: RevokedDevice) => boolean) {
    this.#key = importJWK({ kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') }, TOKEN_ALGORITHM);
    this.#isRevoked = isRevoked;
  }

  /** Throws `unauthenticated`, `token-expired` or `device-revoked`. */
  async verify(token: string): Promise<Session> {
    return this.recall(token) ?? this.#verifyNew(token);
  }

  /** The session of a token that was verified before, without waiting; undefined when it was not. Throws like `verify`. */
  recall(token: string): Session | undefined {
    const session = this.#remembered.get(token);
    if (session === undefined) return undefined;
    if (session.expiresAtMs <= Date.now()) {
      this.#remembered.delete(token);
      throw new AppError('token-expired');
    }
    if (this.#isRevoked(session)) throw new AppError('device-revoked');
    return session;
  }

  async #verifyNew(token: string): Promise<Session> {
    const session = await this.#read(token);
    if (this.#isRevoked(session)) throw new AppError('device-revoked');
    if (this.#remembered.size >= MAX_REMEMBERED) {
      const [oldest] = this.#remembered.keys();
      if (oldest !== undefined) this.#remembered.delete(oldest);
    }
    this.#remembered.set(token, session);
    return session;
  }

  async #read(token: string): Promise<Session> {
    try {
      const { payload } = await jwtVerify(token, await this.#key, { algorithms: [TOKEN_ALGORITHM], audience: TOKEN_AUDIENCE });
      const { sub, dev, dk, seq, exp } = TokenClaims.parse(payload);
      const deviceKey = new Uint8Array(Buffer.from(dk, 'base64url'));
      return { accountId: sub, deviceId: dev, deviceKey, chainSeq: seq, expiresAtMs: exp * 1_000 };
    } catch (error) {
      throw new AppError(error instanceof errors.JWTExpired ? 'token-expired' : 'unauthenticated', undefined, error);
    }
  }
}
