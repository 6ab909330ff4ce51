import { CONTRACTS, type IntentId } from '@rialto/contracts';
import { BAD_BYTES, badRequests } from '../src/bad-requests.ts';
import { callHttp, codeOf } from '../src/call.ts';
import { ask, askRaw, problemOf } from '../src/http.ts';
import { intentOf } from '../src/money.ts';
import { type Device, loopbackAddress, newId } from '../src/person.ts';
import { untouchedScene } from './untouched-scene.ts';

const { identity, payments } = CONTRACTS;

const here = untouchedScene();

test('every bad request is answered with a problem that names the fault', async () => {
  const wrong: object[] = [];
  for (const { name, ask: request, code } of badRequests(here.scene)) {
    const answer = await ask(here.system.gateway(0), { from: loopbackAddress(), ...request }).catch((error: Error) => error);
    const got = answer instanceof Error ? `no answer: ${answer.message}` : codeIn(answer);
    if (![code].flat().includes(got)) wrong.push({ name, expected: code, got });
  }
  expect(wrong).toEqual([]);
});
function codeIn(answer: Parameters<typeof problemOf>[0]): string {
  try {
    return answer.status >= 500 ? `status ${answer.status}` : problemOf(answer).code;
  } catch (error) {
    return (error as Error).message;
  }
}

test('HEAD answers like GET, without a body', async () => {
  const answer = await ask(here.system.url, { method: 'HEAD', path: '/v1/wallet' });
  expect({ status: answer.status, text: answer.text }).toEqual({ status: 401, text: '' });
});

test.each(Object.entries(BAD_BYTES))('bytes on the port: %s', async (_name, bytes) => {
  const text = await askRaw(here.system.gateway(1), bytes, { from: loopbackAddress() });
  expect(text === '' || /^HTTP\/1\.[01] 4\d\d /.test(text) ? 'refused' : text).toBe('refused');
  expect(text).not.toMatch(/smuggled.*\r\n\r\nHTTP/);
});

test('what is not ours to answer is the client, and shows nothing of the machine', async () => {
  const paths = [
    '/../../../etc/passwd',
    '/..%2f..%2f..%2fetc/passwd',
    '//v1/wallet',
    '/V1/wallet',
    '/v2/wallet',
    '/.env',
    '/metrics',
  ];
  for (const path of paths) {
    const { status, headers, text } = await ask(here.system.url, { path });
    const isPage = status === 200 && headers['content-type']?.startsWith('text/html') === true && text.includes('Rialto');
    expect({ path, isFine: isPage || status === 404 || status === 400, leaks: /root:|RIALTO_|seed/.test(text) }).toEqual({
      path,
      isFine: true,
      leaks: false,
    });
  }
});

test('a page of another origin gets no leave to read', async () => {
  const headers = { origin: 'https://evil.example', 'access-control-request-method': 'GET' };
  for (const method of ['GET', 'OPTIONS']) {
    const answer = await ask(here.system.url, { method, path: '/v1/handles/ana/availability', headers });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
  }
});

describe('sessions', () => {
  async function request(device: Device, change: object = {}) {
    const { nonce } = await callHttp(identity.operations.createChallenge, {}, { url: here.system.url, from: loopbackAddress() });
    return {
      accountId: device.person.id,
      deviceId: device.id,
      origin: here.system.url,
      nonce,
      at: new Date().toISOString(),
      ...change,
    };
  }
  const open = (body: { signed: string; signature: string }) =>
    codeOf(callHttp(identity.operations.createSession, body, { url: here.system.url, from: loopbackAddress() }));

  test.each([
    ['for another origin', { origin: 'https://evil.example' }, 'origin-refused'],
    ['for an origin with a path', { origin: 'http://localhost/path' }, 'origin-refused'],
    ['with a nonce of its own', { nonce: 'a'.repeat(40) }, 'unauthenticated'],
    ['with NUL in the nonce', { nonce: 'a\0b' }, 'unauthenticated'],
    ['from the past', { at: '2020-01-01T00:00:00.000Z' }, 'unauthenticated'],
    ['from the future', { at: '2099-01-01T00:00:00.000Z' }, 'unauthenticated'],
    ['with one field more', { isAdmin: true }, 'invalid-input'],
    ['of an unknown device', { deviceId: 'A'.repeat(21) + 'Q' }, 'unauthenticated'],
  ])('a request %s opens nothing', async (_name, change, code) => {
    const { first } = here.scene.ana;
    expect(await open(first.signedBody('session', await request(first, change)))).toBe(code);
  });

  test('a request signed for another purpose, by another key, or changed after signing opens nothing', async () => {
    const { ana, eve } = here.scene;
    expect(await open(ana.first.signedBody('chain-append', await request(ana.first)))).toBe('signature-invalid');
    expect(await open(eve.first.signedBody('session', await request(ana.first)))).toBe('signature-invalid');
    const body = ana.first.signedBody('session', await request(ana.first));
    const changed = Buffer.from(Buffer.from(body.signed, 'base64url').toString().replace('Z"', 'Z" ')).toString('base64url');
    expect(await open({ ...body, signed: changed })).toBe('signature-invalid');
    const zeros = Buffer.alloc(64).toString('base64url');
    expect(await open({ ...body, signature: zeros })).toBe('signature-invalid');
  });

  test('signed bytes that are not the JSON of a request open nothing', async () => {
    const { first } = here.scene.ana;
    for (const bytes of ['', '{', '[]', 'null', Buffer.from([0xff, 0xfe])]) {
      expect(await open(first.signedBody('session', bytes))).toBe('invalid-input');
    }
    expect(await open(first.signedBody('session', ' '.repeat(10_000)))).toBe('payload-too-large');
  });

  test('the device that was revoked cannot come back', async () => {
    expect(await open(here.scene.revoked.signedBody('session', await request(here.scene.revoked)))).toBe('device-revoked');
  });
});

test('a session request works once', async () => {
  const { eve } = here.scene;
  const where = { url: here.system.url, from: loopbackAddress() };
  const { nonce } = await callHttp(identity.operations.createChallenge, {}, where);
  const request = { accountId: eve.id, deviceId: eve.first.id, origin: here.system.url, nonce, at: new Date().toISOString() };
  const body = eve.first.signedBody('session', request);
  expect(await codeOf(callHttp(identity.operations.createSession, body, where))).toBe('ok');
  await here.untouched.accept(); // The session that was opened is seen on the device.
  expect(await codeOf(callHttp(identity.operations.createSession, body, where))).toBe('unauthenticated');
});

describe('transfers', () => {
  const pay = (body: object, device = here.scene.ana.first) =>
    codeOf(callHttp(payments.operations.transfer, body as never, { url: here.system.url, token: device.token }));
  const signed = (change: object) => {
    const { ana, ben } = here.scene;
    return ana.first.signedBody('transfer-intent', { ...intentOf(ana, ben, 5n), ...change });
  };

  test.each([
    ['has expired', { expiresAt: '2020-01-01T00:00:00.000Z' }, 'intent-expired'],
    ['lives for a year', { expiresAt: new Date(Date.now() + 31_536_000_000).toISOString() }, 'intent-invalid'],
    ['is for another ledger', { ledger: 'ldg_AAAAAAAAAAAAAAAAAAAAAA' }, 'intent-invalid'],
    ['takes from somebody else', { from: 'A'.repeat(43) }, 'intent-invalid'],
    ['pays nobody', { to: 'A'.repeat(43) }, 'not-found'],
    ['moves nothing', { amountMinor: '0' }, 'invalid-input'],
    ['moves less than nothing', { amountMinor: '-5' }, 'invalid-input'],
    ['moves a fraction', { amountMinor: '1.5' }, 'invalid-input'],
    ['moves a number', { amountMinor: 5 }, 'invalid-input'],
    ['moves more than there is', { amountMinor: '999999' }, 'insufficient-funds'],
    ['moves more than is allowed', { amountMinor: '999999999999999999' }, 'limit-exceeded'],
    ['moves more than fits', { amountMinor: '9'.repeat(19) }, 'invalid-input'],
    ['is in another currency', { currency: 'XTS' }, 'currency-unknown'],
    ['names another state of the chain', { chainSeq: 1 }, 'chain-stale'],
    ['names a chain that is not there yet', { chainSeq: 99 }, 'chain-stale'],
    ['has one field more', { more: 1 }, 'invalid-input'],
  ])('an intent that %s moves nothing', async (_name, change, code) => {
    expect(await pay(signed(change))).toBe(code);
  });

  test('an intent to oneself moves nothing', async () => {
    expect(await pay(signed({ to: here.scene.ana.id }))).toBe('intent-invalid');
  });

  test('text after the JSON, a second key, or broken UTF-8 in the signed bytes move nothing', async () => {
    const { ana, ben } = here.scene;
    const text = JSON.stringify(intentOf(ana, ben, 5n));
    for (const bytes of [
      `${text}x`,
      `${text}${text}`,
      Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xff]), Buffer.from('}')]),
      `\ufeff${text}`,
    ]) {
      expect(await pay(ana.first.signedBody('transfer-intent', bytes))).toBe('invalid-input');
    }
  });

  test('an intent that was paid can be sent again, and pays nothing more; with another amount it is refused', async () => {
    const { ana, ben } = here.scene;
    const intent = intentOf(ana, ben, 5n);
    const first = await ana.call(payments.operations.transfer, intent);
    await here.untouched.accept();
    expect(await ana.call(payments.operations.transfer, intent)).toMatchObject({ transferId: first.transferId, duplicate: true });
    expect(await pay(signed({ intentId: intent.intentId, amountMinor: '6' }))).toBe('conflict');
    expect(await pay(signed({ intentId: newId<IntentId>('int'), amountMinor: '6' }), ben.first)).toBe('signature-invalid');
  });
});
