import { AppError, type Handlers, type identity } from '@rialto/contracts';
import type { Database } from '@rialto/service';
import { foldHandle, handleProblem } from './domain/handle.ts';

type Operations = Handlers<typeof identity>;

/** Names that people find accounts by. Given once, never taken back: nobody inherits the messages and money meant for another. */
export class Handles {
  readonly #database: Database;
  constructor(database: Database) {
    this.#database = database;
  }

  check: Operations['checkHandle'] = async ({ handle: typed }) => {
    const handle = foldHandle(typed);
    const problem = handleProblem(handle);
    if (problem !== null) return { available: false, reason: problem };
    const { rowCount } = await this.#database.pool.query('select from handle where handle = $1', [handle]);
    return rowCount === 0 ? { available: true, reason: null } : { available: false, reason: 'taken' };
  };

  claim: Operations['claimHandle'] = async ({ accountId, handle }, caller) => {
    if (accountId !== caller.accountId) throw new AppError('forbidden');
    if (handleProblem(handle) !== null) throw new AppError('handle-reserved');
    const { pool } = this.#database;
    // Both unique keys may refuse it; which one did is read afterwards, and neither row can change any more.
    const { rowCount } = await pool.query('insert into handle (handle, account_id) values ($1, $2) on conflict do nothing', [
      handle,
      accountId,
    ]);
    if (rowCount === 1) return { handle };
    const { rows } = await pool.query<{ handle: string; account_id: string }>(
      'select handle, account_id from handle where handle = $1 or account_id = $2',
      [handle, accountId],
    );
    if (rows.some((row) => row.handle === handle && row.account_id === accountId)) return { handle };
    throw new AppError(rows.some((row) => row.account_id === accountId) ? 'account-has-handle' : 'handle-taken');
  };
}
