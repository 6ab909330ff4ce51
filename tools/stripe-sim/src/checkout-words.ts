import type { TestCardName } from './cards.ts';

/** What the checkout page says. */
export interface CheckoutWords {
  title: string;
  simulated: string;
  simulatedMore: string;
  chooseCard: string;
  cards: Partial<Record<TestCardName, { name: string; what: string }>>;
  pay: (amount: string) => string;
  cancel: string;
  declined: Record<string, string>;
  declinedOther: string;
  nothingCharged: string;
  completeTitle: string;
  complete: string;
  expiredTitle: string;
  expired: string;
  goBack: string;
  unknownTitle: string;
  unknown: string;
}

const english: CheckoutWords = {
  title: 'Pay with a test card',
  simulated: 'SIMULATED MONEY',
  simulatedMore: 'This page stands in for Stripe. No card is real and nothing is charged.',
  chooseCard: 'Choose a test card',
  cards: {
    pays: { name: 'Card ending in 4242', what: 'Pays' },
    declined: { name: 'Card ending in 0002', what: 'Is declined' },
    insufficient: { name: 'Card ending in 9995', what: 'Has too little money' },
  },
  pay: (amount) => `Pay ${amount}`,
  cancel: 'Cancel and go back',
  declined: {
    generic_decline: 'The card was declined.',
    insufficient_funds: 'The card has too little money.',
    expired_card: 'The card has expired.',
  },
  declinedOther: 'The payment did not go through.',
  nothingCharged: 'Nothing was paid. Choose another card, or cancel.',
  completeTitle: 'This payment is done',
  complete: 'There is nothing left to pay here.',
  expiredTitle: 'This payment page has expired',
  expired: 'Nothing was paid. Go back and start again.',
  goBack: 'Go back',
  unknownTitle: 'There is no such payment',
  unknown: 'The address may be incomplete. Go back to where you came from and start again.',
};

const french: CheckoutWords = {
  title: 'Payer avec une carte de test',
  simulated: 'ARGENT SIMULÉ',
  simulatedMore: 'SIMULATED MONEY. Cette page remplace Stripe. Aucune carte n’est réelle et rien n’est débité.',
  chooseCard: 'Choisissez une carte de test',
  cards: {
    pays: { name: 'Carte finissant par 4242', what: 'Paie' },
    declined: { name: 'Carte finissant par 0002', what: 'Est refusée' },
    insufficient: { name: 'Carte finissant par 9995', what: 'Manque de fonds' },
  },
  pay: (amount) => `Payer ${amount}`,
  cancel: 'Annuler et revenir',
  declined: {
    generic_decline: 'La carte a été refusée.',
    insufficient_funds: 'La carte manque de fonds.',
    expired_card: 'La carte a expiré.',
  },
  declinedOther: 'Le paiement n’a pas abouti.',
  nothingCharged: 'Rien n’a été payé. Choisissez une autre carte, ou annulez.',
  completeTitle: 'Ce paiement est terminé',
  complete: 'Il n’y a plus rien à payer ici.',
  expiredTitle: 'Cette page de paiement a expiré',
  expired: 'Rien n’a été payé. Revenez en arrière et recommencez.',
  goBack: 'Revenir',
  unknownTitle: 'Ce paiement n’existe pas',
  unknown: 'L’adresse est peut-être incomplète. Revenez d’où vous venez et recommencez.',
};

export type Language = 'en' | 'fr';

/** The session's language if it names one, else the browser's first, else English. */
export function chooseLanguage(locale: string | null, acceptLanguage: string): Language {
  if (locale === 'fr' || locale === 'en') return locale;
  return /^\s*fr\b/i.test(acceptLanguage) ? 'fr' : 'en';
}

export function words(language: Language): CheckoutWords {
  return language === 'fr' ? french : english;
}
