import { setTimeout as sleep } from 'node:timers/promises';
import Stripe from 'stripe';
import { refusal, sdk, startRunning, testKey, topUp, type Running } from '../test/running-simulator.ts';

let running: Running;
beforeAll(async () => {
  running = await startRunning();
});
afterAll(() => running.stop());

const create = (change: Record<string, unknown> = {}): Promise<unknown> =>
  running.stripe.checkout.sessions.create({ ...topUp(), ...change } as Stripe.Checkout.SessionCreateParams);

describe('errors have Stripe’s shapes', () => {
  test.each([
    ['an unknown parameter', { surprise: 'x' }, 'parameter_unknown', 'surprise'],
    ['a parameter that left the API', { payment_method_types: ['card'] }, 'parameter_unknown', 'payment_method_types'],
    [
      'an unknown nested parameter',
      {
        line_items: [
          { quantity: 1, price_data: { currency: 'eur', unit_amount: 500, colour: 'red', product_data: { name: 'x' } } },
        ],
      },
      'parameter_unknown',
      'line_items[0][price_data][colour]',
    ],
    ['a missing parameter', { success_url: undefined }, 'parameter_missing', 'success_url'],
    [
      'a wrong integer',
      { line_items: [{ quantity: 1.5, price_data: { currency: 'eur', unit_amount: 500, product_data: { name: 'x' } } }] },
      'parameter_invalid_integer',
      'line_items[0][quantity]',
    ],
    [
      'too small an amount',
      { line_items: [{ quantity: 1, price_data: { currency: 'eur', unit_amount: 49, product_data: { name: 'x' } } }] },
      'amount_too_small',
      'line_items',
    ],
    ['an empty text', { client_reference_id: '' }, 'parameter_invalid_empty', 'client_reference_id'],
    ['an address that is none', { success_url: 'javascript:alert(1)' }, 'url_invalid', 'success_url'],
    ['a customer that does not exist', { customer: 'cus_nobody' }, 'resource_missing', 'customer'],
  ])('%s', async (_, change, code, param) => {
    const error = await refusal(create(change));
    expect(error).toBeInstanceOf(Stripe.errors.StripeInvalidRequestError);
    expect(error).toMatchObject({ statusCode: 400, code, param, rawType: 'invalid_request_error' });
    expect(error.requestId).toMatch(/^req_\w{14}$/);
    expect(error.doc_url).toContain(code.replaceAll('_', '-'));
  });

  test('an id that names nothing is 404', async () => {
    const error = await refusal(running.stripe.checkout.sessions.retrieve('cs_test_nothing'));
    expect(error).toMatchObject({ statusCode: 404, code: 'resource_missing', param: 'id' });
  });

  test('a member that cannot be expanded, and nothing was created by the way', async () => {
    const before = (await running.stripe.checkout.sessions.list({ limit: 100 })).data.length;
    const error = await refusal(create({ expand: ['surprise'] }));
    expect(error.message).toBe('This property cannot be expanded (surprise).');
    expect((await running.stripe.checkout.sessions.list({ limit: 100 })).data).toHaveLength(before);
  });

  test('an address that the API does not have', async () => {
    const error = await refusal(running.stripe.rawRequest('GET', '/v1/moons'));
    expect(error).toMatchObject({ statusCode: 404, rawType: 'invalid_request_error' });
  });
});

test('a body that is not a form, brackets that do not close, too much', async () => {
  const post = async (body: string, type: string): Promise<number> => {
    const url = `http://127.0.0.1:${running.simulator.port}/v1/customers`;
    const headers = { authorization: `Bearer ${testKey}`, 'content-type': type };
    return (await fetch(url, { method: 'POST', body, headers })).status;
  };
  const form = 'application/x-www-form-urlencoded';
  expect(await post('{"name":"x"}', 'application/json')).toBe(400);
  expect(await post('metadata[a=x', form)).toBe(400);
  expect(await post('metadata[a]=x&metadata[a][b]=y', form)).toBe(400);
  expect(await post(`a${'[b]'.repeat(50)}=x`, form)).toBe(400);
  expect(await post('a=x&'.repeat(2_000), form)).toBe(400);
  expect(await post('x'.repeat(100_000), form)).toBe(413);
  expect(await post('__proto__[polluted]=yes', form)).toBe(400);
  expect(await post('metadata[0]=zero&metadata[__proto__]=safe', form)).toBe(200);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

describe('keys', () => {
  test('a wrong key and a live key are 401, and the answer does not repeat the live key', async () => {
    const wrong = await refusal(sdk(running.simulator, 'sk_test_somebodyElse').customers.create({}));
    expect(wrong).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    expect(wrong.message).not.toContain('somebodyElse');
    const liveKey = ['sk', 'live', 'thisIsNotAKeyEither'].join('_');
    const live = await refusal(sdk(running.simulator, liveKey).customers.create({}));
    expect(live).toMatchObject({ statusCode: 401 });
    expect(live.message).toContain('SIMULATED MONEY');
    expect(live.message).not.toContain('thisIsNot');
  });

  test('no key is 401, and basic authentication works as well', async () => {
    const url = `http://127.0.0.1:${running.simulator.port}/v1/events`;
    expect((await fetch(url)).status).toBe(401);
    const authorization = `Basic ${Buffer.from(`${testKey}:`).toString('base64')}`;
    expect((await fetch(url, { headers: { authorization } })).status).toBe(200);
  });

  test('another API version is refused', async () => {
    const error = await refusal(running.stripe.customers.create({}, { apiVersion: '2024-06-20' }));
    expect(error.message).toContain(Stripe.API_VERSION);
  });
});

describe('idempotency', () => {
  test('the same key and parameters give the same answer and do the work once', async () => {
    const first = await running.stripe.customers.create({ name: 'Ana' }, { idempotencyKey: 'ana' });
    const second = await running.stripe.customers.create({ name: 'Ana' }, { idempotencyKey: 'ana' });
    expect(second).toEqual(first);
    expect(first.lastResponse.headers['idempotent-replayed']).toBeUndefined();
    expect(second.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(second.lastResponse.headers['original-request']).toBe(first.lastResponse.requestId);
  });

  test('the same key with other parameters, or for another call, is refused', async () => {
    await running.stripe.customers.create({ name: 'Ben' }, { idempotencyKey: 'ben' });
    for (const call of [
      running.stripe.customers.create({ name: 'Bea' }, { idempotencyKey: 'ben' }),
      running.stripe.checkout.sessions.create(topUp(), { idempotencyKey: 'ben' }),
    ]) {
      expect(await refusal(call)).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
    }
  });

  test('a key whose first call still runs is 409', async () => {
    await running.control('POST', '/faults', { mode: 'delay', holdMs: 300, method: 'POST' });
    const first = running.stripe.customers.create({ name: 'Cy' }, { idempotencyKey: 'cy' });
    await sleep(100);
    const second = await refusal(running.stripe.customers.create({ name: 'Cy' }, { idempotencyKey: 'cy' }));
    expect(second).toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use' });
    const { id } = await first;
    expect((await running.stripe.customers.create({ name: 'Cy' }, { idempotencyKey: 'cy' })).id).toBe(id);
  });

  test('a refused shape is not kept, what was tried is, and keys die after a day', async () => {
    await refusal(running.stripe.customers.create({ email: 'nonsense' }, { idempotencyKey: 'dee' }));
    const made = await running.stripe.customers.create({ email: 'dee@example.com' }, { idempotencyKey: 'dee' });
    const missing = { payment_intent: 'pi_nothing' };
    await refusal(running.stripe.refunds.create(missing, { idempotencyKey: 'gone' }));
    const again = await refusal(running.stripe.refunds.create(missing, { idempotencyKey: 'gone' }));
    expect(again.headers?.['idempotent-replayed']).toBe('true');
    running.pass(86_401_000);
    const later = await running.stripe.customers.create({ email: 'dee@example.com' }, { idempotencyKey: 'dee' });
    expect(later.id).not.toBe(made.id);
  });
});

describe('faults that tests ask for', () => {
  test('an answer lost after the effect is made good by the same key', async () => {
    await running.control('POST', '/faults', { mode: 'error', status: 500, stage: 'after' });
    const lost = await refusal(running.stripe.customers.create({ name: 'Eve' }, { idempotencyKey: 'eve' }));
    expect(lost).toMatchObject({ statusCode: 500, rawType: 'api_error' });
    const found = await running.stripe.customers.create({ name: 'Eve' }, { idempotencyKey: 'eve' });
    expect(found.lastResponse.headers['idempotent-replayed']).toBe('true');
  });

  test('429, and a path that is spared', async () => {
    await running.control('POST', '/faults', { mode: 'error', status: 429, path: '/v1/customers' });
    await running.stripe.events.list({ limit: 1 });
    expect(await refusal(running.stripe.customers.create({}))).toBeInstanceOf(Stripe.errors.StripeRateLimitError);
    await running.stripe.customers.create({});
  });

  test('no answer at all, and a closed connection that the SDK makes good by itself', async () => {
    await running.control('POST', '/faults', { mode: 'timeout', holdMs: 5_000, path: '/v1/customers' });
    const silent = await refusal(running.stripe.customers.create({}, { timeout: 200 }));
    expect(silent).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    await running.control('POST', '/faults', { mode: 'disconnect', stage: 'after', path: '/v1/customers' });
    const created = await running.stripe.customers.create({ name: 'Flo' });
    expect(created.lastResponse.headers['idempotent-replayed']).toBe('true');
  });
});

describe('lists', () => {
  test('events are paged without loss or repetition, forwards and backwards, and by type', async () => {
    for (let count = 0; count < 25; count += 1) await running.stripe.customers.create({ name: `Page ${count}` });
    const all: string[] = [];
    for await (const event of running.stripe.events.list({ limit: 7, type: 'customer.created' })) all.push(event.id);
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBeGreaterThanOrEqual(25);
    const whole = await running.stripe.events.list({ limit: 100, types: ['customer.created'] });
    expect(whole.data.map((event) => event.id)).toEqual(all);
    const back = await running.stripe.events.list({ limit: 3, type: 'customer.created', ending_before: all[10] ?? '' });
    expect(back.data.map((event) => event.id)).toEqual(all.slice(7, 10));
    expect(back.has_more).toBe(true);
    const newest = whole.data[0];
    expect(await running.stripe.events.retrieve(newest?.id ?? '')).toEqual(newest);
  });

  test('limits and cursors are checked', async () => {
    expect(await refusal(running.stripe.events.list({ limit: 101 }))).toMatchObject({ param: 'limit' });
    expect(await refusal(running.stripe.events.list({ starting_after: 'evt_nothing' }))).toMatchObject({
      code: 'resource_missing',
    });
    expect(await refusal(running.stripe.events.list({ starting_after: 'evt_a', ending_before: 'evt_b' }))).toMatchObject({
      statusCode: 400,
    });
    const none = await running.stripe.events.list({ created: { lt: 1_000 } });
    expect(none).toMatchObject({ data: [], has_more: false, url: '/v1/events' });
  });

  test('customers are updated; metadata is merged, and emptied by an empty value', async () => {
    const customer = await running.stripe.customers.create({ name: 'Gil', metadata: { a: '1', b: '2' } });
    const updated = await running.stripe.customers.update(customer.id, { metadata: { b: '', c: '3' } });
    expect(updated).toMatchObject({ name: 'Gil', metadata: { a: '1', c: '3' } });
    expect(updated.metadata).not.toHaveProperty('b');
    expect(await running.stripe.customers.retrieve(customer.id)).toEqual(updated);
  });
});
