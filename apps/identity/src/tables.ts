import { EntitySchema } from 'typeorm';

export interface AccountRow {
  accountId: string;
  displayName: string | null;
  chain: Buffer;
  chainSeq: number;
}
export const AccountTable = new EntitySchema<AccountRow>({
  name: 'account',
  columns: {
    accountId: { name: 'account_id', type: 'text', primary: true },
    displayName: { name: 'display_name', type: 'text', nullable: true },
    chain: { type: 'bytea' },
    chainSeq: { name: 'chain_seq', type: 'integer' },
  },
});

export interface DeviceRow {
  deviceId: string;
  accountId: string;
  addedAt: Date;
  revokedAt: Date | null;
  lastSeenAt: Date | null;
}
export const DeviceTable = new EntitySchema<DeviceRow>({
  name: 'device',
  columns: {
    deviceId: { name: 'device_id', type: 'text', primary: true },
    accountId: { name: 'account_id', type: 'text' },
    addedAt: { name: 'added_at', type: 'timestamptz' },
    revokedAt: { name: 'revoked_at', type: 'timestamptz', nullable: true },
    lastSeenAt: { name: 'last_seen_at', type: 'timestamptz', nullable: true },
  },
});
