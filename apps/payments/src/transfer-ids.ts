import type { TransferId } from '@rialto/contracts';

const PREFIX = 'tra_';

/** The public name of a transfer, whose row has it as a UUID: the same 16 bytes. */
export const transferIdOf = (uuid: string): TransferId =>
  `${PREFIX}${Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url')}` as TransferId;

export function transferUuid(id: TransferId): string {
  const hex = Buffer.from(id.slice(PREFIX.length), 'base64url').toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
