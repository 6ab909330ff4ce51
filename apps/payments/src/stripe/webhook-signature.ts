import { AppError } from '@rialto/contracts';
import Stripe from 'stripe';
import { noticeOf, type Notice } from './processor.ts';

/** How old a delivery may be, and how far ahead: the SDK itself refuses only what is too old. */
export const WEBHOOK_WINDOW_S = 300;

/**
 * Reads a webhook delivery. `body` are the bytes as they came: parsed and written again, the signature would not fit. Throws `webhook-refused`
 * when the signature is not ours, or its time is more than 300 s away from ours, in either direction.
 */
export function readWebhook(body: Uint8Array, signature: string, { secret, nowMs }: { secret: string; nowMs: number }): Notice {
  const nowSeconds = Math.floor(nowMs / 1_000);
  if (signedAtSeconds(signature) > nowSeconds + WEBHOOK_WINDOW_S) throw new AppError('webhook-refused');
  try {
    return noticeOf(Stripe.webhooks.constructEvent(Buffer.from(body), signature, secret, WEBHOOK_WINDOW_S, undefined, nowMs));
  } catch (error) {
    throw new AppError('webhook-refused', undefined, error);
  }
}

/** Exactly one time: of several the SDK checks the last, and it would not be the one that was looked at here. */
function signedAtSeconds(signature: string): number {
  const [time, ...others] = signature.split(',').filter((part) => part.split('=')[0] === 't');
  const digits = time !== undefined && others.length === 0 ? /^t=(\d{1,12})$/.exec(time)?.[1] : undefined;
  if (digits === undefined) throw new AppError('webhook-refused');
  return Number(digits);
}
