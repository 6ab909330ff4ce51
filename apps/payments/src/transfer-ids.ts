import { randomUUID } from 'node:crypto';
import type { TransferId } from '@rialto/contracts';

const PREFIX = 'tra_';

/**
 * A new transfer's id as UUID text of version 7 (RFC 9562 section 5.7): it begins with the time, so that rows that are written together lie
 * together in the index, and ends with 74 random bits.
 */
export function newTransferUuid(nowMs: number): string {
  const time = nowMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

export const uuidBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex');

/** The public name of a transfer. */
export const transferIdOf = (uuid: string): TransferId => `${PREFIX}${uuidBytes(uuid).toString('base64url')}` as TransferId;

export function transferUuid(id: TransferId): string {
  return uuidText(Buffer.from(id.slice(PREFIX.length), 'base64url'));
}

function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
