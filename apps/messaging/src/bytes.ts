import { AppError } from '@rialto/contracts';

/** The bytes of a field. Throws `invalid-input` when another text would mean the same bytes, so that texts can stand for them as keys. */
export function bytesOf(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) throw new AppError('invalid-input');
  return bytes;
}
