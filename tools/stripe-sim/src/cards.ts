/** The test cards: Stripe's own numbers and payment methods, so that nothing new has to be learnt. */
export interface TestCard {
  last4: string;
  paymentMethod: string;
  outcome: { kind: 'pays' } | { kind: 'declined'; code: 'card_declined' | 'expired_card'; declineCode: string; message: string };
}

const declined = (code: 'card_declined' | 'expired_card', declineCode: string, message: string): TestCard['outcome'] => ({
  kind: 'declined',
  code,
  declineCode,
  message,
});

export const testCards = {
  pays: { last4: '4242', paymentMethod: 'pm_card_visa', outcome: { kind: 'pays' } },
  declined: {
    last4: '0002',
    paymentMethod: 'pm_card_visa_chargeDeclined',
    outcome: declined('card_declined', 'generic_decline', 'Your card was declined.'),
  },
  insufficient: {
    last4: '9995',
    paymentMethod: 'pm_card_visa_chargeDeclinedInsufficientFunds',
    outcome: declined('card_declined', 'insufficient_funds', 'Your card has insufficient funds.'),
  },
  expired: {
    last4: '0069',
    paymentMethod: 'pm_card_chargeDeclinedExpiredCard',
    outcome: declined('expired_card', 'expired_card', 'Your card has expired.'),
  },
} as const satisfies Record<string, TestCard>;

export type TestCardName = keyof typeof testCards;

export function isTestCardName(name: unknown): name is TestCardName {
  return typeof name === 'string' && Object.hasOwn(testCards, name);
}

export function cardByPaymentMethod(paymentMethod: string): TestCard | undefined {
  return Object.values(testCards).find((card) => card.paymentMethod === paymentMethod);
}
