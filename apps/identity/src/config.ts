import { KeyVariable, ListVariable } from '@rialto/service';
import * as z from 'zod';

/** An origin as browsers write it: scheme, host and port, and nothing after them. */
const Origin = z
  .url()
  .refine((text) => new URL(text).origin === text, 'must be origins such as https://rialto.example, without a path');

export const identityConfig = z.object({
  /** The Ed25519 seed that signs session tokens. */
  RIALTO_TOKEN_PRIVATE_KEY: KeyVariable,
  /** The origins that devices may sign sessions for, separated by commas. */
  RIALTO_ORIGINS: ListVariable.pipe(z.array(Origin).min(1, 'is missing')),
});
