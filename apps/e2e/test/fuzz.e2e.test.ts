import { CONTRACTS, type Input } from '@rialto/contracts';
import { CommitRefused, Group, InvalidGroupData, OpenError, toBase64url, utf8 } from '@rialto/crypto';
import { idOf } from '@rialto/service';
import { codeOf } from '../src/call.ts';
import { draftDm, openDm, sealed, take, wire } from '../src/dm.ts';
import { Fuzzer, rightfulInputs } from '../src/fuzz-inputs.ts';
import { type Answer, ask, closeAgents, problemOf } from '../src/http.ts';
import { mutateBytes, strangeValue } from '../src/mutate.ts';
import { type Device, loopbackAddress, newMessageId, Person } from '../src/person.ts';
import { seededRandom } from '../src/random.ts';
import { type Scene, setScene } from '../src/scene.ts';
import { RawSocket } from '../src/socket.ts';
import { each, type Fingerprint, System } from '../src/system.ts';

const { identity, messaging } = CONTRACTS;
/** 20,000 in all. */
const HTTP_INPUTS = 9_000;
const SOCKET_INPUTS = 8_000;
const MLS_TO_SERVER = 1_500;
const MLS_TO_CLIENT = 1_500;
/** As many as two cores serve without queues that grow. */
const AT_ONCE = 24;
const DEVICES = 6;
/** Each window ends with a frame that is broken, and the socket with it. */
const CALLS_A_WINDOW = 10;
/** Drawn beyond those that must be sent, since Node's own client refuses to write some. */
const HTTP_SPARE = 900;

const random = seededRandom('fuzz');
let system: System;
let scene: Scene;
let devices: Device[];
let before: Fingerprint;
let mark: ReadonlyMap<string, number>;

beforeAll(async () => {
  system = new System();
  scene = await setScene(system);
  devices = [scene.ana.first];
  while (devices.length < DEVICES) devices.push(await scene.ana.addDevice());
});
beforeEach(async () => {
  before = await system.fingerprint();
  mark = system.logMark();
});
afterEach(async () => {
  expect(Object.fromEntries(await system.fingerprint())).toEqual(Object.fromEntries(before));
  expect(system.errorsSince(mark)).toEqual([]);
  expect((await ask(system.url, { path: '/health/ready' })).status).toBe(200);
});
afterAll(async () => {
  await system.close();
  closeAgents();
});

/** Why an answer is not what a bad request may get; undefined when it is. */
function faultIn(answer: Answer, mayPass: boolean): string | undefined {
  if (answer.status === 200 && (mayPass || answer.headers['content-type']?.startsWith('text/html') === true)) return undefined;
  if (answer.status < 400 || answer.status >= 500) return `status ${answer.status}: ${answer.text.slice(0, 200)}`;
  try {
    const { code } = problemOf(answer);
    return code === 'rate-limited' ? 'rate-limited, so nothing was tried' : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

test(`${HTTP_INPUTS} inputs over HTTP are refused`, async () => {
  const fuzzer = new Fuzzer(random.fork('http'), await rightfulInputs(scene), devices);
  const inputs = Array.from({ length: HTTP_INPUTS + HTTP_SPARE }, () => fuzzer.request(fuzzer.device()));
  const faults: object[] = [];
  const codes = new Map<string, number>();
  let sent = 0;
  await each(inputs, AT_ONCE, async ({ ask: request, mayPass }, index) => {
    // Whoever has no good token is counted by address.
    const from = devices.some(({ token }) => token === request.token) ? '' : loopbackAddress();
    const answer = await ask(system.gateway(index), { ...request, ...(from === '' ? {} : { from }) }).catch(
      (error: Error) => error,
    );
    // Node's own client refuses to write some paths and headers at all; that is no fault of ours.
    if (answer instanceof TypeError) return;
    sent += 1;
    const fault = answer instanceof Error ? answer.message : faultIn(answer, mayPass);
    if (fault !== undefined) faults.push({ fault, request: { ...request, token: typeof request.token } });
    else if (!(answer instanceof Error)) codes.set(String(answer.status), (codes.get(String(answer.status)) ?? 0) + 1);
  });
  expect({ seed: random.seed, faults: faults.slice(0, 5), count: faults.length }).toEqual({
    seed: random.seed,
    faults: [],
    count: 0,
  });
  expect(sent).toBeGreaterThanOrEqual(HTTP_INPUTS);
  expect(codes.get('400')).toBeGreaterThan(HTTP_INPUTS / 4);
});

test(`${SOCKET_INPUTS} frames over the socket are refused`, async () => {
  const stream = random.fork('socket');
  const fuzzer = new Fuzzer(stream, await rightfulInputs(scene), devices);
  const windows = Array.from({ length: Math.ceil(SOCKET_INPUTS / CALLS_A_WINDOW) }, () => {
    const device = fuzzer.device();
    const calls = Array.from({ length: CALLS_A_WINDOW - 1 }, () => fuzzer.call(device));
    return { device, calls, last: brokenFrame() };
  });
  function brokenFrame(): Buffer {
    const frame = JSON.stringify({
      op: stream.of(['call', 'ack', 'resume', 'renew', 'identify', 'heartbeat', 'admin']),
      id: strangeValue(stream),
      input: strangeValue(stream),
    });
    return mutateBytes(stream, Buffer.from(frame));
  }
  const faults: object[] = [];
  await each(windows, 6, async ({ device, calls, last }, index) => {
    const socket = await RawSocket.identified(system.gateway(index), device.token);
    const outcomes = await Promise.all(calls.map(({ operation, body }) => codeOf(socket.callByName(idOf(operation), body))));
    for (const [place, code] of outcomes.entries()) {
      const { operation, body, mayPass } = calls[place] ?? {};
      const isFine =
        code === 'ok'
          ? mayPass || body === undefined || body === null
          : !['internal', 'rate-limited', 'outcome-unknown'].includes(code);
      if (!isFine) faults.push({ code, operation: operation && idOf(operation), body });
    }
    socket.sendRaw(last, { binary: index % 5 === 0 });
    const code = await socket.whenClosed();
    if (![4000, 4002, 1006, 1007].includes(code)) faults.push({ code, frame: last.toString('latin1') });
  });
  expect({ seed: random.seed, faults: faults.slice(0, 5), count: faults.length }).toEqual({
    seed: random.seed,
    faults: [],
    count: 0,
  });
});

/** Of a commit the server cannot check the tag of the members at its end, nor, without its secret, the tag before it; members do. */
const TAGS_BYTES = 140;

test(`${MLS_TO_SERVER} broken groups, commits, messages and key packages are refused by the server`, async () => {
  const stream = random.fork('mls to the server');
  const { ana, dm, draft, commit, carl } = scene;
  const broken = (bytes: Uint8Array, keep = 0) => toBase64url(mutateBytes(stream, bytes, { keep }));
  const opening = {
    conversationId: draft.id,
    peer: carl.id,
    initialGroupInfo: toBase64url(draft.initialGroupInfo),
    epoch: 0,
    ...wire(draft.bundle),
  };
  const ending = { conversationId: dm.id, epoch: 1, ...wire(commit) };
  const keyPackage = await ana.first.keyPackage();
  const message = await sealed(dm, ana, 'a message');
  const headerBytes = Buffer.from(message.bytes, 'base64url').subarray(0, 60);
  const attempts: (() => [Parameters<typeof ana.call>[0], object])[] = [
    () => [
      messaging.operations.createDm,
      { ...opening, initialGroupInfo: broken(draft.initialGroupInfo), clientMessageId: newMessageId() },
    ],
    () => [
      messaging.operations.createDm,
      { ...opening, groupInfo: broken(draft.bundle.groupInfo), clientMessageId: newMessageId() },
    ],
    () => [
      messaging.operations.createDm,
      { ...opening, commit: broken(draft.bundle.commit, TAGS_BYTES), clientMessageId: newMessageId() },
    ],
    () => [
      messaging.operations.commit,
      { ...ending, commit: broken(commit.commit, TAGS_BYTES), clientMessageId: newMessageId() },
    ],
    () => [messaging.operations.commit, { ...ending, groupInfo: broken(commit.groupInfo), clientMessageId: newMessageId() }],
    () => [identity.operations.publishKeyPackages, { keyPackages: [broken(keyPackage.publicBytes)] }],
    () => [
      messaging.operations.sendMessage,
      { ...message, clientMessageId: newMessageId(), bytes: toBase64url(mutateBytes(stream, headerBytes)) },
    ],
  ];
  const accepted: object[] = [];
  const codes = new Map<string, number>();
  await each(Array.from({ length: MLS_TO_SERVER }), 6, async (_none, index) => {
    const [operation, input] = stream.of(attempts)();
    const code = await codeOf(ana.call(operation, input as Input<typeof operation>, system.gateway(index)));
    codes.set(code, (codes.get(code) ?? 0) + 1);
    const isRefused =
      ['commit-refused', 'invalid-input', 'key-package-invalid', 'payload-too-large'].includes(code) ||
      // A commit whose epoch was changed is one of another epoch.
      (code === 'stale-epoch' && operation === messaging.operations.commit);
    // The seed brings the whole input back.
    if (!isRefused) accepted.push({ code, operation: idOf(operation), input: JSON.stringify(input).slice(0, 200) });
  });
  expect({ seed: random.seed, accepted: accepted.slice(0, 3), count: accepted.length }).toEqual({
    seed: random.seed,
    accepted: [],
    count: 0,
  });
});

test(`${MLS_TO_CLIENT} broken messages, commits and welcomes are refused by a client, whose group goes on as before`, async () => {
  const stream = random.fork('mls to a client');
  const [dan, eva] = await Promise.all([Person.register(system, 'dan'), Person.register(system, 'eva')]);
  const dm = await openDm(dan, eva);
  const [sender, reader] = [dm.groups.get(dan), dm.groups.get(eva)];
  if (sender === undefined || reader === undefined) throw new Error('both are in the conversation');
  const message = take(await sender.send(utf8('the real message'))).bytes;
  const commit = take(await sender.commit({})).commit;
  const draft = await draftDm(eva, dan);
  const own = dan.packages.find(({ ref }) => draft.refs.includes(ref));
  if (own === undefined) throw new Error('the package that was claimed is not one of the reader');
  dan.first.engine.chains.learn(eva.chain.bytes);
  const welcome = draft.bundle.welcome ?? new Uint8Array();
  before = await system.fingerprint();
  const accepted: object[] = [];
  const refusals = [OpenError, CommitRefused, InvalidGroupData];
  for (let count = 0; count < MLS_TO_CLIENT; count += 1) {
    const [kind, bytes] = stream.of([
      ['message', mutateBytes(stream, message)],
      ['commit', mutateBytes(stream, commit)],
      ['welcome', mutateBytes(stream, welcome)],
    ] as const);
    const outcome = await (
      kind === 'welcome' ? Group.join(dan.first.engine, own, bytes, { conversationId: draft.id }) : reader.receive(bytes)
    ).then(
      () => 'accepted',
      (error: unknown) => (refusals.some((kind) => error instanceof kind) ? 'refused' : String(error)),
    );
    if (outcome !== 'refused') accepted.push({ kind, outcome, bytes: bytes.toString('base64url').slice(0, 200) });
  }
  expect({ seed: random.seed, accepted: accepted.slice(0, 2), count: accepted.length }).toEqual({
    seed: random.seed,
    accepted: [],
    count: 0,
  });
  const opened = take(await reader.receive(message));
  expect(opened.kind === 'message' && Buffer.from(opened.message.plaintext).toString()).toBe('the real message');
  expect(take(await reader.receive(commit))).toMatchObject({ kind: 'commit', own: false });
  expect((await Group.join(dan.first.engine, own, welcome, { conversationId: draft.id })).group.epoch).toBe(1n);
});
