import { createHmac } from 'node:crypto';

/**
 * The `Stripe-Signature` header (docs.stripe.com/webhooks#verify-manually): `t=<seconds>,v1=<hex HMAC-SHA256 of "t.payload">`.
 * Written here by hand, so that the SDK's verifier is checked against a second implementation.
 */
export function signatureHeader(payload: string, secret: string, timestampSeconds: number): string {
  const signature = createHmac('sha256', secret).update(`${timestampSeconds}.${payload}`).digest('hex');
  return `t=${timestampSeconds},v1=${signature}`;
}
