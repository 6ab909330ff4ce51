import { AppError, type Handlers, type identity, MAX_KEY_PACKAGES_STORED } from '@rialto/contracts';
import {
  type CheckedKeyPackage,
  type Chain,
  currentDevices,
  KeyPackageError,
  type PublicSuite,
  readChain,
  readKeyPackage,
} from '@rialto/crypto/server';
import type { Database } from '@rialto/service';
import type { Pool, PoolClient } from 'pg';
import { bytesOf } from './bytes.ts';

type Operations = Handlers<typeof identity>;
type Upload = Parameters<Operations['publishKeyPackages']>[0];
type DeviceIds = { accountId: string; deviceId: string };
interface Offer {
  readonly checked: CheckedKeyPackage;
  readonly bytes: Buffer;
}

/** What a device offers so that it can be added to groups while it is away. Giving them out is in key-package-claims.ts. */
export class KeyPackages {
  readonly #database: Database;
  readonly #suite: PublicSuite;
  constructor({ database, suite }: { database: Database; suite: PublicSuite }) {
    this.#database = database;
    this.#suite = suite;
  }

  publish: Operations['publishKeyPackages'] = async (upload, caller) => {
    const { chain, nowMs } = await this.#accountOf(caller.accountId);
    const offers = await this.#check(upload, { chain, nowMs, caller });
    return this.#database.transaction(async (client) => {
      await lockDevice(client, caller);
      for (const offer of offers) await store(client, caller, offer);
      await dropSpent(client, caller.deviceId);
      await dropOldest(client, caller.deviceId);
      return { available: await countSingleUse(client, caller.deviceId) };
    });
  };

  count: Operations['countKeyPackages'] = async (_input, { deviceId }) => {
    const { pool } = this.#database;
    const { rowCount } = await pool.query(
      'select from key_package where device_id = $1 and is_last_resort and not_after > now()',
      [deviceId],
    );
    return { available: await countSingleUse(pool, deviceId), hasLastResort: rowCount === 1 };
  };

  async #accountOf(accountId: string): Promise<{ chain: Chain; nowMs: number }> {
    const { rows } = await this.#database.pool.query<{ chain: Buffer; now: Date }>(
      'select chain, now() as now from account where account_id = $1',
      [accountId],
    );
    if (rows[0] === undefined) throw new AppError('not-found');
    return { chain: readChain(rows[0].chain), nowMs: rows[0].now.getTime() };
  }

  /** Throws `key-package-invalid` with the place of the first one that does not verify, is not this device's, or is marked otherwise. */
  async #check(upload: Upload, { chain, nowMs, caller }: { chain: Chain; nowMs: number; caller: DeviceIds }): Promise<Offer[]> {
    const texts = [...upload.keyPackages, ...(upload.lastResort === undefined ? [] : [upload.lastResort])];
    const offers: Offer[] = [];
    for (const [index, text] of texts.entries()) {
      const bytes = bytesOf(text);
      const checked = await readKeyPackage(bytes, { chain, nowMs, suite: this.#suite }).catch((error: unknown) => {
        if (!(error instanceof KeyPackageError)) throw error;
        throw new AppError('key-package-invalid', { index, problem: error.problem }, error);
      });
      if (checked.device !== caller.deviceId || checked.account !== caller.accountId) {
        throw new AppError('key-package-invalid', { index, problem: 'other-device' });
      }
      if (checked.lastResort !== index >= upload.keyPackages.length)
        throw new AppError('key-package-invalid', { index, problem: 'last-resort' });
      offers.push({ checked, bytes });
    }
    return offers;
  }
}

/** Against a revocation that happens at the same moment: it changes the account's row, and deletes what is stored before. */
async function lockDevice(client: PoolClient, { accountId, deviceId }: DeviceIds): Promise<void> {
  const { rows } = await client.query<{ chain: Buffer }>('select chain from account where account_id = $1 for share', [
    accountId,
  ]);
  const chain = rows[0] === undefined ? undefined : readChain(rows[0].chain);
  if (chain === undefined || !currentDevices(chain).has(deviceId)) throw new AppError('device-revoked');
}

async function store(client: PoolClient, { accountId, deviceId }: DeviceIds, { checked, bytes }: Offer): Promise<void> {
  const { ref, lastResort, notAfterMs } = checked;
  if (lastResort) await client.query('delete from key_package where device_id = $1 and is_last_resort', [deviceId]);
  await client.query(
    `insert into key_package (ref, account_id, device_id, is_last_resort, bytes, not_after)
     select $1, $2, $3, $4, $5, $6 where not exists (select from spent_key_package where ref = $1)
     on conflict (ref) do nothing`,
    [ref, accountId, deviceId, lastResort, bytes, new Date(notAfterMs)],
  );
}

/** Storing a package waits for a claim that is giving it away, and then does not see what that claim has remembered: a statement later does. */
async function dropSpent(client: PoolClient, deviceId: string): Promise<void> {
  await client.query('delete from key_package where device_id = $1 and ref in (select ref from spent_key_package)', [deviceId]);
}

/** A device that lost its secrets uploads anew, so the newest ones are worth keeping. */
async function dropOldest(client: PoolClient, deviceId: string): Promise<void> {
  await client.query(
    `delete from key_package where ref in (select ref from key_package where device_id = $1 and not is_last_resort
     order by published_at desc, ref offset $2 for update skip locked)`,
    [deviceId, MAX_KEY_PACKAGES_STORED],
  );
}

export async function countSingleUse(client: Pool | PoolClient, deviceId: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    'select count(*)::integer as count from key_package where device_id = $1 and not is_last_resort and not_after > now()',
    [deviceId],
  );
  return rows[0]?.count ?? 0;
}
