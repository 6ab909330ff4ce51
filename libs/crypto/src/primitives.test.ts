import { argon2Sync } from 'node:crypto';
import { concat, EncodingError, Reader, utf8, Writer } from './encoding.ts';
import { EMPTY_LOG_HASH, nextLogHash } from './message-log.ts';
import { newPassphraseSalt, passphraseKey } from './passphrase.ts';
import { fromBase64url, hash, randomBytes, randomId, ready, sameBytes, toBase64url, wipe } from './primitives.ts';
import { openSecret, sealSecret, SecretBoxError } from './secret-box.ts';
import { newSigningKey, sign, SIGNATURE_PURPOSES, signingKeyFromSeed, verify } from './signature.ts';
import { safetyNumber } from './safety-number.ts';

beforeAll(ready);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('the hash is BLAKE2b with 32 bytes (RFC 7693), of all parts together', () => {
  expect(hex(hash(utf8('abc')))).toBe('bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319');
  expect(hash(utf8('a'), utf8('bc'))).toEqual(hash(utf8('abc')));
});

test('base64url has one text for each value', () => {
  expect(toBase64url(new Uint8Array([251, 255]))).toBe('-_8');
  expect(fromBase64url('-_8', 2)).toEqual(new Uint8Array([251, 255]));
  for (const text of ['-_9', '-_8=', '+/8', ' -_8', '-_8\n', '-', 'é']) expect(() => fromBase64url(text)).toThrow(EncodingError);
  expect(() => fromBase64url('-_8', 3)).toThrow('expected 3 bytes');
});

test('ids carry their prefix and 128 random bits', () => {
  const ids = new Set(Array.from({ length: 100 }, () => randomId('msg')));
  expect(ids.size).toBe(100);
  for (const id of ids) expect(id).toMatch(/^msg_[A-Za-z0-9_-]{22}$/);
});

test('comparison and wiping', () => {
  expect(sameBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true);
  expect(sameBytes(new Uint8Array([1, 2]), new Uint8Array([1, 3]))).toBe(false);
  expect(sameBytes(new Uint8Array([1]), new Uint8Array([1, 2]))).toBe(false);
  const secret = randomBytes(32);
  wipe(secret);
  expect(secret).toEqual(new Uint8Array(32));
});

test('a writer has one encoding, and a reader takes nothing else', () => {
  const bytes = new Writer()
    .number(7, 1)
    .number(300n, 4)
    .number(1n << 63n, 8)
    .text('ä')
    .list([utf8('x'), utf8('')])
    .finish();
  const reader = new Reader(bytes);
  expect([reader.number(1), reader.number(4), reader.bigint(), reader.text()]).toEqual([7, 300, 1n << 63n, 'ä']);
  expect(() => reader.end()).toThrow('trailing');
  expect(reader.list(2).map((item) => item.length)).toEqual([1, 0]);
  reader.end();
  expect(() => reader.number(1)).toThrow('truncated');
  expect(() => new Writer().number(256, 1)).toThrow('out of range');
  expect(() => new Writer().number(-1, 4)).toThrow('out of range');
  expect(() => new Reader(new Writer().list([utf8('a'), utf8('b')]).finish()).list(1)).toThrow('too long');
  expect(() => new Reader(concat(new Uint8Array([0, 0, 0, 1]), new Uint8Array([255]))).text()).toThrow('UTF-8');
  const copy = new Reader(Buffer.from([9, 9])).fixed(2);
  wipe(copy);
  expect(new Reader(Buffer.from([9])).number(1)).toBe(9);
});

test('a signature is good for its purpose, body and key alone', () => {
  const [key, other, body] = [newSigningKey(), newSigningKey(), utf8('body')];
  for (const purpose of SIGNATURE_PURPOSES) {
    const signature = sign(purpose, body, key.privateKey);
    for (const candidate of SIGNATURE_PURPOSES)
      expect(verify(candidate, body, signature, key.publicKey)).toBe(candidate === purpose);
    expect(verify(purpose, utf8('bodz'), signature, key.publicKey)).toBe(false);
    expect(verify(purpose, body, signature, other.publicKey)).toBe(false);
    expect(verify(purpose, body, signature.subarray(1), key.publicKey)).toBe(false);
    expect(verify(purpose, body, signature, key.publicKey.subarray(1))).toBe(false);
    signature[3] = (signature[3] ?? 0) ^ 1;
    expect(verify(purpose, body, signature, key.publicKey)).toBe(false);
  }
  const seed = new Uint8Array(32).fill(1);
  expect(signingKeyFromSeed(seed).publicKey).toEqual(signingKeyFromSeed(seed).publicKey);
  expect(() => signingKeyFromSeed(seed.subarray(1))).toThrow('32 bytes');
});

test('a secret box opens with its key at its place, and in no other way', () => {
  const [key, secret] = [randomBytes(32), utf8('the state of a group')];
  const box = sealSecret(key, secret, 'groups/1');
  expect(box).toHaveLength(secret.length + 41);
  expect(openSecret(key, box, 'groups/1')).toEqual(new Uint8Array(secret));
  expect(() => openSecret(key, box, 'groups/2')).toThrow(SecretBoxError);
  expect(() => openSecret(randomBytes(32), box, 'groups/1')).toThrow(SecretBoxError);
  expect(() => openSecret(key, box.subarray(0, 20), 'groups/1')).toThrow('not a secret box');
  for (let at = 0; at < box.length; at += 1) {
    const changed = box.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => openSecret(key, changed, 'groups/1')).toThrow(SecretBoxError);
  }
});

test('a passphrase gives one key for one salt, whatever way it was typed, and bounded work', async () => {
  const salt = { ...newPassphraseSalt(), passes: 2, memoryBytes: 1024 * 1024 };
  const key = await passphraseKey('caf\u00e9 1', salt);
  const parameters = { message: 'caf\u00e9 1', nonce: salt.salt, parallelism: 1, tagLength: 32, memory: 1024, passes: 2 };
  expect(hex(key)).toBe(hex(argon2Sync('argon2id', parameters))); // Node's own, a second implementation
  expect(await passphraseKey('cafe\u0301 1', salt)).toEqual(key);
  expect(await passphraseKey('cafe 1', salt)).not.toEqual(key);
  expect(await passphraseKey('caf\u00e9 1', { ...salt, salt: randomBytes(16) })).not.toEqual(key);
  for (const bad of [{ passes: 1000 }, { passes: 0 }, { memoryBytes: 2 ** 31 }, { memoryBytes: 1 }, { salt: new Uint8Array(3) }])
    await expect(passphraseKey('x', { ...salt, ...bad })).rejects.toThrow('unusable');
});

test('the log hash depends on every row, its number, its kind and its place', () => {
  const row = { seq: 1, kind: 'message', bytes: utf8('a') };
  const first = nextLogHash(EMPTY_LOG_HASH, row);
  const others = [{ seq: 2 }, { kind: 'commit' }, { bytes: utf8('b') }].map((change) =>
    nextLogHash(EMPTY_LOG_HASH, { ...row, ...change }),
  );
  expect(new Set([first, nextLogHash(first, row), ...others].map(hex)).size).toBe(5);
  expect(() => nextLogHash(new Uint8Array(3), row)).toThrow('32 bytes');
  expect(hex(first)).toBe('b9ffbd8e49a7c24ce3ad58c7ba18c104a3f21adf34f10c8068e95938c6c2ec65');
});

test('a safety number has 60 digits, the same for both, and changes with an id or a key', () => {
  const party = () => ({ account: toBase64url(randomBytes(32)), rootKey: newSigningKey().publicKey });
  const [mine, theirs] = [party(), party()];
  const number = safetyNumber(mine, theirs);
  expect(number).toMatch(/^\d{5}( \d{5}){11}$/);
  expect(safetyNumber(theirs, mine)).toBe(number);
  expect(safetyNumber(mine, { ...theirs, rootKey: mine.rootKey })).not.toBe(number);
  expect(safetyNumber(mine, { ...theirs, account: mine.account })).not.toBe(number);
  expect(() => safetyNumber(mine, { ...theirs, account: 'short' })).toThrow(EncodingError);
  const fixed = { account: toBase64url(new Uint8Array(32)), rootKey: new Uint8Array(32) };
  const other = { account: toBase64url(new Uint8Array(32).fill(1)), rootKey: new Uint8Array(32).fill(2) };
  expect(safetyNumber(fixed, other)).toBe('38086 68510 58654 63384 94142 70277 81841 95314 25382 01158 16249 29302');
});
