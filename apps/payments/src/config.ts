import { LedgerId } from '@rialto/contracts';
import { KeyVariable } from '@rialto/service';
import * as z from 'zod';

const LIVE_KEY = /^(sk|rk)_live_/;

/** What the payments service is told. */
export const PaymentsConfig = z
  .object({
    RIALTO_STRIPE_KEY: z.string().regex(/^(sk|rk)_(test|live)_\w{8,}$/, 'must be a secret or restricted Stripe key'),
    /** Where Stripe is simulated. Absent: api.stripe.com. */
    RIALTO_STRIPE_URL: z.url({ protocol: /^https?$/, error: 'must be an http(s) address' }).optional(),
    RIALTO_STRIPE_WEBHOOK_SECRET: z.string().regex(/^whsec_\w{16,}$/, 'must be a webhook signing secret (whsec_…)'),
    /**
     * Whose licence covers real money between people: the name of the licensed partner, or of the operator who is one. Moving other people's
     * money needs a licence nearly everywhere, so nothing turns it on by the way.
     */
    RIALTO_LICENSED_PARTNER: z.string().min(3).max(100).optional(),
    /** The seed of the key that signs receipts. */
    RIALTO_LEDGER_KEY: KeyVariable,
    RIALTO_LEDGER_ID: LedgerId,
    /** Where people reach Rialto: the processor sends them back there. */
    RIALTO_PUBLIC_URL: z.url({ protocol: /^https?$/, error: 'must be an http(s) address' }),
  })
  .refine(({ RIALTO_STRIPE_URL, RIALTO_STRIPE_KEY }) => RIALTO_STRIPE_URL === undefined || !LIVE_KEY.test(RIALTO_STRIPE_KEY), {
    path: ['RIALTO_STRIPE_KEY'],
    error: 'is a live key beside a simulated Stripe: simulated money never runs beside real money',
  })
  .refine(
    ({ RIALTO_LICENSED_PARTNER, RIALTO_STRIPE_KEY }) =>
      RIALTO_LICENSED_PARTNER !== undefined || !LIVE_KEY.test(RIALTO_STRIPE_KEY),
    {
      path: ['RIALTO_LICENSED_PARTNER'],
      error: 'must name whose licence covers real money between people, beside a live Stripe key',
    },
  );
export type PaymentsConfig = z.output<typeof PaymentsConfig>;

/** Whether the money is only played: with a test key the processor charges nobody, simulated or not. */
export const isSimulated = ({ RIALTO_STRIPE_KEY }: PaymentsConfig): boolean => !LIVE_KEY.test(RIALTO_STRIPE_KEY);
