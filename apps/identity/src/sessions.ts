import { AppError, type Handlers, type identity, MAX_CLOCK_SKEW_MS, SessionRequest, type SignedBody } from '@rialto/contracts';
import { verify } from '@rialto/crypto/server';
import type { Database } from '@rialto/service';
import { bytesOf } from './bytes.ts';
import type { Challenges } from './challenges.ts';
import type { Tokens } from './tokens.ts';

type Operations = Handlers<typeof identity>;
/** A session request has five short fields; more is somebody else's text. */
const MAX_SESSION_REQUEST_BYTES = 2_048;

interface DeviceRow {
  device_key: Buffer | null;
  is_revoked: boolean | null;
  chain_seq: number | null;
  now: Date;
}

/** Sessions are not stored: a token is the session. The server keeps only the nonces that opened one, until they expire. */
export class Sessions {
  readonly #database: Database;
  readonly #challenges: Challenges;
  readonly #tokens: Tokens;
  readonly #origins: ReadonlySet<string>;
  constructor({
    database,
    challenges,
    tokens,
    origins,
  }: {
    database: Database;
    challenges: Challenges;
    tokens: Tokens;
    origins: string[];
  }) {
    this.#database = database;
    this.#challenges = challenges;
    this.#tokens = tokens;
    this.#origins = new Set(origins);
  }

  createChallenge: Operations['createChallenge'] = async () => {
    const { rows } = await this.#database.pool.query<{ now: Date }>('select now()');
    const { nonce, expiresAtMs } = this.#challenges.create(timeOf(rows[0]));
    return { nonce, expiresAt: momentOf(expiresAtMs) };
  };

  create: Operations['createSession'] = async (body) => {
    const { request, signed, signature } = readRequest(body);
    // The origin is in the signed bytes, so a look-alike site cannot pass on what its visitors sign.
    if (!this.#origins.has(request.origin)) throw new AppError('origin-refused');
    const device = await this.#find(request);
    if (device.device_key === null || device.chain_seq === null)
      throw new AppError('unauthenticated', { reason: 'unknown-device' });
    if (!verify('session', signed, signature, device.device_key)) throw new AppError('signature-invalid');
    if (device.is_revoked !== false) throw new AppError('device-revoked');
    const nowMs = device.now.getTime();
    if (Math.abs(Date.parse(request.at) - nowMs) > MAX_CLOCK_SKEW_MS) {
      throw new AppError('unauthenticated', { reason: 'clock', serverTime: momentOf(nowMs) });
    }
    const nonceExpiresAtMs = this.#challenges.expiryOf(request.nonce, nowMs);
    if (nonceExpiresAtMs === undefined) throw new AppError('unauthenticated', { reason: 'nonce' });
    await this.#useNonce(request, nonceExpiresAtMs);
    const { accountId, deviceId } = request;
    const subject = { accountId, deviceId, deviceKey: device.device_key, chainSeq: device.chain_seq };
    const { token, expiresAtMs } = await this.#tokens.issue(subject, nowMs);
    return { token, expiresAt: momentOf(expiresAtMs) };
  };

  async #find({ accountId, deviceId }: SessionRequest): Promise<DeviceRow> {
    const { rows } = await this.#database.pool.query<DeviceRow>(
      `select d.device_key, d.revoked_at is not null as is_revoked, a.chain_seq, now() as now
       from (select) as one left join device d on d.device_id = $2 and d.account_id = $1 left join account a on a.account_id = d.account_id`,
      [accountId, deviceId],
    );
    const row = rows[0];
    if (row === undefined) throw new Error('A query that always answers one row answered none.');
    return row;
  }

  /** Throws `unauthenticated` for a nonce that opened a session before, `device-revoked` for a device that went meanwhile. */
  async #useNonce({ deviceId, nonce }: SessionRequest, expiresAtMs: number): Promise<void> {
    const { rows } = await this.#database.pool.query<{ is_fresh: boolean; is_active: boolean }>(
      `with used as (insert into used_nonce (nonce, expires_at) values ($2, $3) on conflict (nonce) do nothing returning 1),
        seen as (update device set last_seen_at = now() where device_id = $1 and revoked_at is null and exists (select from used) returning 1)
       select exists (select from used) as is_fresh, exists (select from seen) as is_active`,
      [deviceId, nonce, new Date(expiresAtMs)],
    );
    if (rows[0]?.is_fresh !== true) throw new AppError('unauthenticated', { reason: 'nonce' });
    if (!rows[0].is_active) throw new AppError('device-revoked');
  }
}

/** The key that must have signed is named inside, so this is parsed before it is verified; nothing is done with it until then. */
function readRequest(body: SignedBody): { request: SessionRequest; signed: Buffer; signature: Buffer } {
  const [signed, signature] = [bytesOf(body.signed), bytesOf(body.signature)];
  if (signed.length > MAX_SESSION_REQUEST_BYTES) throw new AppError('payload-too-large');
  const parsed = SessionRequest.safeParse(jsonOf(signed));
  if (!parsed.success) throw new AppError('invalid-input');
  return { request: parsed.data, signed, signature };
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new AppError('invalid-input', undefined, error);
  }
}

function timeOf(row: { now: Date } | undefined): number {
  if (row === undefined) throw new Error('A query that always answers one row answered none.');
  return row.now.getTime();
}

const momentOf = (timeMs: number): string => new Date(timeMs).toISOString();
