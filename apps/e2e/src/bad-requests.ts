import type { Ask } from './http.ts';
import type { Scene } from './scene.ts';

/** A request that must be refused, with the code that says why. Several codes: which one depends on the order in which two faults are seen. */
export interface BadRequest {
  readonly name: string;
  readonly ask: Ask;
  readonly code: string | readonly string[];
  readonly status?: number;
}

const json = { 'content-type': 'application/json' };
const deep = (depth: number, open = '[', close = ']') => `${open.repeat(depth)}${close.repeat(depth)}`;

/** Bodies that are not what `PUT /v1/profile` takes, from not being JSON to being almost right. */
function badBodies({ ana }: Scene): BadRequest[] {
  const put = (
    name: string,
    body: string | Buffer,
    code: BadRequest['code'] = 'invalid-input',
    headers: Ask['headers'] = json,
  ): BadRequest => ({
    name,
    ask: { method: 'PUT', path: '/v1/profile', token: ana.first.token, body, headers },
    code,
  });
  const name = (value: string) => `{"displayName":${value}}`;
  const wrongTypes = ['5', 'null', 'true', '["a"]', '{"a":1}', '""', '"   "'].map((value) =>
    put(`the value ${value}`, name(value)),
  );
  const bodies = [
    '',
    '[]',
    '"text"',
    '5',
    'null',
    '{',
    '{"displayName":',
    '{"displayName":"a"}}',
    "{'displayName':'a'}",
    'NaN',
    '{"displayName":"a",}',
    '\ufeff{}',
  ];
  return [
    ...bodies.map((body) => put(`the body ${JSON.stringify(body)}`, body)),
    ...wrongTypes,
    put('an unknown field', '{"displayName":"a","isAdmin":true}'),
    put('__proto__', '{"displayName":"a","__proto__":{"isAdmin":true}}'),
    put('constructor', '{"displayName":"a","constructor":{"prototype":{"isAdmin":true}}}'),
    put('a key twice, the second time wrong', '{"displayName":"a","displayName":""}'),
    put('NUL in a text', name('"a\\u0000b"')),
    put('a line break in a name', name('"a\\nb"')),
    put('an invisible character', name('"a\\u200bb"')),
    put('half a character', name('"a\\ud800b"')),
    put('51 characters', name(`"${'a'.repeat(51)}"`)),
    put('broken UTF-8', Buffer.from([...Buffer.from('{"displayName":"'), 0xff, 0xfe, ...Buffer.from('"}')])),
    put('overlong UTF-8', Buffer.from([...Buffer.from('{"displayName":"'), 0xc0, 0xaf, ...Buffer.from('"}')])),
    put('UTF-16', Buffer.from(name('"a"'), 'utf16le')),
    put('100,000 arrays', deep(100_000)),
    put('100,000 objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
    put('100,000 arrays in a field', name(deep(100_000))),
    put('a million zeros', `{"displayName":${'0'.repeat(1_000_000)}}`),
    put('a number with a thousand digits', name('9'.repeat(1_000))),
    put('gzip', Buffer.from('1f8b0800000000000003ab56ca2e00000000ffff', 'hex'), ['invalid-input', 'unsupported-media-type'], {
      ...json,
      'content-encoding': 'gzip',
    }),
    put('text', name('"a"'), 'unsupported-media-type', { 'content-type': 'text/plain' }),
    put('XML', '<a/>', 'unsupported-media-type', { 'content-type': 'application/xml' }),
    put('a form', 'displayName=a', 'unsupported-media-type', { 'content-type': 'application/x-www-form-urlencoded' }),
    put('many parts', '--a--', 'unsupported-media-type', { 'content-type': 'multipart/form-data; boundary=a' }),
    put('no type', name('"a"'), 'unsupported-media-type', {}),
    put('a type that is none', name('"a"'), 'unsupported-media-type', { 'content-type': ';;;' }),
    put('another charset', name('"a"'), 'unsupported-media-type', { 'content-type': 'application/json; charset=utf-16' }),
    put('1.6 MB', Buffer.alloc(1_600_000, ' '), 'payload-too-large'),
    put('1.6 MB in chunks', Buffer.alloc(1_600_000, ' '), 'payload-too-large', { ...json, 'transfer-encoding': 'chunked' }),
  ];
}

/** Numbers and ids where `listMessages` and `sendMessage` take some. */
function badFields({ ana, dm }: Scene): BadRequest[] {
  const { token } = ana.first;
  const path = `/v1/conversations/${dm.id}/messages`;
  const list = (query: string): BadRequest => ({
    name: `?${query}`,
    ask: { path: `${path}?${query}`, token },
    code: 'invalid-input',
  });
  const good = { clientMessageId: 'msg_AAAAAAAAAAAAAAAAAAAAAA', epoch: 1, bytes: 'AAAA' };
  const send = (name: string, change: object): BadRequest => ({
    name,
    ask: { method: 'POST', path, token, body: { ...good, ...change } },
    code: 'invalid-input',
  });
  const queries = [
    '',
    'after=a',
    'after=-1',
    'after=1.5',
    'after=1e3',
    'after=',
    'after=99999999999999999999',
    'after=1&after=2',
    'after[a]=1',
    'after=0&limit=0',
    'after=0&limit=201',
    'after=0&more=1',
    'after=0%00',
    'after=%F0%28%8C%28',
    'after=0&__proto__=1',
  ];
  const epochs = [-1, 1.5, 1e308, 2 ** 53, '1', null, [1], {}, true].map((epoch) =>
    send(`the epoch ${JSON.stringify(epoch)}`, { epoch }),
  );
  const texts = ['A', 'AAAAA', 'AA=', 'AA==', 'A+A/', 'AA A', 'ä', 5, null, '%00'].map((bytes) =>
    send(`the bytes ${JSON.stringify(bytes)}`, { bytes }),
  );
  const ids = [
    '',
    'msg_',
    'msg_short',
    `msg_${'A'.repeat(23)}`,
    'cnv_AAAAAAAAAAAAAAAAAAAAAA',
    "msg_'; drop table message; --",
    5,
  ];
  return [
    ...queries.map(list),
    ...epochs,
    ...texts,
    ...ids.map((clientMessageId) => send(`the id ${JSON.stringify(clientMessageId)}`, { clientMessageId })),
    send('bytes that are no message', {}),
    send('too many bytes', { bytes: 'A'.repeat(90_000) }),
    {
      name: 'another conversation in the body',
      ask: { method: 'POST', path, token, body: { ...good, conversationId: 'cnv_AAAAAAAAAAAAAAAAAAAAAA' } },
      code: 'invalid-input',
    },
    {
      name: 'an Idempotency-Key that says something else',
      ask: { method: 'POST', path, token, body: good, headers: { 'idempotency-key': 'msg_BBBBBBBBBBBBBBBBBBBBBB' } },
      code: 'invalid-input',
    },
    {
      name: 'an Idempotency-Key that is no id',
      ask: { method: 'POST', path, token, body: { epoch: 1, bytes: 'AAAA' }, headers: { 'idempotency-key': '../..' } },
      code: 'invalid-input',
    },
    { name: 'a cursor that we did not make', ask: { path: '/v1/conversations?cursor=%00', token }, code: 'invalid-input' },
    { name: 'a cursor of letters', ask: { path: '/v1/conversations?cursor=abc', token }, code: 'invalid-input' },
    { name: 'a moment that is none', ask: { path: '/v1/calls?before=yesterday', token }, code: 'invalid-input' },
    {
      name: 'a moment in the year 99999',
      ask: { path: '/v1/calls?before=99999-01-01T00:00:00.000Z', token },
      code: 'invalid-input',
    },
    { name: 'a currency in small letters', ask: { path: '/v1/wallet/eur/statement?after=0', token }, code: 'invalid-input' },
    { name: 'a currency that nobody keeps', ask: { path: '/v1/wallet/XTS/statement?after=0', token }, code: 'currency-unknown' },
  ];
}

/** Methods, paths and headers. */
function badEnvelopes({ ana, dm }: Scene): BadRequest[] {
  const { token } = ana.first;
  const get = (path: string, code: BadRequest['code'] = 'not-found', headers: Ask['headers'] = {}): BadRequest => ({
    name: `GET ${path.slice(0, 60)} ${JSON.stringify(headers).slice(0, 60)}`,
    ask: { path, token, headers },
    code,
  });
  const method = (verb: string, code: BadRequest['code'] = 'not-found'): BadRequest => ({
    name: verb,
    ask: { method: verb, path: '/v1/wallet', token },
    code,
  });
  const ways = [
    '/v1/wallet/',
    '/v1//wallet',
    '/v1/Wallet',
    '/v1/wallet%00',
    '/v1/wallet;a=1',
    '/v1/wallet%2f',
    '/v1/../v1/wallets',
    '/v1',
    '/simulated/control/webhooks',
    '/simulated/checkout/../control/webhooks',
    '/simulated/checkout/%2e%2e/control/webhooks',
    '/health/ready/more',
  ];
  const files = [
    '/.env.json',
    '/secrets.json',
    '/assets/../../secrets.json',
    '/assets/%2e%2e/%2e%2e/secrets.json',
    '/assets/..%5c..%5csecrets.json',
    '/src/main.ts',
    '/package.json',
    '/nats.conf',
  ];
  const conversation = (id: string) => `/v1/conversations/${id}`;
  return [
    ...ways.map((path) => get(path, ['not-found', 'invalid-input'])),
    ...files.map((path) => get(path, ['not-found', 'invalid-input'])),
    ...['%ff', '%', '%zz', '%00', '..%2f..', 'a'.repeat(200), '%F0%9F%92%A9', '__proto__', "'%20or%201=1--"].map((id) =>
      get(conversation(id), ['invalid-input', 'not-found']),
    ),
    get(conversation('a'.repeat(400)), ['not-found', 'payload-too-large', 'invalid-input']),
    get(conversation('a'.repeat(12_000)), ['not-found', 'payload-too-large', 'invalid-input']),
    ...['PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE', 'MKCOL', 'POST', 'DELETE', 'PUT', 'SEARCH'].map((verb) =>
      method(verb, ['not-found', 'invalid-input']),
    ),
    get('/v1/wallet', 'unauthenticated', { authorization: 'Basic YTpi' }),
    get('/v1/wallet', 'unauthenticated', { authorization: `Bearer ${token} ${token}` }),
    get('/v1/wallet', 'unauthenticated', { authorization: 'Bearer' }),
    get('/v1/wallet', 'unauthenticated', { authorization: '' }),
    get('/v1/wallet', 'unauthenticated', { authorization: `Bearer ${'a'.repeat(3_000)}` }),
    get('/v1/wallet', 'unauthenticated', { authorization: [`Bearer a`, `Bearer ${token}`] }),
    { name: 'the token in the query', ask: { path: `/v1/wallet?token=${token}` }, code: ['unauthenticated', 'invalid-input'] },
    {
      name: 'the token in a cookie',
      ask: { path: '/v1/wallet', headers: { cookie: `token=${token}` } },
      code: 'unauthenticated',
    },
    get('/v1/wallet', 'payload-too-large', { 'x-long': 'a'.repeat(20_000) }),
    get(
      '/v1/wallet',
      'payload-too-large',
      Object.fromEntries(Array.from({ length: 800 }, (_, index) => [`x-${index}`, 'a'.repeat(20)])),
    ),
    {
      name: 'a webhook without a signature',
      ask: { method: 'POST', path: '/v1/stripe/webhook', body: '{}' },
      code: 'webhook-refused',
    },
    {
      name: 'a webhook with a wrong one',
      ask: { method: 'POST', path: '/v1/stripe/webhook', body: '{}', headers: { 'stripe-signature': 't=1,v1=00' } },
      code: 'webhook-refused',
    },
    {
      name: 'a webhook that is too large',
      ask: {
        method: 'POST',
        path: '/v1/stripe/webhook',
        body: Buffer.alloc(600_000, 'a'),
        headers: { 'stripe-signature': 't=1,v1=00' },
      },
      code: 'payload-too-large',
    },
    {
      name: 'a message of another conversation',
      ask: { path: `/v1/conversations/${dm.id.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))}`, token },
      code: 'not-a-member',
    },
  ];
}

export const badRequests = (scene: Scene): BadRequest[] => [...badBodies(scene), ...badFields(scene), ...badEnvelopes(scene)];

/** Bytes on the port that no HTTP client would write. Each is answered with 4xx, or the connection ends without a word. */
export const BAD_BYTES: Readonly<Record<string, string | Buffer>> = {
  'no HTTP': 'hello\r\n\r\n',
  'HTTP/0.9': 'GET /v1/wallet\r\n\r\n',
  'a version of its own': 'GET / HTTP/9.9\r\nhost: a\r\n\r\n',
  'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'a TLS greeting': Buffer.from('160301020001000001fc0303', 'hex'),
  'no host': 'GET /v1/wallet HTTP/1.1\r\n\r\n',
  'two lengths':
    'POST /v1/sessions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\ncontent-length: 40\r\n\r\n{}',
  'length and chunks':
    'POST /v1/sessions HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n',
  'a chunk size that is none':
    'POST /v1/sessions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n',
  'a negative length': 'POST /v1/sessions HTTP/1.1\r\nhost: a\r\ncontent-length: -5\r\n\r\n',
  'NUL in a header': 'GET /v1/wallet HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n',
  'a folded header': 'GET /v1/wallet HTTP/1.1\r\nhost: a\r\nx: a\r\n b\r\n\r\n',
  'a space before the colon': 'GET /v1/wallet HTTP/1.1\r\nhost: a\r\nx : a\r\n\r\n',
  'an absolute address of somebody else': 'GET http://example.org/v1/wallet HTTP/1.1\r\nhost: example.org\r\n\r\n',
  CONNECT: 'CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n',
  'an upgrade to something else': 'GET /v1/socket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n',
  'a socket without a key':
    'GET /v1/socket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n',
  'a socket of an old version':
    'GET /v1/socket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 7\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  'a socket elsewhere':
    'GET /elsewhere HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  'a socket from a strange page':
    'GET /v1/socket HTTP/1.1\r\nhost: a\r\norigin: https://evil.example\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
};
