import { pressPay, startRunning, topUp, type Running } from '../test/running-simulator.ts';

let running: Running;
beforeAll(async () => {
  running = await startRunning();
});
afterAll(() => running.stop());

async function open(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; html: string; headers: Headers }> {
  const response = await fetch(`http://127.0.0.1:${running.simulator.port}${path}`, { headers, redirect: 'manual' });
  return { status: response.status, html: await response.text(), headers: response.headers };
}

test('the page shows what is paid, says that the money is simulated, and runs nothing', async () => {
  const session = await running.stripe.checkout.sessions.create(
    topUp({ success_url: 'https://shop.example/done?id={CHECKOUT_SESSION_ID}' }),
  );
  const page = await open(`/checkout/${session.id}`);
  expect(page.status).toBe(200);
  for (const said of ['SIMULATED MONEY', '€20.00', 'Rialto top-up', 'Is declined', 'Cancel and go back'])
    expect(page.html).toContain(said);
  expect(page.html).not.toMatch(/<script|\son\w+=|style=|<style/i);
  expect(page.headers.get('content-security-policy')).toBe(
    "default-src 'none'; style-src 'self'; form-action 'self' https://shop.example http://localhost:7420; base-uri 'none'; frame-ancestors 'none'",
  );
  expect(page.headers.get('referrer-policy')).toBe('no-referrer');
  expect(page.headers.get('cache-control')).toBe('no-store');
});

test.each(['/checkout', '/simulated/checkout'])(
  'every link of the page stays under %s, or was given with the session',
  async (prefix) => {
    const session = await running.stripe.checkout.sessions.create(topUp());
    const address = `http://gateway.example${prefix}/${session.id}`;
    const { html } = await open(`${prefix}/${session.id}`);
    const links = [...html.matchAll(/(?:href|action)="([^"]+)"/g)].map((match) => new URL(match[1] ?? '', address).href);
    expect(links.toSorted()).toEqual(
      [`http://gateway.example${prefix}/checkout.css`, `${address}/pay`, 'http://localhost:7420/wallet'].toSorted(),
    );
    expect((await open(`${prefix}/checkout.css`)).headers.get('content-type')).toBe('text/css; charset=utf-8');
  },
);

test('a name from the shop is text, never markup', async () => {
  const name = `<img src=x onerror=alert(1)>"'&`;
  const session = await running.stripe.checkout.sessions.create(
    topUp({ line_items: [{ quantity: 3, price_data: { currency: 'jpy', unit_amount: 500, product_data: { name } } }] }),
  );
  const { html } = await open(`/checkout/${session.id}`);
  expect(html).toContain('3 × &lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;');
  expect(html).toContain('¥1,500');
  expect(html).not.toContain('<img');
});

test('the reason in the address is one of ours, not text of a stranger', async () => {
  const session = await running.stripe.checkout.sessions.create(topUp());
  const { html } = await open(`/checkout/${session.id}?declined=<b>call-this-number`);
  expect(html).toContain('The payment did not go through.');
  expect(html).not.toContain('call-this-number');
});

test('the page speaks French to who reads French, and to whom the session says so', async () => {
  const session = await running.stripe.checkout.sessions.create(topUp());
  const french = await open(`/checkout/${session.id}`, { 'accept-language': 'fr-CH, fr;q=0.9, en;q=0.8' });
  expect(french.html).toContain('<html lang="fr">');
  expect(french.html).toMatch(/Payer 20,00\s€/);
  expect(french.html).toContain('SIMULATED MONEY');
  const fixed = await running.stripe.checkout.sessions.create(topUp({ locale: 'fr' }));
  expect((await open(`/checkout/${fixed.id}`, { 'accept-language': 'en' })).html).toContain('lang="fr"');
});

test('a paid session, an unknown one, and a card that nobody has', async () => {
  const session = await running.stripe.checkout.sessions.create(topUp());
  const url = session.url ?? '';
  const strange = await pressPay(session, 'constructor');
  expect(strange).toMatchObject({ status: 303, location: `../${session.id}` });
  await pressPay(session, 'pays');
  const paid = await (await fetch(url)).text();
  expect(paid).toContain('This payment is done');
  expect(paid).not.toContain('<form');
  const unknown = await open('/checkout/cs_test_nothing');
  expect(unknown.status).toBe(404);
  expect(unknown.html).toContain('There is no such payment');
});

test('the session names the page as the browser will see it', async () => {
  const behind = await startRunning({ publicUrl: 'http://localhost:7420/simulated/checkout' });
  const session = await behind.stripe.checkout.sessions.create(topUp());
  await behind.stop();
  expect(session.url).toBe(`http://localhost:7420/simulated/checkout/${session.id}`);
});
