import { ListVariable } from '@rialto/service';
import * as z from 'zod';

/** `RIALTO_TURN_URLS`: `turn:host:port?transport=udp,…`; empty means no relay. `RIALTO_TURN_SECRET` is coturn's `static-auth-secret`. */
export const callsConfig = z.object({
  RIALTO_TURN_URLS: ListVariable.pipe(
    z.array(z.string().regex(/^turns?:\S+$/, 'every entry begins with turn: or turns:')),
  ).default([]),
  RIALTO_TURN_SECRET: z.string().min(16, 'must be the secret of the TURN server, at least 16 characters').optional(),
});
export type CallsConfig = z.output<typeof callsConfig>;
