// What the probes share: a scene, attackers' messages, and what refusing one means. Attackers use ts-mls with its default configuration.
import {
  createCommit,
  encodeMlsMessage,
  type Extension,
  joinGroupExternal,
  type LeafNode,
  type MLSMessage,
  type Proposal,
} from 'ts-mls';
import { defaultClientConfig } from 'ts-mls/clientConfig.js';
import type { Chain } from '../src/device-chain.ts';
import { toBase64url, utf8 } from '../src/primitives.ts';
import type { Suite } from '../src/mls/cipher-suite.ts';
import { CommitRefused, type Engine } from '../src/mls/engine.ts';
import { encodeEvidence, type Evidence } from '../src/mls/evidence.ts';
import { OpenError, type OpenRefusal } from '../src/mls/application-message.ts';
import { openKeyPackage } from '../src/mls/own-key-package.ts';
import { groupExtensions, type Policy } from '../src/mls/policy.ts';
import { decodeSnapshot, type GroupSave, storedAfter } from '../src/mls/group-state.ts';
import { decodeKeyPackageBytes } from '../src/mls/key-package.ts';
import { groupInfoOf } from '../src/mls/prepared-commit.ts';
import type { Bundle } from '../src/mls/sequencer.ts';
import { decodeMessage } from '../src/mls/public-group.ts';
import type { Refusal } from '../src/mls/refusal.ts';
import { credentialFor } from '../src/mls/credential.ts';
import { Account, Conversation, type Device, must, rawState, type Seat } from './world.ts';

/** A group of three, with an outsider. */
export async function scene(suite: Suite) {
  const [alice, ben, carol, mal] = [new Account(suite), new Account(suite), new Account(suite), new Account(suite)];
  const group = await Conversation.open(suite, { kind: 'group', accounts: [alice, ben, carol] });
  await group.everyoneCatchesUp();
  return { group, alice, ben, carol, mal, a: group.seat(alice.first), b: group.seat(ben.first), c: group.seat(carol.first) };
}

const view = (group: Conversation) =>
  group.seats.map((seat) => [seat.group.epoch, seat.group.members, toBase64url(seat.group.epochAuthenticator)]);

/** The sequencer and every client refuse the bytes for the same reason, nothing has changed, and everybody can still talk. */
export async function expectRefused(group: Conversation, bytes: Uint8Array, reason: Refusal): Promise<void> {
  const before = view(group);
  const { groupInfo } = group.sequencer;
  const session = must(group.seats[0]).device.name;
  expect(await group.sequencer.submit({ commit: bytes, groupInfo }, session)).toEqual({ accepted: false, reason });
  for (const seat of group.seats) expect(await failureOf(group.receive(seat, bytes), CommitRefused)).toBe(reason);
  expect(view(group)).toEqual(before);
  await expectStillTalking(group);
}

export async function expectUnreadable(group: Conversation, bytes: Uint8Array, reason: OpenRefusal): Promise<void> {
  for (const seat of group.seats) expect(await failureOf(group.receive(seat, bytes), OpenError)).toBe(reason);
}

/** The reason that a promise was rejected with, which must be of the given kind. */
export async function failureOf<R>(
  promise: Promise<unknown>,
  kind: new (...parameters: never[]) => Error & { reason: R },
): Promise<R> {
  const error: unknown = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof kind)) throw new Error(`expected ${kind.name}, got ${String(error)}`);
  return error.reason;
}

export async function expectStillTalking(group: Conversation): Promise<void> {
  const [first, ...others] = group.seats;
  await group.send(must(first), utf8('still here'));
  for (const seat of others) expect((await group.catchUp(seat)).at(-1)?.kind).toBe('message');
  await group.commit(must(first), {});
  await group.everyoneCatchesUp();
}

type PublicMessageBody = Extract<MLSMessage, { wireformat: 'mls_public_message' }>['publicMessage'];

export const encodePublicMessage = (publicMessage: PublicMessageBody) =>
  encodeMlsMessage({ version: 'mls10', wireformat: 'mls_public_message', publicMessage });

export function groupInfoIn(bytes: Uint8Array) {
  const message = decodeMessage(bytes);
  if (message.wireformat !== 'mls_group_info') throw new Error('not group info');
  return message.groupInfo;
}

export async function externalCommit(
  group: Conversation,
  device: Device,
  { evict, chain = device.account.chain, certified = chain }: { evict?: Device; chain?: Chain; certified?: Chain } = {},
): Promise<Uint8Array> {
  const { publicPackage, privatePackage } = openKeyPackage(await device.keyPackage(anyCredential(certified, device)));
  const evicted = toBase64url(evict?.mlsKey.publicKey ?? new Uint8Array());
  const compareKeyPackageToLeafNode = (_own: unknown, leaf: { signaturePublicKey: Uint8Array }) =>
    toBase64url(leaf.signaturePublicKey) === evicted;
  const keyPackageEqualityConfig = { compareKeyPackages: () => false, compareKeyPackageToLeafNode };
  const joined = await joinGroupExternal(
    groupInfoIn(group.sequencer.groupInfo),
    publicPackage,
    privatePackage,
    evict !== undefined,
    group.suite,
    undefined,
    { ...defaultClientConfig, keyPackageEqualityConfig },
    encodeEvidence({ chains: [chain] }),
  );
  return encodePublicMessage(joined.publicMessage);
}

/** Also for a device that the chain does not hold any more: an attacker claims what it likes. */
function anyCredential(chain: Chain, device: Device) {
  const holds = chain.devices.at(-1)?.has(device.id);
  if (holds) return credentialFor(chain, device.id);
  return { account: chain.account, device: device.id, chainSeq: chain.heads.length - 1, chainHead: must(chain.heads.at(-1)) };
}

type Crime = { leaf?: Partial<LeafNode>; asPublic?: boolean; evidence?: Evidence; cipherSuite?: Suite };

/** A commit as a dishonest member makes it: with any proposals, its own leaf edited, hidden in a PrivateMessage, by a crooked suite. */
export async function rawCommit(
  seat: Seat,
  proposals: Proposal[],
  { leaf, asPublic = true, evidence = {}, cipherSuite = seat.device.engine.suite }: Crime = {},
): Promise<Uint8Array> {
  const honest = rawState(seat);
  const ratchetTree = honest.ratchetTree.map((node, index) =>
    index === honest.privatePath.leafIndex * 2 && node?.nodeType === 'leaf'
      ? { ...node, leaf: { ...node.leaf, ...leaf } as LeafNode }
      : node,
  );
  const { commit } = await createCommit(
    { state: { ...honest, ratchetTree, clientConfig: defaultClientConfig }, cipherSuite },
    { extraProposals: proposals, wireAsPublicMessage: asPublic, authenticatedData: encodeEvidence(evidence) },
  );
  return encodeMlsMessage(commit);
}

/** What somebody uploads who does not judge the own commit first: these packages are added, with welcome and group info. */
export async function rawOpening(
  engine: Engine,
  { save, add, evidence }: { save: GroupSave; add: Uint8Array[]; evidence: Evidence },
): Promise<Bundle> {
  const { state } = decodeSnapshot(storedAfter(undefined, save), engine.chains).snapshot;
  const extraProposals = add.map((bytes): Proposal => {
    return { proposalType: 'add', add: { keyPackage: decodeKeyPackageBytes(bytes) } };
  });
  const { commit, welcome, newState } = await createCommit(
    { state, cipherSuite: engine.suite },
    { extraProposals, wireAsPublicMessage: true, ratchetTreeExtension: true, authenticatedData: encodeEvidence(evidence) },
  );
  return {
    commit: encodeMlsMessage(commit),
    welcome: encodeMlsMessage({ version: 'mls10', wireformat: 'mls_welcome', welcome: must(welcome) }),
    groupInfo: await groupInfoOf(newState, engine),
  };
}

export const rosterProposal = (policy: Policy, extra: Extension[] = []): Proposal => ({
  proposalType: 'group_context_extensions',
  groupContextExtensions: { extensions: [...groupExtensions(policy), ...extra] },
});
