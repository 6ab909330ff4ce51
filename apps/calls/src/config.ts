import * as z from 'zod';

/** `RIALTO_TURN_URLS`: `turn:host:port?transport=udp,…`; empty means no relay. `RIALTO_TURN_SECRET` is coturn's `static-auth-secret`. */
export const callsConfig = z
  .object({
    RIALTO_TURN_URLS: z.string().default(''),
    RIALTO_TURN_SECRET: z.string().default(''),
  })
  .transform(({ RIALTO_TURN_URLS, RIALTO_TURN_SECRET }) => ({
    turnUrls: RIALTO_TURN_URLS.split(',')
      .map((url) => url.trim())
      .filter((url) => url !== ''),
    turnSecret: RIALTO_TURN_SECRET,
  }))
  .refine(({ turnUrls }) => turnUrls.every((url) => /^turns?:[^\s]+$/.test(url)), {
    path: ['RIALTO_TURN_URLS'],
    message: 'Every entry begins with turn: or turns:.',
  })
  .refine(({ turnUrls, turnSecret }) => turnUrls.length === 0 || turnSecret.length >= 16, {
    path: ['RIALTO_TURN_SECRET'],
    message: 'Name the secret of the TURN server, at least 16 characters.',
  });
export type CallsConfig = z.output<typeof callsConfig>;
