import { ACCOUNT_KEY, ACCOUNT_TABLE, BROWSER_STORE } from '@rialto/client/place-of-account';

/**
 * Whether this browser may hold an account, asked of its storage before anything heavy is loaded: what is stored there is sealed, that it is
 * there is not. False only when there is none for sure;
 * whatever cannot be found out here is left to the SDK, which says why.
 */
export async function mayHaveAccount(): Promise<boolean> {
  try {
    const database = await existing();
    if (!database) return false;
    try {
      return await hasRow(database);
    } finally {
      database.close();
    }
  } catch {
    return true; // storage is refused or broken: opening the account fails in the same way, and tells
  }
}

/** The database, if there is one; a look must not make an empty one. */
function existing(): Promise<IDBDatabase | undefined> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(BROWSER_STORE);
    let isNew = false;
    request.onupgradeneeded = () => {
      isNew = true;
      request.transaction?.abort();
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => (isNew ? resolve(undefined) : reject(request.error ?? new Error('no storage')));
  });
}

function hasRow(database: IDBDatabase): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const request = database.transaction(ACCOUNT_TABLE, 'readonly').objectStore(ACCOUNT_TABLE).getKey(ACCOUNT_KEY);
    request.onsuccess = () => resolve(request.result !== undefined);
    request.onerror = () => reject(request.error ?? new Error('no storage'));
  });
}
