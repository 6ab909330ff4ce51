import type { AccountId, DeviceId } from '@rialto/contracts';
import { addDevice, type Chain, newDeviceId, newSigningKey, ready, revokeDevice, startChain } from '@rialto/crypto';
import { PayerChains } from '../src/payer-chains.ts';

const newSubject = () => ({ device: newDeviceId(), deviceKey: newSigningKey().publicKey, mlsKey: newSigningKey().publicKey });
const textOf = (chain: Chain) => ({ chain: Buffer.from(chain.bytes).toString('base64url'), chainSeq: chain.heads.length - 1 });

let told: Chain;
let chains: PayerChains;
let before: Chain;
let after: Chain;
let fork: Chain;
let lost: DeviceId;
beforeAll(async () => {
  await ready();
  const key = newSigningKey();
  const first = { device: newDeviceId(), deviceKey: key.publicKey, mlsKey: newSigningKey().publicKey };
  const by = { device: first.device, privateKey: key.privateKey };
  const second = newSubject();
  lost = second.device as DeviceId;
  before = addDevice(startChain(first, newSigningKey()), second, by);
  after = revokeDevice(before, second.device, by);
  fork = addDevice(before, newSubject(), by);
});
beforeEach(() => {
  chains = new PayerChains(() => Promise.resolve(textOf(told)));
});
const pay = (chainSeq: number) =>
  chains.deviceKey({ accountId: before.account as AccountId, deviceId: lost, chainSeq }).then(
    () => 'admitted',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

test('a chain that was seen longer is never believed shorter', async () => {
  told = before;
  expect(await pay(1)).toBe('admitted');
  told = after;
  expect(await pay(2)).toBe('device-revoked');
  told = before;
  jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000);
  expect(await pay(1)).toBe('chain-stale');
  jest.restoreAllMocks();
});

test('of two entries for one number the first that was seen counts', async () => {
  told = after;
  expect(await pay(2)).toBe('device-revoked');
  told = fork;
  jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000);
  expect(await pay(2)).toBe('device-revoked');
  jest.restoreAllMocks();
});
