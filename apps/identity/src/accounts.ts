import { type AccountId, type AccountView, AppError, type Handlers, type identity } from '@rialto/contracts';
import type { Database } from '@rialto/service';
import { bytesOf } from './bytes.ts';
import { readGenesis } from './domain/device-chain.ts';
import { AccountTable } from './tables.ts';

type Operations = Handlers<typeof identity>;
const FIRST_SEQ = 0;

interface ViewRow {
  account_id: string;
  display_name: string | null;
  handle: string | null;
  chain: Buffer;
}
const SELECT_VIEW = `select account_id, display_name, handle, chain from account left join handle using (account_id)`;

/** Accounts by their ids, and what people see of them. */
export class Accounts {
  readonly #database: Database;
  constructor(database: Database) {
    this.#database = database;
  }

  create: Operations['createAccount'] = async ({ accountId, chain }) => {
    const bytes = bytesOf(chain);
    const [device] = readGenesis(bytes, accountId).devices[FIRST_SEQ]?.values() ?? [];
    if (device === undefined) throw new AppError('chain-invalid');
    return this.#database.transaction(async (client) => {
      const { rowCount } = await client.query(
        'insert into account (account_id, chain, chain_seq) values ($1, $2, $3) on conflict (account_id) do nothing',
        [accountId, bytes, FIRST_SEQ],
      );
      if (rowCount === 0) return { accountId, created: false };
      const added = await client.query(
        'insert into device (device_id, account_id, device_key) values ($1, $2, $3) on conflict (device_id) do nothing',
        [device.device, accountId, device.deviceKey],
      );
      if (added.rowCount === 0) throw new AppError('chain-invalid'); // somebody else's device has this id
      return { accountId, created: true };
    });
  };

  get: Operations['getAccount'] = async ({ accountId }) => this.#view('account_id = $1', accountId);
  findHandle: Operations['findHandle'] = async ({ handle }) => this.#view('handle = $1', handle);

  setProfile: Operations['setProfile'] = async ({ displayName }, { accountId }) => {
    const name = displayName.normalize('NFC');
    const { affected } = await this.#database.dataSource.getRepository(AccountTable).update({ accountId }, { displayName: name });
    if (affected !== 1) throw new AppError('not-found');
    return { displayName: name };
  };

  getChain: Operations['getChain'] = async ({ accountId }) => {
    const account = await this.#database.dataSource.getRepository(AccountTable).findOneBy({ accountId });
    if (account === null) throw new AppError('not-found');
    return { chain: account.chain.toString('base64url'), chainSeq: account.chainSeq };
  };

  async #view(where: 'account_id = $1' | 'handle = $1', value: string): Promise<AccountView> {
    const { rows } = await this.#database.pool.query<ViewRow>(`${SELECT_VIEW} where ${where}`, [value]);
    const row = rows[0];
    if (row === undefined) throw new AppError('not-found');
    return {
      accountId: row.account_id as AccountId,
      handle: row.handle,
      displayName: row.display_name,
      chain: row.chain.toString('base64url'),
    };
  }
}
