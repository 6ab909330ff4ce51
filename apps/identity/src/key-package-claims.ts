import {
  AppError,
  type ClaimId,
  type DeviceId,
  type Handlers,
  identity,
  type KeyPackageRef,
  LOW_KEY_PACKAGES,
} from '@rialto/contracts';
import { currentDevices, readChain } from '@rialto/crypto/server';
import type { Database, Push } from '@rialto/service';
import type { PoolClient } from 'pg';
import { countSingleUse } from './key-packages.ts';

type Operations = Handlers<typeof identity>;

/** Claims of one account within an hour, whoever they are for. */
export const MAX_CLAIMS_PER_HOUR = 120;
/** Claims of one account for one other account within a day, so that nobody is left with the last resort by one stranger. */
export const MAX_CLAIMS_FOR_ONE_ACCOUNT_PER_DAY = 20;
const HOUR_MS = 3_600_000;

interface Given {
  readonly deviceId: DeviceId;
  readonly ref: KeyPackageRef;
  readonly keyPackage: string;
  readonly isLastResort: boolean;
}
interface Claim {
  readonly requester: string;
  readonly claimId: ClaimId;
  readonly accountId: string;
}

/** Gives key packages away: each single-use one once, whoever asks at the same time. */
export class KeyPackageClaims {
  readonly #database: Database;
  readonly #push: Push;
  constructor({ database, push }: { database: Database; push: Push }) {
    this.#database = database;
    this.#push = push;
  }

  claim: Operations['claimKeyPackages'] = async ({ accountId, claimId }, caller) => {
    const claim = { requester: caller.accountId, claimId, accountId };
    const { chain, packages, low } = await this.#database.transaction(async (client) => {
      // One claim of a requester at a time: a repeated one finds the first's answer, and the count is exact.
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`claim ${claim.requester}`]);
      const { rows } = await client.query<{ chain: Buffer }>('select chain from account where account_id = $1', [accountId]);
      if (rows[0] === undefined) throw new AppError('not-found');
      const deviceIds = [...currentDevices(readChain(rows[0].chain)).keys()].sort();
      const known = await findClaim(client, claim);
      // A device that was revoked since the first answer must not be added by a repetition.
      if (known !== undefined)
        return { chain: rows[0].chain, packages: known.filter((each) => deviceIds.includes(each.deviceId)), low: [] };
      await checkLimits(client, claim);
      return { chain: rows[0].chain, ...(await give(client, claim, deviceIds)) };
    });
    for (const { deviceId, available } of low) {
      this.#push.toDevice(identity.events.keyPackagesLow, accountId, deviceId, { deviceId, available });
    }
    return { chain: chain.toString('base64url'), keyPackages: packages };
  };
}

async function findClaim(client: PoolClient, { requester, claimId, accountId }: Claim): Promise<Given[] | undefined> {
  const { rows } = await client.query<{ account_id: string; packages: Given[] }>(
    'select account_id, packages from key_package_claim where requester = $1 and claim_id = $2',
    [requester, claimId],
  );
  if (rows[0] !== undefined && rows[0].account_id !== accountId) throw new AppError('conflict');
  return rows[0]?.packages;
}

async function checkLimits(client: PoolClient, { requester, accountId }: Claim): Promise<void> {
  const { rows } = await client.query<{ in_hour: number; for_account: number }>(
    `select (count(*) filter (where claimed_at > now() - interval '1 hour'))::integer as in_hour,
       (count(*) filter (where account_id = $2))::integer as for_account
     from key_package_claim where requester = $1 and claimed_at > now() - interval '1 day'`,
    [requester, accountId],
  );
  const { in_hour: inHour, for_account: forAccount } = rows[0] ?? { in_hour: 0, for_account: 0 };
  if (inHour >= MAX_CLAIMS_PER_HOUR) throw new AppError('rate-limited', { limit: 'claims-per-hour', retryAfterMs: HOUR_MS });
  // Adding one's own devices is what the claims of an owner are for.
  if (requester !== accountId && forAccount >= MAX_CLAIMS_FOR_ONE_ACCOUNT_PER_DAY) {
    throw new AppError('rate-limited', { limit: 'claims-for-one-account', retryAfterMs: HOUR_MS });
  }
}

async function give(client: PoolClient, { requester, claimId, accountId }: Claim, deviceIds: readonly string[]) {
  const packages: Given[] = [];
  const low: { deviceId: DeviceId; available: number }[] = [];
  for (const deviceId of deviceIds as readonly DeviceId[]) {
    const given = (await takeSingleUse(client, deviceId)) ?? (await readLastResort(client, deviceId));
    if (given !== undefined) packages.push(given);
    const available = await countSingleUse(client, deviceId);
    if (available < LOW_KEY_PACKAGES) low.push({ deviceId, available });
  }
  await client.query('insert into key_package_claim (requester, claim_id, account_id, packages) values ($1, $2, $3, $4)', [
    requester,
    claimId,
    accountId,
    JSON.stringify(packages),
  ]);
  return { packages, low };
}

/** The oldest package that nobody else is taking at this moment. Deleting and remembering it is one statement. */
async function takeSingleUse(client: PoolClient, deviceId: DeviceId): Promise<Given | undefined> {
  const { rows } = await client.query<{ ref: string; bytes: Buffer }>(
    `with taken as (
       delete from key_package where ref = (
         select ref from key_package where device_id = $1 and not is_last_resort and not_after > now()
         order by published_at, ref limit 1 for update skip locked)
       returning ref, bytes),
     spent as (insert into spent_key_package (ref) select ref from taken)
     select ref, bytes from taken`,
    [deviceId],
  );
  return rows[0] === undefined ? undefined : givenOf(deviceId, rows[0], false);
}

async function readLastResort(client: PoolClient, deviceId: DeviceId): Promise<Given | undefined> {
  const { rows } = await client.query<{ ref: string; bytes: Buffer }>(
    'select ref, bytes from key_package where device_id = $1 and is_last_resort and not_after > now()',
    [deviceId],
  );
  return rows[0] === undefined ? undefined : givenOf(deviceId, rows[0], true);
}

const givenOf = (deviceId: DeviceId, { ref, bytes }: { ref: string; bytes: Buffer }, isLastResort: boolean): Given => ({
  deviceId,
  ref: ref as KeyPackageRef,
  keyPackage: bytes.toString('base64url'),
  isLastResort,
});
