import { CONTRACTS, type Bound, isForPeople, type Peer } from '@rialto/contracts';
import { idOf, PEERS } from '@rialto/service';
import { closeAgents } from '../src/http.ts';
import { StolenCredential } from '../src/nats.ts';
import { RIGHTS } from '../src/rights.ts';
import { type Scene, setScene } from '../src/scene.ts';
import { RawSocket } from '../src/socket.ts';
import { pause, System } from '../src/system.ts';
import { badTokens } from '../src/tokens.ts';

const ALL: readonly Bound[] = Object.values(CONTRACTS).flatMap(({ operations }) => Object.values(operations) as Bound[]);
const NOWHERE = 'A'.repeat(43);

let system: System;
let scene: Scene;
const thieves = new Map<Peer, StolenCredential>();
const thiefOf = (peer: Peer): StolenCredential => {
  const thief = thieves.get(peer);
  if (thief === undefined) throw new Error(`no credential of ${peer} was stolen`);
  return thief;
};

beforeAll(async () => {
  system = new System();
  scene = await setScene(system);
  for (const peer of PEERS) thieves.set(peer, await StolenCredential.of(system, peer));
});
afterAll(async () => {
  for (const thief of thieves.values()) await thief.close();
  await system.close();
  closeAgents();
});

/** What the contracts let a process publish, worked out here and not by the code that writes the permissions. */
function mayPublish(peer: Peer): string[] {
  const isAllowed = ({ callers }: Bound) => callers.includes(peer) || (peer === 'gateway' && isForPeople({ callers }));
  return [
    ...ALL.filter(isAllowed).map((operation) => `rpc.${peer}.${idOf(operation)}`),
    ...(peer === 'gateway' ? Object.keys(CONTRACTS).map((name) => `health.${name}`) : [`push.${peer}.${NOWHERE}`]),
    ...(peer === 'identity' ? ['hint.revoked'] : []),
  ].toSorted();
}

test.each(PEERS)(
  'with the key of %s one may publish what its contract says, under its own name, and nothing else',
  async (peer) => {
    const subjects = [
      ...PEERS.flatMap((from) => ALL.map((operation) => `rpc.${from}.${idOf(operation)}`)),
      ...PEERS.flatMap((from) => [`push.${from}.${NOWHERE}`, `health.${from}`, `_INBOX.${from}.guess`]),
      ...['hint.revoked', '$SYS.REQ.SERVER.PING', '$JS.API.INFO', 'anything'],
    ];
    // `health.gateway` is nobody's: the gateway has no health on NATS.
    const published = (
      await thiefOf(peer).publishable(subjects.filter((subject) => subject !== 'hint.revoked' || peer !== 'identity'))
    ).toSorted();
    expect(published).toEqual(mayPublish(peer).filter((subject) => subject !== 'hint.revoked'));
  },
);

test.each(PEERS)('with the key of %s one may listen to its own requests and answers alone', async (peer) => {
  const wide = ['>', 'rpc.>', 'rpc.*.*.*', 'push.>', 'push.*.*', '_INBOX.>', '$SYS.>', 'health.>', `push.*.${scene.ana.id}`];
  const narrow = PEERS.flatMap((other) => [
    `_INBOX.${other}.>`,
    `rpc.*.${other}.*`,
    `rpc.${other}.>`,
    `health.${other}`,
    `push.${other}.*`,
  ]);
  const own =
    peer === 'gateway'
      ? [`_INBOX.gateway.>`, 'push.*.*', `push.*.${scene.ana.id}`, ...PEERS.map((other) => `push.${other}.*`)]
      : [`_INBOX.${peer}.>`, `rpc.*.${peer}.*`, `health.${peer}`];
  expect((await thiefOf(peer).listenable([...wide, ...narrow])).toSorted()).toEqual(own.toSorted());
});

test('an answer never goes where it may not, whatever reply subject is named', async () => {
  const heard: string[] = [];
  const gateway = thiefOf('gateway');
  for (const subject of ['push.*.*', '_INBOX.gateway.trick.>']) {
    gateway.connection.subscribe(subject, { callback: (_error, message) => void heard.push(message.subject) });
  }
  await gateway.connection.flush();
  const { ana, ben } = scene;
  const input = { from: ana.id, to: ben.id };
  const thief = thiefOf('calls');
  for (const reply of [
    `push.messaging.${ana.id}`,
    `push.calls.${ana.id}`,
    '_INBOX.gateway.trick.1',
    '_INBOX.payments.x.1',
    'hint.revoked',
    'rpc.messaging.identity.getChain',
  ]) {
    thief.connection.publish('rpc.calls.messaging.getReach', JSON.stringify({ requestId: 'trick', input }), { reply });
  }
  await thief.connection.flush();
  await pause(500);
  expect(heard).toEqual([]);
  expect(await thief.ask('rpc.calls.messaging.getReach', { input })).toEqual({
    ok: { isBlocked: false, isAccepted: true, areBothMembers: true },
  });
});

test("the gateway's own key opens nothing without a person's token: each service looks for itself", async () => {
  const gateway = thiefOf('gateway');
  const needsSession = ALL.filter(({ callers }) => isForPeople({ callers }) && !callers.includes('anyone'));
  const tokens = [
    { name: 'none', token: undefined, code: 'unauthenticated' },
    ...(await badTokens(scene.ana.first, scene.revoked)),
  ];
  const inputs = new Map<Bound, object>();
  for (const operation of needsSession) inputs.set(operation, (await RIGHTS[idOf(operation)]?.input(scene)) ?? {});
  const before = await system.fingerprint();
  for (const { name, token, code } of tokens) {
    const outcomes = await Promise.all(
      needsSession.map(async (operation) => {
        const input = inputs.get(operation) ?? {};
        const body = operation.signedAs === undefined ? { input } : scene.ana.first.signedBody(operation.signedAs, input);
        const reply = await gateway.ask(`rpc.gateway.${idOf(operation)}`, { token, ...body });
        return [idOf(operation), reply?.error?.code ?? 'ok'];
      }),
    );
    expect({ name, outcomes: Object.fromEntries(outcomes) }).toEqual({
      name,
      outcomes: Object.fromEntries(needsSession.map((operation) => [idOf(operation), code])),
    });
  }
  expect(await system.fingerprint()).toEqual(before);
});

test('a service that may ask for one thing is told nothing else, and what it sends badly is refused', async () => {
  const messaging = thiefOf('messaging');
  const { id } = scene.ana;
  expect(Object.keys((await messaging.ask('rpc.messaging.identity.getChain', { input: { accountId: id } }))?.ok ?? {})).toEqual([
    'chain',
    'chainSeq',
  ]);
  const bad: object[] = [
    {},
    { input: null },
    { input: { accountId: id, more: 1 } },
    { input: { accountId: [id] } },
    { input: 'text' },
  ];
  for (const request of bad) {
    expect((await messaging.ask('rpc.messaging.identity.getChain', request))?.error?.code).toBe('invalid-input');
  }
});

test('a push that a thief makes under its own name cannot pose as another service', async () => {
  const socket = await RawSocket.identified(system.url, scene.ana.first.token);
  const forged = { event: 'payments.transferPosted', payload: { transferId: scene.transferId, currency: 'EUR', seq: 99 } };
  thiefOf('calls').connection.publish(`push.calls.${scene.ana.id}`, JSON.stringify(forged));
  await thiefOf('calls').connection.flush();
  const own = { event: 'calls.callChanged', payload: {} };
  thiefOf('calls').connection.publish(`push.calls.${scene.ana.id}`, JSON.stringify(own));
  await pause(300);
  expect(socket.dispatches.map(({ event }) => event)).toEqual(['calls.callChanged']);
  socket.close();
});
