import { CONTRACTS, type Bound, type Peer } from '@rialto/contracts';
import type { NatsLink } from '../src/index.ts';
import {
  createTestDatabase,
  startTestNats,
  startTestService,
  testDevice,
  type TestDatabase,
  type TestNats,
} from '../src/testing/index.ts';
import { inboxOf, PEERS, permissionsOf, pushSubjectOf, subjectOf } from '../src/subjects.ts';
import type { RunningService } from '../src/service.ts';
import { probeService, probeTables } from './probe-service.ts';

const services = Object.values(CONTRACTS);
const operations: Bound[] = services.flatMap((service) => Object.values(service.operations) as Bound[]);
const settle = () => new Promise((resolve) => setTimeout(resolve, 200));

let database: TestDatabase;
let nats: TestNats;
let service: RunningService;
beforeAll(async () => {
  [database, nats] = await Promise.all([createTestDatabase([probeTables]), startTestNats()]);
  service = await startTestService(probeService, { database, nats, env: { RIALTO_LOG_LEVEL: 'silent' } });
}, 60_000);
afterAll(async () => {
  await service.stop();
  await nats.stop();
  await database.drop();
});

/** Every subject that means something, whoever may use it. */
const everySubject = [
  ...PEERS.flatMap((peer) => operations.map((operation) => subjectOf(peer, operation))),
  ...services.map(({ name }) => pushSubjectOf(name, 'A')),
  ...services.map(({ name }) => `health.${name}`),
  ...PEERS.map((peer) => `${inboxOf(peer)}.x`),
  'hint.revoked',
  '$SYS.REQ.SERVER.PING',
  '$JS.API.INFO',
];

/** What NATS refuses of a list of publishes and subscriptions. */
async function refused(link: NatsLink, act: () => void): Promise<Set<string>> {
  const subjects = new Set<string>();
  const watch = async () => {
    for await (const status of link.connection.status()) {
      if (status.type === 'error') subjects.add((status.error as { subject?: string }).subject ?? status.error.message);
    }
  };
  void watch();
  act();
  await link.connection.flush();
  await settle();
  return subjects;
}
const fits = (pattern: string, subject: string) =>
  new RegExp(`^${pattern.replaceAll('$', '\\$').replaceAll('.', '\\.').replaceAll('*', '[^.]+').replaceAll('>', '.+')}$`).test(
    subject,
  );

test.each(PEERS)('a stolen credential of %s publishes only what is its own', async (peer: Peer) => {
  const link = await nats.linkAs(peer);
  const { publish } = permissionsOf(peer, services);
  const isAllowed = (subject: string) => publish.some((pattern) => fits(pattern, subject));
  const denied = await refused(link, () => {
    for (const subject of everySubject) link.connection.publish(subject, '{}');
  });
  expect([...denied].sort()).toEqual(everySubject.filter((subject) => !isAllowed(subject)).sort());
  // Said once more in words, so that a mistake in the permissions cannot hide behind itself.
  const own = operations.filter(({ callers }) => callers.includes(peer)).map((operation) => subjectOf(peer, operation));
  for (const subject of own) expect(denied.has(subject)).toBe(false);
  const mine = new RegExp(`^(rpc\\.${peer}\\.|push\\.${peer}\\.|health\\.|hint\\.)`);
  for (const subject of everySubject) if (!mine.test(subject)) expect(denied.has(subject)).toBe(true);
  if (peer !== 'gateway') expect(denied.has('health.payments')).toBe(true);
  if (peer !== 'identity') expect(denied.has('hint.revoked')).toBe(true);
});

test.each(PEERS)('a stolen credential of %s hears only what is its own', async (peer: Peer) => {
  const link = await nats.linkAs(peer);
  const others = PEERS.filter((each) => each !== peer);
  const forbidden = [
    '>',
    '*',
    'rpc.>',
    '_INBOX.>',
    '$SYS.>',
    ...others.map((each) => `${inboxOf(each)}.>`),
    ...others.map((each) => `rpc.*.${each}.*`),
  ];
  const pushes = peer === 'gateway' ? [] : ['push.*.*', 'push.messaging.A'];
  const denied = await refused(link, () => {
    for (const subject of [...forbidden, ...pushes]) link.connection.subscribe(subject);
  });
  expect([...denied].sort()).toEqual([...forbidden, ...pushes].sort());
});

test('without a credential, or with an unknown one, nobody gets in', async () => {
  const { connect, nkeyAuthenticator } = await import('@nats-io/transport-node');
  const { createUser } = await import('@nats-io/nkeys');
  await expect(connect({ servers: nats.url, reconnect: false })).rejects.toThrow();
  const stranger = nkeyAuthenticator(createUser().getSeed());
  await expect(connect({ servers: nats.url, reconnect: false, authenticator: stranger })).rejects.toThrow();
});

test('a reply goes into the inbox of who asked and nowhere else', async () => {
  const gateway = await nats.linkAs('gateway');
  const { token } = await testDevice();
  const heard: string[] = [];
  gateway.connection.subscribe('push.*.*', { callback: (_error, message) => void heard.push(message.subject) });
  gateway.connection.subscribe(`${inboxOf('gateway')}.mine`, { callback: (_error, message) => void heard.push(message.subject) });
  await gateway.connection.flush();
  const ask = (reply: string) =>
    gateway.connection.publish('rpc.gateway.payments.getWallet', JSON.stringify({ requestId: 'r', token, input: {} }), { reply });
  for (const reply of [
    'push.payments.victim',
    'push.payments.victim.x',
    `${inboxOf('calls')}.x`,
    `${inboxOf('gateway')}`,
    'rpc.payments.identity.getChain',
  ])
    ask(reply);
  ask(`${inboxOf('gateway')}.mine`);
  await settle();
  expect(heard).toEqual([`${inboxOf('gateway')}.mine`]);
});

test('a call that NATS does not allow is `unavailable` at once, not after a timeout', async () => {
  const calls = await nats.connectAs('calls');
  const startedAt = Date.now();
  await expect(calls.call(CONTRACTS.payments.operations.getWallet, {})).rejects.toMatchObject({ code: 'unavailable' });
  expect(Date.now() - startedAt).toBeLessThan(1_000);
});
