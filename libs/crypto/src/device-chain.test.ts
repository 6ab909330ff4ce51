import { must } from '../test/world.ts';
import {
  addDevice,
  type CertifiedDevice,
  type Chain,
  ChainError,
  ChainMissing,
  Chains,
  compareChains,
  currentDevices,
  MAX_CHAIN_ENTRIES,
  MAX_DEVICES,
  newDeviceId,
  readChain,
  revokeDevice,
  ROOT_SIGNER,
  startChain,
} from './device-chain.ts';
import { Reader, Writer } from './encoding.ts';
import { hash, ready, toBase64url } from './primitives.ts';
import { newSigningKey, type SigningKey } from './signature.ts';

jest.setTimeout(60_000); // a busy machine is no failure

type Made = { certified: CertifiedDevice; key: SigningKey };

function device(id = newDeviceId()): Made {
  const [key, mlsKey] = [newSigningKey(), newSigningKey()];
  return { certified: { device: id, deviceKey: key.publicKey, mlsKey: mlsKey.publicKey }, key };
}
const signer = ({ certified, key }: Made) => ({ device: certified.device, privateKey: key.privateKey });
const rootSigner = (root: SigningKey) => ({ device: ROOT_SIGNER, privateKey: root.privateKey });

function account() {
  const [root, first] = [newSigningKey(), device()];
  return { root, first, chain: startChain(first.certified, root) };
}
const entries = (chain: Chain) => new Reader(chain.bytes).list(MAX_CHAIN_ENTRIES);
const rebuilt = (list: Uint8Array[]) => new Writer().list(list).finish();

beforeAll(ready);

test('the account id is the hash of the first entry, and the chain says who is in it after each', () => {
  const { root, first, chain } = account();
  const [body] = entries(chain).map((entry) => new Reader(entry).bytes());
  expect(chain.account).toBe(toBase64url(hash(must(body))));
  expect(chain.rootKey).toEqual(root.publicKey);
  const second = device();
  const grown = addDevice(chain, second.certified, signer(first));
  const shrunk = revokeDevice(grown, first.certified.device, signer(second));
  expect(shrunk.account).toBe(chain.account);
  expect(shrunk.heads.slice(0, 2)).toEqual(grown.heads);
  expect(shrunk.devices.map((devices) => [...devices.keys()])).toEqual([
    [first.certified.device],
    [first.certified.device, second.certified.device],
    [second.certified.device],
  ]);
  expect(shrunk.entries.map(({ operation }) => operation)).toEqual(['genesis', 'add', 'revoke']);
  expect(readChain(shrunk.bytes)).toEqual(shrunk);
  expect([...currentDevices(shrunk).keys()]).toEqual([second.certified.device]);
});

test('only a device of the set, or the root key, may sign', () => {
  const { root, first, chain } = account();
  const [stranger, second, third] = [device(), device(), device()];
  expect(() => addDevice(chain, second.certified, signer(stranger))).toThrow(ChainError);
  expect(() =>
    addDevice(chain, second.certified, { device: first.certified.device, privateKey: stranger.key.privateKey }),
  ).toThrow('signature');
  const grown = addDevice(chain, second.certified, rootSigner(root));
  const revoked = revokeDevice(grown, first.certified.device, rootSigner(root));
  expect(() => addDevice(revoked, third.certified, signer(first))).toThrow('signature');
  const bare = revokeDevice(revoked, second.certified.device, signer(second));
  expect(currentDevices(bare).size).toBe(0);
  expect(currentDevices(addDevice(bare, third.certified, rootSigner(root))).size).toBe(1);
});

test('a mlsKey cannot sign entries, and a signature for another purpose is none', () => {
  const { first, chain } = account();
  const mls = newSigningKey();
  const other = { ...first.certified, device: newDeviceId(), deviceKey: newSigningKey().publicKey, mlsKey: mls.publicKey };
  const grown = addDevice(chain, other, signer(first));
  expect(() => addDevice(grown, device().certified, { device: other.device, privateKey: mls.privateKey })).toThrow('signature');
});

test('ids and keys are used once in the life of an account', () => {
  const { root, first, chain } = account();
  const second = device();
  expect(() => addDevice(chain, first.certified, signer(first))).toThrow('used twice');
  const gone = revokeDevice(addDevice(chain, second.certified, signer(first)), second.certified.device, signer(first));
  expect(() => addDevice(gone, second.certified, signer(first))).toThrow('used twice');
  expect(() => addDevice(gone, { ...device().certified, mlsKey: second.certified.mlsKey }, signer(first))).toThrow('used twice');
  expect(() => addDevice(gone, { ...device().certified, deviceKey: root.publicKey }, signer(first))).toThrow('used twice');
  expect(() => revokeDevice(gone, second.certified.device, signer(first))).toThrow('not there');
  expect(() => addDevice(gone, device(ROOT_SIGNER).certified, signer(first))).toThrow('entry');
});

test('at most ten devices and 64 entries', () => {
  const { first, chain } = account();
  let grown = chain;
  for (let count = 1; count < MAX_DEVICES; count += 1) grown = addDevice(grown, device().certified, signer(first));
  expect(() => addDevice(grown, device().certified, signer(first))).toThrow('more than 10 devices');
  let long = chain;
  while (long.heads.length < MAX_CHAIN_ENTRIES) {
    const next = device();
    long = addDevice(long, next.certified, signer(first));
    if (long.heads.length < MAX_CHAIN_ENTRIES) long = revokeDevice(long, next.certified.device, signer(first));
  }
  expect(() => revokeDevice(long, first.certified.device, signer(first))).toThrow(ChainError);
});

test('forgeries: entries dropped, swapped, repeated, taken from another account, and every single flipped bit', () => {
  const [one, two] = [account(), account()];
  const second = device();
  let chain = addDevice(one.chain, second.certified, signer(one.first));
  chain = revokeDevice(chain, one.first.certified.device, signer(second));
  const [a, b, c] = entries(chain).map(must);
  const [foreign] = entries(two.chain);
  if (!a || !b || !c || !foreign) throw new Error('three entries');
  for (const forged of [[], [b], [a, c], [a, c, b], [a, b, b], [b, a, c], [foreign, b, c], [a, a], [a, foreign]])
    expect(() => readChain(rebuilt(forged))).toThrow(ChainError);
  expect(readChain(rebuilt([a, b])).heads).toHaveLength(2); // a prefix is a chain: it is stale, not forged
  for (let at = 0; at < chain.bytes.length; at += 1) {
    const changed = chain.bytes.slice();
    changed[at] = must(changed[at]) ^ 1;
    expect(() => readChain(changed)).toThrow(ChainError);
  }
  expect(() => readChain(chain.bytes.subarray(0, -1))).toThrow(ChainError);
  expect(() => readChain(new Uint8Array([...chain.bytes, 0]))).toThrow('trailing');
  expect(() => readChain(new Uint8Array(100_000))).toThrow('too large');
});

test('another chain of a known account: newer is taken, older and forked are alarms, and root wins over a device', () => {
  const { root, first, chain } = account();
  const [second, third] = [device(), device()];
  const grown = addDevice(chain, second.certified, signer(first));
  expect(compareChains(chain, chain).verdict).toBe('same');
  expect(compareChains(chain, grown)).toEqual({ verdict: 'extended', chain: grown });
  expect(compareChains(grown, chain)).toEqual({ verdict: 'stale', chain: grown });
  const fork = addDevice(chain, third.certified, signer(first));
  expect(compareChains(grown, fork)).toEqual({ verdict: 'forked', chain: grown });
  const expelled = revokeDevice(chain, first.certified.device, rootSigner(root));
  expect(compareChains(grown, expelled)).toEqual({ verdict: 'forked', chain: expelled });
  expect(compareChains(expelled, grown)).toEqual({ verdict: 'forked', chain: expelled });
  expect(() => compareChains(chain, account().chain)).toThrow('another account');
});

test('chains are found by every head that they had, and only once they are verified', () => {
  const { first, chain } = account();
  const grown = addDevice(chain, device().certified, signer(first));
  const chains = new Chains();
  expect(() => chains.find(chain.account)).toThrow(ChainMissing);
  expect(chains.learn(grown.bytes)).toBe(chains.learn(grown.bytes));
  for (const head of grown.heads) expect(chains.find(head).account).toBe(chain.account);
  expect(() => chains.learn(grown.bytes.slice(1))).toThrow(ChainError);
});
