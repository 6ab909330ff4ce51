/**
 * The closed list of what keys sign. The signature covers `"rialto/<purpose>/v1" ‖ 0x00 ‖ SHA-512(body)`, so bytes signed for one
 * purpose mean nothing for another.
 */
export const SIGNATURE_PURPOSES = [
  'device-chain',
  'leave',
  'session',
  'chain-append',
  'handle-claim',
  'transfer-intent',
  'receipt',
] as const;
export type SignaturePurpose = (typeof SIGNATURE_PURPOSES)[number];
