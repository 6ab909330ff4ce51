import type Stripe from 'stripe';
import { chooseLanguage, words, type CheckoutWords, type Language } from './checkout-words.ts';
import { formatMoney } from './money.ts';
import type { SessionBacking } from './wire.ts';

/** Text made safe for an element or a quoted attribute. */
function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** What the page shows. */
export interface CheckoutView {
  session: Stripe.Checkout.Session;
  backing: SessionBacking;
  declined: string | null;
  acceptLanguage: string;
}

function shell(language: Language, said: CheckoutWords, title: string, content: string): string {
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)} · ${escapeHtml(said.simulated)} · Rialto</title>
<link rel="stylesheet" href="checkout.css">
</head>
<body>
<header class="mark">
<svg viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="3.4" stroke-linecap="round" aria-hidden="true"><path d="M3 24c0-8.5 5.6-15 13-15s13 6.5 13 15"/><path d="M9.5 24c0-4.4 2.7-7.6 6.5-7.6s6.5 3.2 6.5 7.6"/></svg>
Rialto
</header>
<main>
<div class="simulated" role="note"><strong>${escapeHtml(said.simulated)}</strong><p>${escapeHtml(said.simulatedMore)}</p></div>
${content}
</main>
</body>
</html>
`;
}

/** The page for a session in whatever state it is. Every link on it is relative to its own address, or was given with the session. */
export function checkoutPage(view: CheckoutView): string {
  const { session } = view;
  const language = chooseLanguage(session.locale, view.acceptLanguage);
  const said = words(language);
  if (session.status === 'complete') {
    return shell(language, said, said.completeTitle, ended(said.completeTitle, said.complete, said, successAddress(session)));
  }
  if (session.status === 'expired') {
    return shell(
      language,
      said,
      said.expiredTitle,
      ended(said.expiredTitle, said.expired, said, session.cancel_url ?? successAddress(session)),
    );
  }
  return shell(
    language,
    said,
    said.title,
    `${order(view, language, said)}\n${declinedNotice(view, said)}${payForm(session, language, said)}`,
  );
}

/** The page for an id that names no session. */
export function unknownPage(acceptLanguage: string): string {
  const language = chooseLanguage(null, acceptLanguage);
  const said = words(language);
  return shell(language, said, said.unknownTitle, ended(said.unknownTitle, said.unknown, said, null));
}

function ended(title: string, text: string, said: CheckoutWords, link: string | null): string {
  const action = link === null ? '' : `\n<a class="button" href="${escapeHtml(link)}">${escapeHtml(said.goBack)}</a>`;
  return `<div><h1>${escapeHtml(title)}</h1>\n<p class="meta">${escapeHtml(text)}</p></div>${action}`;
}

/** Longer amounts are set smaller, so that none breaks inside its digits at 320 px. */
const longAmountLength = 11;

function order(view: CheckoutView, language: Language, said: CheckoutWords): string {
  const { session, backing } = view;
  const money = (amount: number): string => escapeHtml(formatMoney(amount, session.currency ?? '', language));
  const items = backing.lineItems.map((item) => {
    const count = item.quantity === 1 ? '' : `${item.quantity ?? 0} × `;
    return `<li><span>${count}${escapeHtml(item.description ?? '')}</span><span>${money(item.amount_total)}</span></li>`;
  });
  const total = money(session.amount_total ?? 0);
  const size = total.length > longAmountLength ? 'amount long' : 'amount';
  return `<section>
<h1>${escapeHtml(said.title)}</h1>
<p class="${size}">${total}</p>
<ul>${items.join('')}</ul>
</section>`;
}

function declinedNotice(view: CheckoutView, said: CheckoutWords): string {
  if (view.declined === null) return '';
  const reason = said.declined[view.declined] ?? said.declinedOther;
  return `<div class="declined" role="alert"><strong>${escapeHtml(reason)}</strong><p>${escapeHtml(said.nothingCharged)}</p></div>\n`;
}

function payForm(session: Stripe.Checkout.Session, language: Language, said: CheckoutWords): string {
  const choices = Object.entries(said.cards).map(
    ([card, { name, what }], index) =>
      `<label><input type="radio" name="card" value="${card}" required${index === 0 ? ' checked' : ''}><span><strong>${escapeHtml(what)}</strong><span class="meta">${escapeHtml(name)}</span></span></label>`,
  );
  const cancel =
    session.cancel_url === null ? '' : `<a class="quiet" href="${escapeHtml(session.cancel_url)}">${escapeHtml(said.cancel)}</a>`;
  return `<form method="post" action="${session.id}/pay">
<fieldset><legend>${escapeHtml(said.chooseCard)}</legend>
${choices.join('\n')}
</fieldset>
<button type="submit">${escapeHtml(said.pay(formatMoney(session.amount_total ?? 0, session.currency ?? '', language)))}</button>
${cancel}
</form>`;
}

/** Where a paid session leads: `{CHECKOUT_SESSION_ID}` stands for its id (docs.stripe.com/payments/checkout/custom-success-page). */
export function successAddress(session: Stripe.Checkout.Session): string {
  return (session.success_url ?? '').replaceAll('{CHECKOUT_SESSION_ID}', session.id);
}
