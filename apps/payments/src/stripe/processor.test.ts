import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAX_LISTED, Processor } from './processor.ts';

const PAGE = 100;

let server: Server;
let answer: (url: URL) => object;
let processor: Processor;
let said: unknown[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    const body = JSON.stringify(answer(new URL(request.url ?? '/', 'http://localhost')));
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  processor = new Processor({
    key: 'sk_test_processor',
    url: `http://127.0.0.1:${port}`,
    publicUrl: 'http://localhost:7420',
    log: { error: (...words: unknown[]) => void said.push(words) },
  });
});
beforeEach(() => {
  said = [];
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** So many of them, newest first, as Stripe pages. */
const listOf =
  (count: number, make: (number: number) => object) =>
  ({ searchParams }: URL): object => {
    const from = Number(searchParams.get('starting_after')?.split('_').at(-1) ?? count);
    const numbers = Array.from({ length: Math.min(PAGE, from) }, (_each, index) => from - index - 1);
    return { object: 'list', url: '/v1/x', has_more: from > PAGE, data: numbers.map(make) };
  };
const event = (number: number) => ({ id: `evt_${number}`, type: 'x', created: number, data: { object: {} } });

test('a checkout of another kind is none of ours, even where the Stripe account is', async () => {
  answer = () => ({
    id: 'cs_test_1',
    object: 'checkout.session',
    mode: 'setup',
    status: 'complete',
    amount_total: null,
    currency: null,
  });
  await expect(processor.readCheckout('cs_test_1')).resolves.toBeUndefined();
});

test('a list is read to its end, oldest first', async () => {
  answer = listOf(2_345, event);
  const notices = await processor.listNotices(new Date(0));
  expect(notices.map(({ id }) => id)).toEqual(Array.from({ length: 2_345 }, (_each, number) => `evt_${number}`));
  expect(said).toEqual([]);
});

test('a list that is longer than the limit is read so far, and that is said', async () => {
  answer = listOf(MAX_LISTED, event);
  expect(await processor.listNotices(new Date(0))).toHaveLength(MAX_LISTED);
  expect(said).toEqual([]);
  answer = listOf(MAX_LISTED + 1, event);
  const notices = await processor.listNotices(new Date(0));
  expect([notices.length, notices[0]?.id]).toEqual([MAX_LISTED, 'evt_1']);
  expect(said).toEqual([[{ what: 'events', limit: MAX_LISTED }, expect.stringContaining('left out')]]);
});

test('a checkout is looked for until it is found, and no further', async () => {
  const asked: string[] = [];
  const sessions = listOf(1_000, (number) => ({ id: `cs_${number}`, client_reference_id: `top_${number}` }));
  const session = {
    id: 'cs_750',
    mode: 'payment',
    client_reference_id: 'top_750',
    amount_total: 100,
    currency: 'eur',
    status: 'open',
  };
  answer = (url) => {
    asked.push(url.pathname);
    return url.pathname.endsWith('/sessions') ? sessions(url) : { ...session, payment_status: 'unpaid', payment_intent: null };
  };
  expect(await processor.findCheckout('top_750', new Date(0))).toMatchObject({ topUpId: 'top_750', standing: 'open' });
  expect(asked).toHaveLength(4);
  expect(await processor.findCheckout('top_none', new Date(0))).toBeUndefined();
});

test('of the books, what came from payers and what went back to them is read, in their currency', async () => {
  const charge = {
    object: 'charge',
    id: 'ch_1',
    payment_intent: 'pi_1',
    currency: 'usd',
    amount: 500,
    metadata: { topUpId: 'top_1' },
  };
  const refund = { object: 'refund', id: 're_1', payment_intent: 'pi_1', currency: 'usd', amount: 200, status: 'succeeded' };
  const lines = [
    { id: 'txn_6', type: 'payout', source: { object: 'payout' } },
    { id: 'txn_5', type: 'stripe_fee', source: null },
    { id: 'txn_4', type: 'refund', source: { ...refund, status: 'pending' } },
    { id: 'txn_3', type: 'refund', currency: 'eur', amount: -180, source: refund },
    { id: 'txn_2', type: 'adjustment', source: charge },
    { id: 'txn_1', type: 'payment', currency: 'eur', amount: 450, source: charge },
  ];
  answer = () => ({ object: 'list', url: '/v1/balance_transactions', has_more: false, data: lines });
  expect(await processor.listMovements(new Date(0))).toEqual([
    {
      id: 'txn_1',
      kind: 'payment',
      sourceId: 'ch_1',
      paymentIntentId: 'pi_1',
      topUpId: 'top_1',
      currency: 'USD',
      amountMinor: 500n,
    },
    {
      id: 'txn_3',
      kind: 'refund',
      sourceId: 're_1',
      paymentIntentId: 'pi_1',
      topUpId: null,
      currency: 'USD',
      amountMinor: 200n,
    },
  ]);
});
