import { AppError, type Bound } from '@rialto/contracts';

type Body = Readonly<Record<string, unknown>>;

/**
 * Applies the `Idempotency-Key` header: it fills the input's own key when the body lacks it, and must agree when the body has it. A signed
 * body cannot be filled, so there the header repeats a signed field or the signature. Throws `invalid-input`.
 */
export function withIdempotencyKey({ idempotentBy, callers }: Bound, body: Body, header: string | undefined): Body {
  if (header === undefined || idempotentBy === undefined) return body;
  if (callers.includes('device-signed')) {
    if (header !== body['signature'] && header !== signedField(body, idempotentBy)) throw disagreement(idempotentBy);
    return body;
  }
  const given = body[idempotentBy];
  if (given === undefined) return { ...body, [idempotentBy]: header };
  if (given !== header) throw disagreement(idempotentBy);
  return body;
}

const disagreement = (path: string) =>
  new AppError('invalid-input', [{ path, message: 'the Idempotency-Key header says something else' }]);

/** The gateway does not judge the signed bytes; it only compares, and the service refuses what is not JSON. */
function signedField({ signed }: Body, key: string): unknown {
  try {
    return (JSON.parse(Buffer.from(String(signed), 'base64url').toString()) as Body)[key];
  } catch {
    return undefined; // Then nothing can agree with the header.
  }
}
