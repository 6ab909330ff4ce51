import { AppError, type Bound, CONTRACTS } from '@rialto/contracts';
import { idOf } from '@rialto/service';
import { callHttp, codeOf } from '../src/call.ts';
import { closeAgents } from '../src/http.ts';
import { StolenCredential } from '../src/nats.ts';
import { type Device, Person } from '../src/person.ts';
import { RawSocket } from '../src/socket.ts';
import { pause, System } from '../src/system.ts';

const { identity, messaging, calls, payments } = CONTRACTS;
/** A revoked device's token is worthless everywhere after this long, whatever was lost on the way. */
const EVERYWHERE_WITHIN_MS = 5_000;
/** One operation of each service that a token alone opens. */
const PROBES: readonly Bound[] = [
  identity.operations.listDevices,
  messaging.operations.listBlocks,
  calls.operations.listCalls,
  payments.operations.getWallet,
];

let system: System;
let gateway: StolenCredential;
beforeAll(async () => {
  system = new System();
  gateway = await StolenCredential.of(system, 'gateway');
});
afterAll(async () => {
  await gateway.close();
  await system.close();
  closeAgents();
});

const overHttp = (probe: Bound, device: Device, url: string) => codeOf(callHttp(probe, {}, { url, token: device.token }));
/** Asks the service itself, past the gateway; either replica of it may answer. */
async function pastTheGateway(probe: Bound, device: Device): Promise<string> {
  const reply = await gateway.ask(`rpc.gateway.${idOf(probe)}`, { token: device.token, input: {} });
  return reply?.error?.code ?? (reply === undefined ? 'outcome-unknown' : 'ok');
}

/** Asks everybody everywhere until nobody takes the token any more; gives back how long that took, and who was last. */
async function refusedAfterMs(device: Device, beganMs: number): Promise<number> {
  for (;;) {
    const asked = PROBES.flatMap((probe) => [
      ...system.state.gatewayUrls.map((url) => overHttp(probe, device, url)),
      // Several times, because the queue group gives each request to one of the replicas.
      ...Array.from({ length: 4 }, () => pastTheGateway(probe, device)),
    ]);
    const codes = new Set(await Promise.all(asked));
    if (codes.size === 1 && codes.has('device-revoked')) return performance.now() - beganMs;
    expect([...codes].filter((code) => !['ok', 'device-revoked', 'unavailable', 'outcome-unknown'].includes(code))).toEqual([]);
    if (performance.now() - beganMs > EVERYWHERE_WITHIN_MS * 2) throw new Error(`still taken: ${[...codes].join(', ')}`);
    await pause(50);
  }
}

test('a revoked device is refused by every service and both gateways within five seconds, and its sockets are closed', async () => {
  const person = await Person.register(system, 'revoker');
  const device = await person.addDevice();
  for (const probe of PROBES)
    expect([await overHttp(probe, device, system.url), await pastTheGateway(probe, device)]).toEqual(['ok', 'ok']);
  const sockets = await Promise.all(system.state.gatewayUrls.map((url) => RawSocket.identified(url, device.token)));
  const staying = await RawSocket.identified(system.url, person.first.token);
  const began = performance.now();
  const beganAtMs = Date.now();
  await person.revoke(device);
  const [tookMs, ...closes] = await Promise.all([
    refusedAfterMs(device, began),
    ...sockets.map(async (socket) => [
      await socket.whenClosed(EVERYWHERE_WITHIN_MS),
      (socket.closed?.atMs ?? Infinity) - beganAtMs <= EVERYWHERE_WITHIN_MS,
    ]),
  ]);
  expect(tookMs).toBeLessThan(EVERYWHERE_WITHIN_MS);
  expect(closes).toEqual(sockets.map(() => [4003, true]));
  expect(staying.isOpen).toBe(true);
  expect(await codeOf(staying.callByName('payments.getWallet', {}))).toBe('ok');
  expect(await codeOf(device.signIn())).toBe('device-revoked');
  staying.close();
});

test('a service that was away when it happened learns of it as it starts', async () => {
  const person = await Person.register(system, 'revoker');
  const device = await person.addDevice();
  const stopped = ['calls', 'payments', 'gateway-2'] as const;
  for (const name of stopped) system.signal(name, 'SIGKILL');
  await person.revoke(device);
  await system.whenReady();
  const codes = await Promise.all(PROBES.flatMap((probe) => system.state.gatewayUrls.map((url) => overHttp(probe, device, url))));
  expect(new Set(codes)).toEqual(new Set(['device-revoked']));
});

test('without the hint the truth is polled: a service that stands still while NATS says it refuses the token soon after', async () => {
  const person = await Person.register(system, 'revoker');
  const device = await person.addDevice();
  expect(await pastTheGateway(payments.operations.getWallet, device)).toBe('ok');
  // NATS drops a reader that stands still for long; here the hint may arrive late or not at all, and the poll is what is left.
  system.signal('payments', 'SIGSTOP');
  await person.revoke(device);
  await pause(300);
  system.signal('payments', 'SIGCONT');
  const began = performance.now();
  await refusedAfterMs(device, began);
  expect(performance.now() - began).toBeLessThan(EVERYWHERE_WITHIN_MS);
});

test('the device that revoked itself is out as well, and another account is not', async () => {
  const [person, other] = await Promise.all([Person.register(system, 'leaver'), Person.register(system, 'stayer')]);
  const began = performance.now();
  await person.revoke(person.first).catch((error: unknown) => {
    if (!(error instanceof AppError)) throw error;
  });
  expect(await refusedAfterMs(person.first, began)).toBeLessThan(EVERYWHERE_WITHIN_MS);
  expect(await codeOf(other.call(identity.operations.listDevices, {}))).toBe('ok');
});
