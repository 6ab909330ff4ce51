const LIVE_KEY = /^(sk|rk)_live_/;
const REAL_MONEY = 'docs/operations.md says what real money needs.';

/** What a person should know of a running system: what is simulated, and what is off with the command that helps; each a sentence. */
export function notesOn({ env, turn, webDir }) {
  const off = [];
  if (turn.off) off.push(`Off: ${turn.off}`);
  if (!webDir) off.push('Off: the web client (not built; npm start without --no-web builds it)');
  return { simulated: moneyNotes(env.RIALTO_STRIPE_KEY), off };
}

/** A test key speaks to Stripe itself, which then plays with money as our simulator does. */
function moneyNotes(stripeKey) {
  if (!stripeKey) return [`Money is simulated: no card is charged. ${REAL_MONEY}`];
  if (LIVE_KEY.test(stripeKey)) return [];
  return [`Money is simulated: RIALTO_STRIPE_KEY is a test key, with which Stripe charges no card. ${REAL_MONEY}`];
}
