import { AppError } from '@rialto/contracts';

const MAX_TOKEN_CHARS = 2_000;
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i;

/** RFC 6750, section 2.1. Throws `unauthenticated` when the header is there and says something else. */
export function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined || token.length > MAX_TOKEN_CHARS) throw new AppError('unauthenticated');
  return token;
}
