import { AppError, type DeviceId, type Handlers, identity, TOKEN_LIFETIME_MS } from '@rialto/contracts';
import { type Chain, currentDevices } from '@rialto/crypto/server';
import type { Database, Push } from '@rialto/service';
import type { PoolClient } from 'pg';
import { bytesOf } from './bytes.ts';
import { continueChain } from './domain/device-chain.ts';
import { AccountTable, DeviceTable } from './tables.ts';

type Operations = Handlers<typeof identity>;
/** Tokens of a revoked device may live this long, with a minute for clocks that disagree. */
const REVOCATIONS_KEPT_MS = TOKEN_LIFETIME_MS + 60_000;
/** What fits one NATS message by far. More revocations within minutes are an attack, and the newest count. */
const MAX_LISTED_REVOCATIONS = 20_000;

/** The device chain: the account's own word on which devices speak for it. */
export class Devices {
  readonly #database: Database;
  readonly #push: Push;
  constructor({ database, push }: { database: Database; push: Push }) {
    this.#database = database;
    this.#push = push;
  }

  list: Operations['listDevices'] = async (_input, caller) => {
    const { dataSource } = this.#database;
    const [account, devices] = await Promise.all([
      dataSource.getRepository(AccountTable).findOneBy({ accountId: caller.accountId }),
      dataSource
        .getRepository(DeviceTable)
        .find({ where: { accountId: caller.accountId }, order: { addedAt: 'ASC', deviceId: 'ASC' } }),
    ]);
    if (account === null) throw new AppError('not-found');
    const current = devices.filter(({ revokedAt }) => revokedAt === null);
    return {
      chainSeq: account.chainSeq,
      devices: current.map(({ deviceId, addedAt, lastSeenAt }) => ({
        deviceId: deviceId as DeviceId,
        addedAt: addedAt.toISOString(),
        lastSeenAt: lastSeenAt?.toISOString() ?? null,
        isCurrent: deviceId === caller.deviceId,
      })),
    };
  };

  append: Operations['appendToChain'] = async ({ accountId, entry }, caller) => {
    if (accountId !== caller.accountId) throw new AppError('forbidden');
    const bytes = bytesOf(entry);
    const { seq, isRepeated, revoked } = await this.#database.transaction(async (client) => {
      const stored = await lockChain(client, accountId);
      const continued = continueChain(stored, bytes);
      // A repeated call may come from a device whose first call removed itself; it changes nothing.
      if (continued.isRepeated) return { ...continued, revoked: [] };
      return { ...continued, revoked: await storeEntry(client, continued.chain, caller.deviceId) };
    });
    if (!isRepeated) {
      for (const deviceId of revoked) this.#push.revoked(accountId, deviceId);
      this.#push.toAccount(identity.events.devicesChanged, accountId, { accountId, chainSeq: seq });
    }
    return { chainSeq: seq };
  };

  listRevocations: Operations['listRevocations'] = async () => {
    const { rows } = await this.#database.pool.query<{ account_id: string; device_id: string }>(
      `select account_id, device_id from device where revoked_at > now() - $1 * interval '1 millisecond' order by revoked_at desc limit $2`,
      [REVOCATIONS_KEPT_MS, MAX_LISTED_REVOCATIONS],
    );
    const devices = rows.map(({ account_id, device_id }) => ({ accountId: account_id, deviceId: device_id }));
    return { devices } as Awaited<ReturnType<Operations['listRevocations']>>;
  };
}

/** Whoever changes a chain holds its account's row, so two entries for one number cannot both be stored. */
async function lockChain(client: PoolClient, accountId: string): Promise<Buffer> {
  const { rows } = await client.query<{ chain: Buffer }>('select chain from account where account_id = $1 for no key update', [
    accountId,
  ]);
  if (rows[0] === undefined) throw new AppError('not-found');
  return rows[0].chain;
}

/** Stores the chain's newest entry, made by a device of the chain as it was before. Returns the ids of devices that it revoked. */
async function storeEntry(client: PoolClient, chain: Chain, callerId: string): Promise<string[]> {
  const seq = chain.heads.length - 1;
  const before = chain.devices[seq - 1];
  const after = currentDevices(chain);
  if (before?.has(callerId) !== true) throw new AppError('device-revoked');
  for (const { device, deviceKey } of after.values()) {
    if (before.has(device)) continue;
    const { rowCount } = await client.query(
      'insert into device (device_id, account_id, device_key) values ($1, $2, $3) on conflict (device_id) do nothing',
      [device, chain.account, deviceKey],
    );
    if (rowCount === 0) throw new AppError('chain-invalid'); // somebody else's device has this id
  }
  const revoked = [...before.keys()].filter((device) => !after.has(device));
  if (revoked.length > 0) {
    await client.query('update device set revoked_at = now() where device_id = any ($1)', [revoked]);
    await client.query('delete from key_package where device_id = any ($1)', [revoked]);
  }
  await client.query('update account set chain = $2, chain_seq = $3 where account_id = $1', [chain.account, chain.bytes, seq]);
  return revoked;
}
