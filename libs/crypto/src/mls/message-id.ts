import { randomBytes, toBase64url } from '../primitives.ts';

/** The id of an application message: 128 random bits that travel as its authenticated data, so the signature covers them. */
export const MESSAGE_ID_BYTES = 16;

export function newMessageId(): string {
  return toBase64url(randomBytes(MESSAGE_ID_BYTES));
}
