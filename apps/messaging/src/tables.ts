import { EntitySchema } from 'typeorm';

export interface BlockRow {
  accountId: string;
  blockedAccountId: string;
  blockedAt: Date;
}
export const BlockTable = new EntitySchema<BlockRow>({
  name: 'block',
  columns: {
    accountId: { name: 'account_id', type: 'text', primary: true },
    blockedAccountId: { name: 'blocked_account_id', type: 'text', primary: true },
    blockedAt: { name: 'blocked_at', type: 'timestamptz' },
  },
});
