import { AppError, SignedBody, type Bound, type Caller, type Peer } from '@rialto/contracts';
import { verify } from '@rialto/crypto/server';
import type { Request } from './nats-client.ts';
import type { Session, Tokens } from './tokens.ts';

/** A request with the process that sent it, which NATS vouches for. */
export interface Received {
  readonly from: Peer;
  readonly request: Request;
}
export interface Authenticated {
  readonly caller: Caller;
  /** Not validated yet. */
  readonly input: unknown;
}

/**
 * Who calls, and with what. NATS vouches for the process by the subject; a person proves itself by a token that this service verifies
 * itself, and for `device-signed` by a signature over the very bytes that are then parsed. Throws when the operation is not for them.
 */
export async function authenticate(operation: Bound, { from, request }: Received, tokens: Tokens): Promise<Authenticated> {
  const { callers } = operation;
  if (callers.includes(from)) return { caller: { kind: from }, input: request.input };
  if (from !== 'gateway') throw new AppError('forbidden');
  const { token } = request;
  if (callers.includes('device-signed')) return readSigned(operation, request, await sessionOf(token, tokens));
  if (callers.includes('device') && (token !== undefined || !callers.includes('anyone'))) {
    const { accountId, deviceId } = await sessionOf(token, tokens);
    return { caller: { kind: 'device', accountId, deviceId }, input: request.input };
  }
  if (callers.includes('anyone')) return { caller: { kind: 'anyone' }, input: request.input };
  throw new AppError('forbidden');
}

function sessionOf(token: unknown, tokens: Tokens): Session | Promise<Session> {
  if (typeof token !== 'string') throw new AppError('unauthenticated');
  return tokens.recall(token) ?? tokens.verify(token);
}

function readSigned(operation: Bound, { signed, signature }: Request, session: Session): Authenticated {
  const body = SignedBody.safeParse({ signed, signature });
  if (!body.success || operation.signedAs === undefined)
    throw new AppError('invalid-input', [{ path: '', message: 'send { signed, signature }' }]);
  const bytes = bytesOf(body.data.signed);
  const proof = bytesOf(body.data.signature);
  if (!verify(operation.signedAs, bytes, proof, session.deviceKey)) throw new AppError('signature-invalid');
  const { accountId, deviceId, deviceKey } = session;
  return {
    caller: { kind: 'device-signed', accountId, deviceId, signed: bytes, signature: proof, deviceKey },
    input: parseSigned(bytes),
  };
}

function parseSigned(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new AppError('invalid-input', [{ path: 'signed', message: 'not JSON in UTF-8' }], error);
  }
}

const bytesOf = (base64url: string): Uint8Array => new Uint8Array(Buffer.from(base64url, 'base64url'));
