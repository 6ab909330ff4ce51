import { generateKeyPackageWithKey, type KeyPackage } from 'ts-mls';
import { signLeafNodeKeyPackage } from 'ts-mls/leafNode.js';
import { signKeyPackage } from 'ts-mls/keyPackage.js';
import { Account, Conversation, must } from '../../test/world.ts';
import { classicSuite, type Suite, xwingSuite } from './cipher-suite.ts';
import { encodeCredential } from './credential.ts';
import {
  decodeKeyPackageBytes,
  encodeKeyPackage,
  KEY_PACKAGE_LIFETIME_MS,
  KeyPackageError,
  type KeyPackageProblem,
  readKeyPackage,
  readWelcome,
} from './key-package.ts';
import { createKeyPackage, openKeyPackage } from './own-key-package.ts';
import { capabilities } from './policy.ts';
import { publicClassicSuite, publicXwingSuite } from './public-suite.ts';

jest.setTimeout(60_000); // a busy machine is no failure

const nowMs = Date.UTC(2026, 10, 25);
let suite: Suite;
beforeAll(async () => {
  suite = await classicSuite();
});

async function offer(lastResort = false) {
  const account = new Account(suite);
  const { first } = account;
  const own = await createKeyPackage(first.engine, first.mlsKey, first.credential(), { nowMs, lastResort });
  return { account, device: first, own, chain: account.chain };
}

async function problemOf(bytes: Uint8Array, account: Account, at = nowMs): Promise<KeyPackageProblem | 'none'> {
  try {
    await readKeyPackage(bytes, { chain: account.chain, nowMs: at, suite });
    return 'none';
  } catch (error) {
    if (!(error instanceof KeyPackageError)) throw error;
    return error.problem;
  }
}

test.each([false, true])('an offer is read with its device, ref and lifetime; last resort %s', async (lastResort) => {
  const { device, own, chain } = await offer(lastResort);
  const read = await readKeyPackage(own.publicBytes, { chain, nowMs, suite: await publicClassicSuite() });
  expect(read).toMatchObject({ account: chain.account, device: device.id, ref: own.ref, lastResort });
  expect(read.notAfterMs).toBe(nowMs + KEY_PACKAGE_LIFETIME_MS);
  expect(openKeyPackage(own).privatePackage.signaturePrivateKey).toEqual(device.mlsKey.privateKey);
  expect(own.publicBytes.length).toBeLessThan(1_000);
});

test('an X-Wing offer, and not under the other suite', async () => {
  const { device, chain } = await offer();
  const engine = { suite: await xwingSuite() };
  const own = await createKeyPackage(engine, device.mlsKey, device.credential(), { nowMs });
  expect((await readKeyPackage(own.publicBytes, { chain, nowMs, suite: await publicXwingSuite() })).ref).toBe(own.ref);
  await expect(readKeyPackage(own.publicBytes, { chain, nowMs, suite })).rejects.toMatchObject({ problem: 'suite' });
});

test('expired, not yet valid, revoked, of another account', async () => {
  const { account, own } = await offer();
  const dayMs = 24 * 60 * 60 * 1000;
  expect(await problemOf(own.publicBytes, account, nowMs + KEY_PACKAGE_LIFETIME_MS + dayMs)).toBe('lifetime');
  expect(await problemOf(own.publicBytes, account, nowMs - 2 * dayMs)).toBe('lifetime');
  expect(await problemOf(own.publicBytes, new Account(suite))).toBe('not-certified');
  const second = account.addDevice(suite);
  const theirs = await createKeyPackage(second.engine, second.mlsKey, second.credential(), { nowMs });
  expect(await problemOf(theirs.publicBytes, account)).toBe('none');
  account.revoke(second);
  expect(await problemOf(theirs.publicBytes, account)).toBe('not-certified');
  expect(await problemOf(own.publicBytes, account)).toBe('none'); // under an older entry of the chain, but still there
});

test('every flipped bit is refused', async () => {
  const { account, own } = await offer();
  for (let at = 0; at < own.publicBytes.length; at += 1) {
    const changed = own.publicBytes.slice();
    changed[at] = must(changed[at]) ^ 1;
    expect(await problemOf(changed, account)).not.toBe('none');
  }
  expect(await problemOf(new Uint8Array([...own.publicBytes, 0]), account)).toBe('malformed');
  expect(await problemOf(new Uint8Array(10_000), account)).toBe('malformed');
  expect(await problemOf(new Uint8Array(), account)).toBe('malformed');
});

test('signed by its device and still wrong: endless lifetime, other capabilities, extensions, an unusable or repeated key', async () => {
  const { account, device } = await offer();
  const keys = { signKey: device.mlsKey.privateKey, publicKey: device.mlsKey.publicKey };
  const lifetime = { notBefore: BigInt(nowMs / 1000), notAfter: BigInt(nowMs / 1000 + 3600) };
  const identity = encodeCredential(device.credential());
  const made = async (changes: { lifetime?: object; extensions?: number[]; leafExtensions?: number[] }) => {
    const of = (types: number[] = []) => types.map((extensionType) => ({ extensionType, extensionData: new Uint8Array() }));
    const life = { ...lifetime, ...changes.lifetime };
    const declared = capabilities(suite.name);
    return (
      await generateKeyPackageWithKey(identity, declared, life, of(changes.extensions), keys, suite, of(changes.leafExtensions))
    ).publicPackage;
  };
  expect(await problemOf(encodeKeyPackage(await made({})), account)).toBe('none');
  expect(await problemOf(encodeKeyPackage(await made({ lifetime: { notAfter: 2n ** 62n } })), account)).toBe('lifetime');
  expect(await problemOf(encodeKeyPackage(await made({ extensions: [0xf000] })), account)).toBe('malformed');
  expect(await problemOf(encodeKeyPackage(await made({ leafExtensions: [0xf000] })), account)).toBe('capabilities');
  const honest = await made({});
  const signed = async (change: (keyPackage: KeyPackage) => Partial<KeyPackage>) => {
    const { signature: _signature, ...tbs } = { ...honest, ...change(honest) };
    const leafNode = await signLeafNodeKeyPackage(tbs.leafNode as never, keys.signKey, suite.signature);
    return encodeKeyPackage(await signKeyPackage({ ...tbs, leafNode }, keys.signKey, suite.signature));
  };
  expect(await problemOf(await signed(() => ({})), account)).toBe('none');
  expect(await problemOf(await signed(() => ({ initKey: new Uint8Array(32) })), account)).toBe('unusable-key');
  expect(await problemOf(await signed(({ leafNode }) => ({ initKey: leafNode.hpkePublicKey })), account)).toBe('unusable-key');
  const bare = { ...honest.leafNode, capabilities: { ...honest.leafNode.capabilities, extensions: [] } };
  expect(await problemOf(await signed(() => ({ leafNode: bare })), account)).toBe('capabilities');
});

test('a welcome names the packages that it answers', async () => {
  const [alice, ben] = [new Account(suite), new Account(suite)];
  const dm = await Conversation.open(suite, { kind: 'dm', accounts: [alice, ben] });
  const [phone, tablet] = [ben.addDevice(suite), ben.addDevice(suite)];
  const packages = [await phone.keyPackage(), await tablet.keyPackage()];
  const add = packages.map((own) => own.publicBytes);
  const { welcome, commit } = await dm.commit(dm.seat(alice.first), { add, evidence: { chains: [ben.chain] } });
  expect(readWelcome(must(welcome)).refs.toSorted()).toEqual(packages.map((own) => own.ref).toSorted());
  expect(() => readWelcome(commit)).toThrow('not a welcome');
  expect(decodeKeyPackageBytes(must(add[0])).leafNode.credential).toEqual(encodeCredential(phone.credential()));
});
