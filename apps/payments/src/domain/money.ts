/** Amounts are bigint minor units everywhere; only Stripe wants numbers, and only there they become one. */

/** Currencies with three decimals, of which Stripe takes the last digit only as zero (docs.stripe.com/currencies#three-decimal). */
const THREE_DECIMALS = 3;
const STRIPE_STEP_MINOR = 10n;

/** Whether the processor can charge exactly this amount. */
export function isChargeable(amountMinor: bigint, exponent: number): boolean {
  if (amountMinor <= 0n || amountMinor > BigInt(Number.MAX_SAFE_INTEGER)) return false;
  return exponent !== THREE_DECIMALS || amountMinor % STRIPE_STEP_MINOR === 0n;
}

/** The amount as Stripe's API has it. Ask `isChargeable` first. */
export function toStripeAmount(amountMinor: bigint): number {
  if (amountMinor > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError('an amount does not fit into a number');
  return Number(amountMinor);
}

/** An amount from Stripe's API. */
export function fromStripeAmount(amount: number): bigint {
  if (!Number.isSafeInteger(amount)) throw new RangeError('the processor named an amount that is no whole number of minor units');
  return BigInt(amount);
}
