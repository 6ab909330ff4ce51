import { createCipheriv, createDecipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type AeadInterface, CipherSuite, HkdfSha512 } from '@hpke/core';
import { XWing } from '@hpke/hybridkem-x-wing';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { randomBytes, ready, utf8 } from '../primitives.ts';
import { classicSuite, type Suite, xwingSuite } from './cipher-suite.ts';
import { xwingEncapsulation } from './encapsulation.ts';
import { libsodiumHkdf } from './hkdf.ts';
import { publicClassicSuite, publicXwingSuite } from './public-suite.ts';

type HpkeVector = Record<'info' | 'ikmE' | 'pkEm' | 'skEm' | 'ikmR' | 'pkRm' | 'skRm' | 'enc' | 'pt' | 'aad' | 'ct', string> & {
  exports: { context: string; value: string }[];
};
const vector = JSON.parse(readFileSync(`${__dirname}/../../vectors/rfc9180-x25519-chacha20poly1305.json`, 'utf8')) as HpkeVector;
const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const none = new Uint8Array();
const view = (data: ArrayBufferLike | ArrayBufferView): Uint8Array =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
const buffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

/** RFC 8439 from Node, as the second implementation takes it: it brings none of its own. */
const nodeChacha20Poly1305: AeadInterface = {
  id: 3,
  keySize: 32,
  nonceSize: 12,
  tagSize: 16,
  createEncryptionContext: (key) => ({
    seal: async (iv, data, aad) => {
      const plaintext = view(data);
      const cipher = createCipheriv('chacha20-poly1305', view(key), view(iv), { authTagLength: 16 });
      cipher.setAAD(view(aad), { plaintextLength: plaintext.length });
      return buffer(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
    },
    open: async (iv, data, aad) => {
      const [sealed, tag] = [view(data).subarray(0, -16), view(data).subarray(-16)];
      const decipher = createDecipheriv('chacha20-poly1305', view(key), view(iv), { authTagLength: 16 });
      decipher.setAAD(view(aad), { plaintextLength: sealed.length });
      decipher.setAuthTag(tag);
      return buffer(Buffer.concat([decipher.update(sealed), decipher.final()]));
    },
  }),
};

let [classic, xwing]: Suite[] = [];
beforeAll(async () => {
  await ready();
  [classic, xwing] = [await classicSuite(), await xwingSuite()];
});
const suiteOf = (suite: Suite | undefined): Suite => {
  if (!suite) throw new Error('not ready');
  return suite;
};

describe('HPKE base mode, RFC 9180 appendix A.2.1', () => {
  test('DeriveKeyPair gives the published keys', async () => {
    const { hpke } = suiteOf(classic);
    for (const [ikm, publicKey, privateKey] of [
      [vector.ikmE, vector.pkEm, vector.skEm],
      [vector.ikmR, vector.pkRm, vector.skRm],
    ] as const) {
      const pair = await hpke.deriveKeyPair(hex(ikm));
      expect(toHex(await hpke.exportPublicKey(pair.publicKey))).toBe(publicKey);
      expect(toHex(await hpke.exportPrivateKey(pair.privateKey))).toBe(privateKey);
    }
  });

  test('the published ciphertext opens, and not with another info, aad or key', async () => {
    const { hpke } = suiteOf(classic);
    const key = await hpke.importPrivateKey(hex(vector.skRm));
    const [enc, ct, info, aad] = [hex(vector.enc), hex(vector.ct), hex(vector.info), hex(vector.aad)];
    expect(toHex(await hpke.open(key, enc, ct, info, aad))).toBe(vector.pt);
    await expect(hpke.open(key, enc, ct, none, aad)).rejects.toThrow();
    await expect(hpke.open(key, enc, ct, info, none)).rejects.toThrow();
    await expect(hpke.open(await hpke.importPrivateKey(hex(vector.skEm)), enc, ct, info, aad)).rejects.toThrow();
  });

  test.each(vector.exports)('the exported value for context "$context"', async ({ context, value }) => {
    const { hpke } = suiteOf(classic);
    const key = await hpke.importPrivateKey(hex(vector.skRm));
    expect(toHex(await hpke.importSecret(key, hex(context), hex(vector.enc), 32, hex(vector.info)))).toBe(value);
  });
});

describe('X-Wing against a second implementation', () => {
  test('the public key of a seed, and encapsulation both ways', async () => {
    const kem = new XWing();
    const { hpke } = suiteOf(xwing);
    for (let round = 0; round < 5; round += 1) {
      const seed = randomBytes(32);
      const pair = await kem.deriveKeyPair(buffer(seed));
      const publicKey = new Uint8Array(await kem.serializePublicKey(pair.publicKey));
      const derived = await hpke.deriveKeyPair(seed);
      expect(toHex(await hpke.exportPublicKey(derived.publicKey))).toBe(toHex(publicKey));
      const { enc, shared } = xwingEncapsulation.encapsulate(publicKey);
      const theirShared = await kem.decap({ recipientKey: pair.privateKey, enc: buffer(enc) });
      expect(toHex(new Uint8Array(theirShared))).toBe(toHex(shared));
    }
  });

  test('the whole HPKE with HKDF-SHA512: what theirs seals and exports, ours opens and imports, and the reverse', async () => {
    const theirs = new CipherSuite({ kem: new XWing(), kdf: new HkdfSha512(), aead: nodeChacha20Poly1305 });
    const { hpke } = suiteOf(xwing);
    const [info, aad, context] = [buffer(utf8('info')), buffer(utf8('aad')), buffer(utf8('context'))];
    const seed = randomBytes(32);
    const pair = await theirs.kem.deriveKeyPair(buffer(seed));
    const publicBytes = new Uint8Array(await theirs.kem.serializePublicKey(pair.publicKey));
    const privateKey = (await hpke.deriveKeyPair(seed)).privateKey;

    const sender = await theirs.createSenderContext({ recipientPublicKey: pair.publicKey, info });
    const sealed = new Uint8Array(await sender.seal(buffer(utf8('hello')), aad));
    const enc = new Uint8Array(sender.enc);
    expect(await hpke.open(privateKey, enc, sealed, utf8('info'), utf8('aad'))).toEqual(utf8('hello'));
    const exported = new Uint8Array(await sender.export(context, 32));
    expect(await hpke.importSecret(privateKey, utf8('context'), enc, 32, utf8('info'))).toEqual(exported);

    const ours = await hpke.seal(await hpke.importPublicKey(publicBytes), utf8('hello back'), utf8('info'), utf8('aad'));
    const recipient = await theirs.createRecipientContext({ recipientKey: pair.privateKey, enc: buffer(ours.enc), info });
    expect(new Uint8Array(await recipient.open(buffer(ours.ct), aad))).toEqual(utf8('hello back'));
  });
});

test.each([256, 512] as const)('HKDF with SHA-%i equals a second implementation', async (bits) => {
  const digest = bits === 256 ? sha256 : sha512;
  const ours = libsodiumHkdf(bits);
  for (const length of [1, 32, 64, 100]) {
    const [salt, ikm, info] = [randomBytes(length), randomBytes(length), randomBytes(length)];
    expect(toHex(ours.expand(ours.extract(salt, ikm), info, length))).toBe(toHex(hkdf(digest, ikm, salt, info, length)));
  }
  expect(() => ours.expand(none, none, 32)).toThrow('wrong length');
});

test('a public suite tries keys, and refuses what nobody could encrypt to', async () => {
  for (const [open, whole] of [
    [await publicClassicSuite(), suiteOf(classic)],
    [await publicXwingSuite(), suiteOf(xwing)],
  ] as const) {
    const { publicKey } = await whole.hpke.generateKeyPair();
    const bytes = await whole.hpke.exportPublicKey(publicKey);
    expect(open.canEncryptTo(bytes)).toBe(true);
    expect(open.canEncryptTo(bytes.subarray(1))).toBe(false);
    expect(open.canEncryptTo(none)).toBe(false);
    expect(Object.keys(open).toSorted()).toEqual(['canEncryptTo', 'hash', 'name', 'signature']);
  }
  expect((await publicClassicSuite()).canEncryptTo(new Uint8Array(32))).toBe(false); // a point of small order
});
