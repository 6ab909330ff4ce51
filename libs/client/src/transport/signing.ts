import type { Bound, SignaturePurpose, SignedBody } from '@rialto/contracts';
import { sign, toBase64url, utf8 } from '@rialto/crypto';

/** Signs bytes of this device's own making with its `deviceKey`. The key itself stays behind this function. */
export type Signer = (purpose: SignaturePurpose, body: Uint8Array) => Uint8Array;

export const signerOf =
  (deviceKey: Uint8Array): Signer =>
  (purpose, body) =>
    sign(purpose, body, deviceKey);

/** The body of a `device-signed` operation: the JSON text of the input and its signature. */
export function signBody(purpose: SignaturePurpose, input: unknown, signer: Signer): SignedBody {
  const signed = utf8(JSON.stringify(input));
  return { signed: toBase64url(signed), signature: toBase64url(signer(purpose, signed)) };
}

export const isSigned = (operation: Bound): boolean => operation.callers.includes('device-signed');
/** An operation that needs no session: signing in itself, and looking up a free handle. */
export const isForAnyone = (operation: Bound): boolean => operation.callers.includes('anyone');

/** What travels: the input as it is, or signed. A caller may bring a body that was signed before, so that a retry has the same bytes. */
export function bodyOf(
  operation: Bound,
  input: Readonly<Record<string, unknown>>,
  signer: Signer | undefined,
): Readonly<Record<string, unknown>> {
  const { signedAs } = operation;
  if (!isSigned(operation) || signedAs === undefined || isSignedBody(input)) return input;
  if (!signer) throw new Error(`${operation.service}.${operation.name} needs the device's key`);
  return { ...signBody(signedAs, input, signer) };
}

const isSignedBody = (input: Readonly<Record<string, unknown>>) =>
  typeof input.signed === 'string' && typeof input.signature === 'string' && Object.keys(input).length === 2;
