// Bytes that somebody made up, at every place where a service or a client takes bytes from outside: a typed refusal each, in time.
import { expectStillTalking, scene } from '../../test/attacks.ts';
import { must } from '../../test/world.ts';
import { ChainError, readChain } from '../device-chain.ts';
import { randomBytes, utf8 } from '../primitives.ts';
import { OpenError } from './application-message.ts';
import { classicSuite, type Suite } from './cipher-suite.ts';
import { CommitRefused } from './engine.ts';
import { Group } from './group.ts';
import { KeyPackageError, readKeyPackage, readWelcome } from './key-package.ts';
import { checkGroupInfo } from './pin.ts';
import { InvalidGroupData } from './public-group.ts';
import { judgeCommit, openGroup, readGroupHead } from './sequencer.ts';
import { readSealedMessage } from './sealed-message.ts';

const SEED = 20261125;
const ROUNDS = 120; // 1,000 took a minute and found no more

let suite: Suite;
beforeAll(async () => {
  suite = await classicSuite();
});

function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return (state >> 8) % limit;
  };
}

/** Cuts, flips, repeats, and fills with what parsers like least. */
function mutated(bytes: Uint8Array, below: (limit: number) => number): Uint8Array {
  const copy = bytes.slice();
  const at = below(copy.length);
  const kind = below(6);
  if (kind === 0) return copy.subarray(0, at);
  if (kind === 1) return new Uint8Array([...copy.subarray(0, at), ...copy.subarray(Math.max(0, at - 8))]);
  if (kind === 2) return new Uint8Array([...copy, below(256)]);
  if (kind === 3) copy.fill(255, at, at + 1 + below(8));
  else if (kind === 4) copy.fill(0, at, at + 1 + below(8));
  else copy[at] = must(copy[at]) ^ (1 << below(8));
  return copy;
}

const errorOf = (run: () => unknown): Promise<unknown> =>
  Promise.resolve()
    .then(run)
    .then(
      () => undefined,
      (error: unknown) => error,
    );

test(`${ROUNDS} mutations of each kind of input, seed ${SEED}`, async () => {
  const below = generator(SEED);
  const { group, alice, a, b } = await scene(suite);
  const own = await alice.first.keyPackage();
  const tablet = alice.addDevice(suite);
  const sealed = group.take(b, await b.group.send(utf8('hello'))).bytes;
  const add = [(await tablet.keyPackage()).publicBytes];
  const bundle = group.take(a, await a.group.commit({ add, evidence: { chains: [alice.chain] } }));
  const { groupInfo } = group.sequencer;
  const session = alice.first.name;
  const inputs = {
    sealed,
    commit: bundle.commit,
    welcome: must(bundle.welcome),
    groupInfo,
    keyPackage: own.publicBytes,
    chain: alice.chain.bytes,
  };
  const { pin } = b.group;
  const read = { chain: alice.chain, nowMs: Date.now(), suite };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, bytes] of Object.entries(inputs)) {
      const changed = below(50) === 0 ? randomBytes(below(200)) : mutated(bytes, below);
      if (Buffer.compare(changed, bytes) === 0) continue;
      const received = await errorOf(() => b.group.receive(changed));
      const isTagAlone = name === 'commit' && received instanceof CommitRefused && received.reason === 'mls';
      expect([OpenError, CommitRefused].some((kind) => received instanceof kind)).toBe(true);
      const judged = await judgeCommit({ groupInfo, bundle: { ...bundle, commit: changed }, session }, suite);
      expect(judged.accepted && !isTagAlone).toBe(false);
      expect((await judgeCommit({ groupInfo, bundle: { ...bundle, groupInfo: changed }, session }, suite)).accepted).toBe(false);
      expect(await errorOf(() => openGroup(changed, alice.chain, suite))).toBeInstanceOf(InvalidGroupData);
      expect(await errorOf(() => readGroupHead(changed, suite))).toBeInstanceOf(InvalidGroupData);
      expect((await checkGroupInfo(pin, changed, suite)).ok).toBe(false);
      expect(await errorOf(() => readKeyPackage(changed, read))).toBeInstanceOf(KeyPackageError);
      if (name !== 'chain' || changed.length >= bytes.length)
        expect(await errorOf(() => readChain(changed))).toBeInstanceOf(ChainError);
      for (const inTheClear of [() => readSealedMessage(changed), () => readWelcome(changed)]) {
        const error = await errorOf(inTheClear); // both only decode, so some mutations pass
        expect(error === undefined || error instanceof InvalidGroupData).toBe(true);
      }
    }
  }
  expect(await group.submit(a, bundle)).toEqual({ accepted: true });
  await group.everyoneCatchesUp();
  await expectStillTalking(group);
}, 120_000);

test('a welcome of garbage is refused by a client, and its key package still joins afterwards', async () => {
  const below = generator(SEED + 1);
  const { group, alice, a } = await scene(suite);
  const tablet = alice.addDevice(suite);
  const own = await tablet.keyPackage();
  const { welcome } = await group.commit(a, { add: [own.publicBytes], evidence: { chains: [alice.chain] } });
  group.teach(tablet);
  const join = (bytes: Uint8Array) => Group.join(tablet.engine, own, bytes, { conversationId: group.id });
  for (let round = 0; round < 300; round += 1) {
    const changed = mutated(must(welcome), below);
    if (Buffer.compare(changed, must(welcome)) === 0) continue;
    const error = await errorOf(() => join(changed));
    const isTyped = error instanceof InvalidGroupData || error instanceof CommitRefused;
    expect({ round, isTyped, error: String(error) }).toMatchObject({ isTyped: true });
  }
  expect((await join(must(welcome))).group.members).toHaveLength(4);
});
