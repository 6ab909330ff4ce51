import { randomBytes } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Random letters and digits, every one equally likely (bytes past the last full alphabet are thrown away). */
export function randomText(length: number): string {
  let out = '';
  while (out.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 248 && out.length < length) out += alphabet[byte % alphabet.length];
    }
  }
  return out;
}

const idLength = { cs: 58, req: 14 } as const;

/** An id in Stripe's style: `pi_3Qx…`, `cs_test_a1…`. The session id opens the checkout page, so it is long enough never to be guessed. */
export function newId(
  prefix: 'cs' | 'pi' | 'cus' | 'ch' | 're' | 'txn' | 'evt' | 'we' | 'li' | 'price' | 'prod' | 'pm' | 'req' | 'dlv',
): string {
  if (prefix === 'cs') return `cs_test_${randomText(idLength.cs)}`;
  return `${prefix}_${randomText(prefix === 'req' ? idLength.req : 24)}`;
}
