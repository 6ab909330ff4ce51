import * as z from 'zod';

/** Ids are random (128 bits as base64url behind a prefix) and chosen by whoever creates the thing, so that creating is repeatable. */
const randomId = <const P extends string, const B extends string>(prefix: P, brand: B) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_[A-Za-z0-9_-]{22}$`))
    .meta({ description: brand }) as unknown as z.ZodType<Id<B>, Id<B>>;

/** A branded string: ids of different things cannot be mixed up. */
export type Id<B extends string> = string & { readonly __id: B };
export type AccountId = Id<'account'>;
export type DeviceId = Id<'device'>;
export type ConversationId = Id<'conversation'>;
export type ClientMessageId = Id<'message'>;
export type IntentId = Id<'intent'>;
export type TransferId = Id<'transfer'>;
export type TopUpId = Id<'top-up'>;
export type CallId = Id<'call'>;
export type LedgerId = Id<'ledger'>;
export type ClaimId = Id<'claim'>;
export type KeyPackageRef = Id<'key-package'>;

/** The hash of the account's first chain entry: 32 bytes as base64url. */
export const AccountId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/)
  .meta({ description: 'account' }) as unknown as z.ZodType<AccountId, AccountId>;
/** 16 random bytes as base64url, named in the account's device chain. */
export const DeviceId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{22}$/)
  .meta({ description: 'device' }) as unknown as z.ZodType<DeviceId, DeviceId>;
export const KeyPackageRef = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43,86}$/)
  .meta({ description: 'key package' }) as unknown as z.ZodType<KeyPackageRef, KeyPackageRef>;
export const ConversationId = randomId('cnv', 'conversation');
export const ClientMessageId = randomId('msg', 'message');
export const IntentId = randomId('int', 'intent');
export const TransferId = randomId('tra', 'transfer');
export const TopUpId = randomId('top', 'top-up');
export const CallId = randomId('cal', 'call');
export const LedgerId = randomId('ldg', 'ledger');
export const ClaimId = randomId('clm', 'claim');

export type IdPrefix = 'cnv' | 'msg' | 'int' | 'tra' | 'top' | 'cal' | 'ldg' | 'clm';
/** Makes an id from 16 random bytes that the caller provides; `prefix` must be the one of the id's kind. */
export function idFrom<T extends Id<string>>(prefix: IdPrefix, random: Uint8Array): T {
  if (random.length !== 16) throw new RangeError('An id is made of 16 random bytes.');
  const text = btoa(String.fromCharCode(...random))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
  return `${prefix}_${text}` as T;
}
