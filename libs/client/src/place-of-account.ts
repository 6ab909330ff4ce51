import type { Table } from './store.ts';

/** Where a browser's store lies, and which of its rows is the account: for whoever looks whether there is one before the SDK is loaded. */
export const BROWSER_STORE = 'rialto';
export const ACCOUNT_TABLE = 'setting' satisfies Table;
export const ACCOUNT_KEY = 'account';
