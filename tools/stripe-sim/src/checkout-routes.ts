import type { FastifyInstance, FastifyReply } from 'fastify';
import type Stripe from 'stripe';
import { isTestCardName } from './cards.ts';
import { checkoutPage, successAddress, unknownPage } from './checkout-html.ts';
import { payCheckout } from './checkout-payment.ts';
import { checkoutStyle } from './checkout-style.ts';
import { decodeForm } from './form-encoding.ts';
import type { Simulation } from './simulation.ts';

interface CheckoutContext {
  simulation: Simulation;
  sweep: () => void;
  changed: () => void;
}

/** The page's two addresses: its own, and the one under which a gateway passes it on without changing the path. */
const checkoutPrefixes = ['/checkout', '/simulated/checkout'] as const;

/** Serves the page on which a person pays, or does not. */
export function serveCheckout(app: FastifyInstance, context: CheckoutContext): void {
  for (const prefix of checkoutPrefixes) servePage(app, prefix, context);
}

function servePage(app: FastifyInstance, prefix: string, { simulation, sweep, changed }: CheckoutContext): void {
  app.get(`${prefix}/checkout.css`, async (_request, reply) =>
    reply
      .type('text/css; charset=utf-8')
      .header('cache-control', 'no-cache')
      .header('x-content-type-options', 'nosniff')
      .send(checkoutStyle),
  );

  app.get<{ Params: { id: string }; Querystring: { declined?: string } }>(`${prefix}/:id`, async (request, reply) => {
    sweep();
    const session = simulation.store.get('checkout.session', request.params.id);
    const backing = simulation.store.get('checkout.session.backing', request.params.id);
    const acceptLanguage = request.headers['accept-language'] ?? '';
    if (!session || !backing) return page(reply.code(404), null, unknownPage(acceptLanguage));
    const declined = typeof request.query.declined === 'string' ? request.query.declined : null;
    return page(reply, session, checkoutPage({ session, backing, declined, acceptLanguage }));
  });

  app.post<{ Params: { id: string } }>(`${prefix}/:id/pay`, async (request, reply) => {
    sweep();
    const { id } = request.params;
    const form = decodeForm(typeof request.body === 'string' ? request.body : '');
    const session = simulation.store.get('checkout.session', id);
    if (!session) return page(reply.code(404), null, unknownPage(request.headers['accept-language'] ?? ''));
    // A second click on "Pay" comes here after the first has paid: it leads to the same place.
    if (session.status === 'complete') return reply.redirect(successAddress(session), 303);
    const { card } = form;
    if (session.status !== 'open' || !isTestCardName(card)) return reply.redirect(`../${id}`, 303);
    const result = simulation.store.transaction(() => payCheckout(simulation, id, { card }));
    changed();
    // Relative, so that the browser stays on the address by which it came.
    if (result.declined) return reply.redirect(`../${id}?declined=${encodeURIComponent(result.declined.code)}`, 303);
    return reply.redirect(successAddress(result.session), 303);
  });
}

/** No script, no frame, no foreign resource. Browsers apply `form-action` to redirects too, so the session's own return addresses are named. */
function page(reply: FastifyReply, session: Stripe.Checkout.Session | null, html: string): FastifyReply {
  const returns = [session?.success_url, session?.cancel_url].filter((address) => typeof address === 'string');
  const origins = returns.map((address) => new URL(address.replaceAll(/[{}]/g, '')).origin);
  const formAction = ["'self'", ...new Set(origins)].join(' ');
  return reply
    .type('text/html; charset=utf-8')
    .headers({
      'content-security-policy': `default-src 'none'; style-src 'self'; form-action ${formAction}; base-uri 'none'; frame-ancestors 'none'`,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'x-simulated-money': 'true',
    })
    .send(html);
}
