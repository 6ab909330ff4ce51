import { readFileSync } from 'node:fs';
import { encryptAt, REPLAY_WINDOW, SframeReceiver, SframeSender, decryptFrame, encryptFrame } from './frame.ts';
import { decodeHeader, encodeHeader, MAX_SFRAME_INTEGER } from './header.ts';
import { deriveSframeKey, deriveSframeSecret, type SframeSuite } from './key.ts';
import { SframeError } from './sframe-error.ts';

type Frame = Record<'kid' | 'ctr' | 'baseKey' | 'key' | 'salt' | 'metadata' | 'pt' | 'ct', string> & { cipherSuite: SframeSuite };
const vectors = JSON.parse(readFileSync(`${__dirname}/../../vectors/rfc9605.json`, 'utf8')) as {
  headers: { kid: string; ctr: string; encoded: string }[];
  frames: Frame[];
};
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');
const baseKey = new Uint8Array(32).fill(7);
const text = (value: string) => new TextEncoder().encode(value);

async function pair(kid = 3n, suite: SframeSuite = 4) {
  const key = await deriveSframeKey(baseKey, kid, suite);
  const receiver = new SframeReceiver();
  receiver.addKey(key);
  return { sender: new SframeSender(key), receiver };
}

const problemOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof SframeError ? error.problem : String(error)),
  );

test.each(vectors.headers)('header with key id $kid and counter $ctr', ({ kid, ctr, encoded }) => {
  expect(hex(encodeHeader(BigInt(kid), BigInt(ctr)))).toBe(encoded);
  const header = decodeHeader(bytes(`${encoded}ffff`));
  expect(header).toEqual({ kid: BigInt(kid), counter: BigInt(ctr), size: encoded.length / 2 });
});

test.each(vectors.frames)('the RFC 9605 frame of suite $cipherSuite', async (vector) => {
  const [kid, suite] = [BigInt(vector.kid), vector.cipherSuite];
  const secret = await deriveSframeSecret(bytes(vector.baseKey), kid, suite);
  expect([hex(secret.key), hex(secret.salt)]).toEqual([vector.key, vector.salt]);
  const key = await deriveSframeKey(bytes(vector.baseKey), kid, suite);
  const sealed = await encryptAt(key, BigInt(vector.ctr), bytes(vector.pt), bytes(vector.metadata));
  expect(hex(sealed)).toBe(vector.ct);
  const receiver = new SframeReceiver();
  receiver.addKey(key);
  const opened = await decryptFrame(receiver, bytes(vector.ct), bytes(vector.metadata));
  expect([hex(opened.frame), opened.kid, opened.counter]).toEqual([vector.pt, kid, BigInt(vector.ctr)]);
});

test.each(['', '08', '0800', '0801', '0900ff', '98ff', '0fffffffffffff'])('the header "%s" is malformed', (encoded) => {
  expect(() => decodeHeader(bytes(encoded))).toThrow(SframeError);
});

test('integers beyond eight bytes are refused', () => {
  expect(() => encodeHeader(MAX_SFRAME_INTEGER + 1n, 0n)).toThrow('out-of-range');
  expect(() => encodeHeader(0n, -1n)).toThrow('out-of-range');
});

test('frames go through, each under a counter of its own, also when they are encrypted at once', async () => {
  const { sender, receiver } = await pair();
  const sealed = await Promise.all(Array.from({ length: 50 }, (_unused, index) => encryptFrame(sender, text(`frame ${index}`))));
  const opened = await Promise.all(sealed.map((frame) => decryptFrame(receiver, frame)));
  expect(opened.map(({ counter }) => counter)).toEqual(Array.from({ length: 50 }, (_unused, index) => BigInt(index)));
  expect(opened.map(({ frame }) => new TextDecoder().decode(frame))[49]).toBe('frame 49');
});

test('a replayed frame is refused, also when both copies arrive at once, and also far behind', async () => {
  const { sender, receiver } = await pair();
  const first = await encryptFrame(sender, text('first'));
  const twice = await Promise.all([first, first].map((frame) => problemOf(decryptFrame(receiver, frame))));
  expect(twice.toSorted()).toEqual(['none', 'replayed']);
  const late = await encryptFrame(sender, text('late'));
  for (let index = 0; index < REPLAY_WINDOW; index += 1) sender.takeCounter();
  await decryptFrame(receiver, await encryptFrame(sender, text('newest')));
  expect(await problemOf(decryptFrame(receiver, late))).toBe('replayed');
  expect(await problemOf(decryptFrame(receiver, first))).toBe('replayed');
});

test('changed bits, other metadata, another key or key id are refused, and the true frame still opens', async () => {
  const { sender, receiver } = await pair();
  const sealed = await encryptFrame(sender, text('hello'), text('video'));
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = sealed.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(['not-authentic', 'unknown-key', 'malformed']).toContain(
      await problemOf(decryptFrame(receiver, changed, text('video'))),
    );
  }
  expect(await problemOf(decryptFrame(receiver, sealed, text('audio')))).toBe('not-authentic');
  const other = new SframeReceiver();
  other.addKey(await deriveSframeKey(new Uint8Array(32), 3n, 4));
  expect(await problemOf(decryptFrame(other, sealed, text('video')))).toBe('not-authentic');
  other.removeKey(3n);
  expect(await problemOf(decryptFrame(other, sealed, text('video')))).toBe('unknown-key');
  expect((await decryptFrame(receiver, sealed, text('video'))).frame).toEqual(text('hello'));
});

test('a key cannot be exported, and an empty frame is a frame', async () => {
  const { sender, receiver } = await pair(9n, 5);
  await expect(crypto.subtle.exportKey('raw', sender.key.aead)).rejects.toThrow();
  expect((await decryptFrame(receiver, await encryptFrame(sender, new Uint8Array()))).frame).toHaveLength(0);
  expect(receiver.kids).toEqual([9n]);
});
