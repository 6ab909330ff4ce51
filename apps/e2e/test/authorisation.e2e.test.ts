import { AppError, CONTRACTS, type Bound, isForPeople } from '@rialto/contracts';
import { idOf } from '@rialto/service';
import { httpRequestOf, outcomeOf } from '../src/call.ts';
import { ask, closeAgents, problemOf } from '../src/http.ts';
import { type Device, loopbackAddress, type Person } from '../src/person.ts';
import { type Right, RIGHTS } from '../src/rights.ts';
import { type Scene, setScene, viewOf } from '../src/scene.ts';
import { RawSocket } from '../src/socket.ts';
import { System } from '../src/system.ts';
import { badTokens, type BadToken } from '../src/tokens.ts';

const ALL: readonly Bound[] = Object.values(CONTRACTS).flatMap(({ operations }) => Object.values(operations) as Bound[]);
const FOR_PEOPLE = ALL.filter((operation) => isForPeople(operation));
const INTERNAL = ALL.filter((operation) => !isForPeople(operation));
const NEEDS_SESSION = FOR_PEOPLE.filter(({ callers }) => !callers.includes('anyone'));
const SIGNED = FOR_PEOPLE.filter(({ callers }) => callers.includes('device-signed'));

const rightTo = (operation: Bound): Right => {
  const right = RIGHTS[idOf(operation)];
  if (right === undefined) throw new Error(`${idOf(operation)} has no line in the table of rights`);
  return right;
};
const isRefusal = (verdict: string): boolean => !['own', 'public', 'party'].includes(verdict);

let system: System;
let scene: Scene;
/** What Ana sends for each operation, made once so that the database is quiet while she is attacked. */
const inputs = new Map<Bound, object>();
let tokens: readonly BadToken[];

beforeAll(async () => {
  system = new System();
  scene = await setScene(system);
  for (const operation of FOR_PEOPLE) inputs.set(operation, await rightTo(operation).input(scene));
  tokens = await badTokens(scene.ana.first, scene.revoked);
});
afterAll(async () => {
  await system.close();
  closeAgents();
});

/** What travels when a device sends an input: signed by it where it must be. */
const bodyOf = (operation: Bound, input: object, signer: Device): object =>
  operation.signedAs === undefined ? input : signer.signedBody(operation.signedAs, input);
const inputOf = (operation: Bound): object => inputs.get(operation) ?? {};

/** The code that comes back over HTTP, over either gateway. */
let turn = 0;
async function overHttp(operation: Bound, body: object, token: string | undefined): Promise<string> {
  const request = httpRequestOf(operation, body as Record<string, unknown>);
  const answer = await ask(system.gateway(turn++), { ...request, token, from: loopbackAddress() });
  return outcomeOf(operation, answer);
}
const overSocket = (socket: RawSocket, operation: Bound, body: object): Promise<string> =>
  socket.callByName(idOf(operation), body).then(
    () => 'ok',
    (error: AppError) => error.code,
  );

/** Runs attacks that must all be refused, and compares the whole database before and after. */
async function changesNothing(attack: () => Promise<Record<string, string>>): Promise<Record<string, string>> {
  const before = await system.fingerprint();
  const outcomes = await attack();
  expect(Object.fromEntries(await system.fingerprint())).toEqual(Object.fromEntries(before));
  return outcomes;
}
const expectedFor = (operations: readonly Bound[], code: (operation: Bound) => string) =>
  Object.fromEntries(operations.map((operation) => [idOf(operation), code(operation)]));
async function outcomesOf(operations: readonly Bound[], run: (operation: Bound) => Promise<string>) {
  const outcomes: Record<string, string> = {};
  for (const operation of operations) outcomes[idOf(operation)] = await run(operation);
  return outcomes;
}

test('every operation that people may call has a line in the table, and no other', () => {
  expect(Object.keys(RIGHTS).toSorted()).toEqual(FOR_PEOPLE.map(idOf).toSorted());
});

test('nobody without a session gets anything but what is for anyone', async () => {
  const expected = expectedFor(FOR_PEOPLE, (operation) => {
    if (!operation.callers.includes('anyone')) return 'unauthenticated';
    const verdict = rightTo(operation).anonymous ?? 'no verdict';
    return isRefusal(verdict) ? verdict : 'ok';
  });
  const attack = () =>
    outcomesOf(FOR_PEOPLE, (operation) => overHttp(operation, bodyOf(operation, inputOf(operation), scene.ana.first), undefined));
  expect(await changesNothing(attack)).toEqual(expected);
  const socket = await RawSocket.open(system.url);
  const asked = () =>
    outcomesOf(FOR_PEOPLE, (operation) => overSocket(socket, operation, bodyOf(operation, inputOf(operation), scene.ana.first)));
  expect(await changesNothing(asked)).toEqual(expectedFor(FOR_PEOPLE, () => 'unauthenticated'));
  socket.close();
});

test('no bad token opens anything, over HTTP or the socket', async () => {
  for (const { name, token, code, close } of tokens) {
    const attack = () =>
      outcomesOf(NEEDS_SESSION, (operation) =>
        overHttp(operation, bodyOf(operation, inputOf(operation), scene.ana.first), token),
      );
    expect({ name, outcomes: await changesNothing(attack) }).toEqual({ name, outcomes: expectedFor(NEEDS_SESSION, () => code) });
    const socket = await RawSocket.open(system.gateway(turn++));
    socket.send({ op: 'identify', token });
    expect({ name, close: await socket.whenClosed() }).toEqual({ name, close });
  }
});

test.each([
  ['a stranger', 'stranger', (all: Scene) => all.eve],
  ["another account's device", 'other', (all: Scene) => all.ben],
] as const)('%s is refused what is not theirs', async (_name, column, personOf) => {
  const person: Person = personOf(scene);
  const refused = FOR_PEOPLE.filter((operation) => isRefusal(rightTo(operation)[column]));
  const expected = expectedFor(refused, (operation) => rightTo(operation)[column]);
  const sends = (operation: Bound) => bodyOf(operation, inputOf(operation), person.first);
  const http = () => outcomesOf(refused, (operation) => overHttp(operation, sends(operation), person.first.token));
  expect(await changesNothing(http)).toEqual(expected);
  const socket = await RawSocket.identified(system.gateway(turn++), person.first.token);
  expect(await changesNothing(() => outcomesOf(refused, (operation) => overSocket(socket, operation, sends(operation))))).toEqual(
    expected,
  );
  socket.close();
});

test('what they may do themselves leaves what is hers as it is', async () => {
  const before = await viewOf(scene);
  for (const [column, person] of [
    ['stranger', scene.eve],
    ['other', scene.ben],
  ] as const) {
    const allowed = FOR_PEOPLE.filter((operation) => ['own', 'public'].includes(rightTo(operation)[column]));
    const outcomes = await outcomesOf(allowed, (operation) =>
      overHttp(operation, bodyOf(operation, inputOf(operation), person.first), person.first.token),
    );
    expect(outcomes).toEqual(expectedFor(allowed, () => 'ok'));
  }
  expect(await viewOf(scene)).toEqual(before);
});

test('a signed operation is refused with a stolen token, a captured body, or a signature for another purpose', async () => {
  const { ana, eve } = scene;
  const expected = expectedFor(SIGNED, () => 'signature-invalid');
  const withStolenToken = (operation: Bound) =>
    overHttp(operation, bodyOf(operation, inputOf(operation), eve.first), ana.first.token);
  expect(await changesNothing(() => outcomesOf(SIGNED, withStolenToken))).toEqual(expected);
  const withHerBody = (operation: Bound) =>
    overHttp(operation, bodyOf(operation, inputOf(operation), ana.first), eve.first.token);
  expect(await changesNothing(() => outcomesOf(SIGNED, withHerBody))).toEqual(expected);
  const withOtherPurpose = (operation: Bound) => {
    const purpose = operation.signedAs === 'session' ? 'receipt' : 'session';
    return overHttp(operation, ana.first.signedBody(purpose, inputOf(operation)), ana.first.token);
  };
  expect(await changesNothing(() => outcomesOf(SIGNED, withOtherPurpose))).toEqual(expected);
  const withoutSignature = (operation: Bound) => overHttp(operation, inputOf(operation), ana.first.token);
  expect(await changesNothing(() => outcomesOf(SIGNED, withoutSignature))).toEqual(expectedFor(SIGNED, () => 'invalid-input'));
});

test('internal operations cannot be reached from outside', async () => {
  const { first } = scene.ana;
  const socket = await RawSocket.identified(system.url, first.token);
  for (const operation of INTERNAL) {
    const { service, name } = operation;
    expect(await overSocket(socket, operation, {})).toBe('not-found');
    const paths = [
      `/v1/${service}/${name}`,
      `/v1/${name}`,
      `/v1/rpc/${service}.${name}`,
      `/${service}.${name}`,
      `/rpc.gateway.${service}.${name}`,
    ];
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
        const answer = await ask(system.url, { method, path, token: first.token, body: method === 'GET' ? undefined : {} });
        expect({ path, method, code: problemOf(answer).code }).toEqual({ path, method, code: 'not-found' });
      }
    }
  }
  socket.close();
});

test('what the reference page lists is what people may call', async () => {
  const { text } = await ask(system.url, { path: '/openapi.json' });
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, { operationId: string }>> };
  const listed = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
  expect(listed.filter((id) => INTERNAL.map(idOf).includes(id))).toEqual([]);
  expect(FOR_PEOPLE.map(idOf).filter((id) => !listed.includes(id))).toEqual([]);
});
