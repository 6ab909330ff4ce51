import { createHash } from 'node:crypto';
import { EMPTY_HEAD, headHash, kindNumber, linkHash, POSTING_KINDS, requestHash, transferIdBytes } from './posting.ts';

const sha256 = (hex: string) => createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex');
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const text = (words: string) => hex(Buffer.from(words, 'utf8'));

const request = {
  id: transferIdBytes({ scope: 'ana', key: 'int_1' }),
  debit: 'ana',
  credit: 'ben',
  amountMinor: 1_200n,
  currency: 'EUR',
  kind: 'transfer' as const,
  intent: Buffer.from('{}'),
};

test('an id is the first half of the hash of scope and key', () => {
  expect(hex(request.id)).toBe(sha256(text('rialto/transfer/v1|ana|int_1')).slice(0, 32));
});

test('a request binds every one of its parts', () => {
  const intentHash = sha256(text('{}'));
  const words = `rialto/request/v1|${hex(request.id)}|ana|ben|1200|EUR|transfer|${intentHash}`;
  expect(hex(requestHash(request))).toBe(sha256(text(words)));
  expect(hex(requestHash({ ...request, intent: null }))).toBe(sha256(text(words.replace(intentHash, ''))));
  const others = [
    { id: new Uint8Array(16) },
    { debit: 'eve' },
    { credit: 'eve' },
    { amountMinor: 1_201n },
    { currency: 'USD' },
    { kind: 'operator' as const },
    { intent: Buffer.from('{ }') },
  ].map((change) => hex(requestHash({ ...request, ...change })));
  expect(new Set([...others, hex(requestHash(request))]).size).toBe(others.length + 1);
});

test('a link is salt, previous head, number and balance; a head is both links and the request', () => {
  const salt = Buffer.alloc(16, 1);
  const link = linkHash({ salt, previousHead: EMPTY_HEAD, seq: 1n, balanceMinor: -1_200n });
  expect(hex(link)).toBe(sha256('01'.repeat(16) + '00'.repeat(32) + '0000000000000001' + 'fffffffffffffb50'));
  const hash = requestHash(request);
  expect(hex(headHash(link, EMPTY_HEAD, hash))).toBe(sha256(hex(link) + '00'.repeat(32) + hex(hash)));
});

test('kinds are numbered from one, in the order of the table', () => {
  expect(POSTING_KINDS.map(kindNumber)).toEqual([1, 2, 3, 4]);
});
