import * as z from 'zod';
import { MAX_DISPLAY_NAME_CHARS, MAX_HANDLE_CHARS, MAX_HTTP_BODY_BYTES, MIN_HANDLE_CHARS } from './limits.ts';

/**
 * Bytes as base64url without padding, at most `maxBytes` of them. The length is not part of the expression because counting by fours
 * makes it nine times slower, and every message passes here.
 */
export const Bytes = (maxBytes: number) =>
  z
    .string()
    .max(Math.ceil((maxBytes * 4) / 3))
    .regex(/^[\w-]*$/)
    .refine((text) => text.length % 4 !== 1, 'not whole bytes of base64url');
/** Exactly 32 bytes: a hash or a public key. */
export const Bytes32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
/** An Ed25519 signature. */
export const Signature = z.string().regex(/^[A-Za-z0-9_-]{86}$/);
/** A moment in UTC with milliseconds. */
export const Moment = z.iso.datetime({ precision: 3 });
export const Seq = z.int().min(0);

/** The body of every `device-signed` operation on the wire. `signed` is the JSON text of the input, as UTF-8; it is verified, then parsed. */
export const SignedBody = z.strictObject({ signed: Bytes(MAX_HTTP_BODY_BYTES), signature: Signature });
export type SignedBody = z.infer<typeof SignedBody>;

/** Lower case; readers fold case before they compare. */
export const Handle = z.string().regex(new RegExp(`^[a-z0-9_]{${MIN_HANDLE_CHARS},${MAX_HANDLE_CHARS}}$`));
export const DisplayName = z
  .string()
  .min(1)
  .max(MAX_DISPLAY_NAME_CHARS)
  .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u, 'no control or invisible characters, no halves of one')
  .regex(/\S/, 'not only spaces');

/** ISO 4217, as the ledger knows it. */
export const Currency = z.string().regex(/^[A-Z]{3}$/);
/** A positive amount in minor units, as decimal text (it may exceed 2^53). */
export const AmountMinor = z.string().regex(/^[1-9]\d{0,17}$/);
/** A balance in minor units; may be zero or, for system accounts, negative. */
export const BalanceMinor = z.string().regex(/^(?:0|-?[1-9]\d{0,17})$/);
