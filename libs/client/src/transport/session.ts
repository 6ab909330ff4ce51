import { AppError, CHALLENGE_LIFETIME_MS, type AccountId, type DeviceId, type SessionRequest } from '@rialto/contracts';
import type { Api } from './api.ts';
import { signBody, type Signer } from './signing.ts';

/** A token is renewed when less than this is left, so that none ends on the way. */
const RENEW_BEFORE_MS = 60_000;
/** Smaller differences between the clocks are not worth correcting. */
const TOLERATED_SKEW_MS = 2_000;
/** So many nonces one sign-in may use up, and only within this time: whoever waits for it has a limit too. */
const MAX_NONCES = 3;
const SIGN_IN_WITHIN_MS = 60_000;

export interface SessionIdentity {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly signer: Signer;
}
type SessionApi = Pick<Api['identity'], 'createChallenge' | 'createSession'>;

/** Signs in by the device key and keeps the token fresh. There is no password and nothing to steal that lives longer than the token. */
export class Session {
  readonly #api: SessionApi;
  readonly #origin: string;
  readonly #identity: SessionIdentity;
  #token: { value: string; renewAt: number } | undefined;
  #signingIn: Promise<string> | undefined;
  #skewMs = 0;

  constructor(deps: { readonly api: SessionApi; readonly url: string; readonly identity: SessionIdentity }) {
    this.#api = deps.api;
    this.#origin = new URL(deps.url).origin;
    this.#identity = deps.identity;
  }

  /** The server's time as this device believes it, in Unix milliseconds. Right to a second or two after the first sign-in. */
  serverNow(): number {
    return Date.now() + this.#skewMs;
  }

  /** A token that is good for some time yet. One sign-in serves all who wait. */
  async token(): Promise<string> {
    if (this.#token && Date.now() < this.#token.renewAt) return this.#token.value;
    this.#signingIn ??= this.#signIn().finally(() => {
      this.#signingIn = undefined;
    });
    return this.#signingIn;
  }

  /** The server refused this token: do not offer it again. */
  drop(token: string): void {
    if (this.#token?.value === token) this.#token = undefined;
  }

  /** When the token should be replaced, in milliseconds from now. */
  get renewInMs(): number {
    return Math.max(0, (this.#token?.renewAt ?? 0) - Date.now());
  }

  /**
   * A nonce works once. When the answer that it bought was lost, or came too late for it, the repeated request is refused because of the
   * nonce and nothing else; then a fresh one is signed.
   */
  async #signIn(): Promise<string> {
    const startedAt = Date.now();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#signOnce();
      } catch (error) {
        const mayTryAgain = attempt < MAX_NONCES && Date.now() - startedAt < SIGN_IN_WITHIN_MS;
        if (!mayTryAgain || !isNonceRefused(error)) throw error;
      }
    }
  }

  async #signOnce(): Promise<string> {
    const challenge = await this.#api.createChallenge({});
    const skewMs = Date.parse(challenge.expiresAt) - CHALLENGE_LIFETIME_MS - Date.now();
    this.#skewMs = Math.abs(skewMs) > TOLERATED_SKEW_MS ? skewMs : 0;
    const { accountId, deviceId, signer } = this.#identity;
    const request: SessionRequest = {
      accountId,
      deviceId,
      origin: this.#origin,
      nonce: challenge.nonce,
      at: new Date(this.serverNow()).toISOString(),
    };
    const { token, expiresAt } = await this.#api.createSession(signBody('session', request, signer));
    const lifetimeMs = Date.parse(expiresAt) - this.serverNow();
    this.#token = { value: token, renewAt: Date.now() + Math.max(lifetimeMs - RENEW_BEFORE_MS, lifetimeMs / 2) };
    return token;
  }
}

function isNonceRefused(error: unknown): boolean {
  if (!(error instanceof AppError) || error.code !== 'unauthenticated') return false;
  return (error.details as { reason?: unknown } | undefined)?.reason === 'nonce';
}
