import { type ClientMessageId, CONTRACTS, type ConversationId } from '@rialto/contracts';
import { type Bundle, dmPolicy, fromBase64url, Group, type NewKeyPackage, type Step, toBase64url, utf8 } from '@rialto/crypto';
import { newClaimId, newId, newMessageId, type Person } from './person.ts';

const { identity, messaging } = CONTRACTS;

/** Takes a step at once: these people keep no store. */
export function take<T>(step: Step<T>): T {
  step.settle();
  return step.result;
}

export const wire = ({ commit, groupInfo, welcome }: Bundle) => ({
  commit: toBase64url(commit),
  groupInfo: toBase64url(groupInfo),
  welcome: welcome === undefined ? null : toBase64url(welcome),
});

/** A real conversation of two: both hold the group, and the server knows it. */
export interface Dm {
  readonly id: ConversationId;
  readonly creator: Person;
  readonly peer: Person;
  readonly groups: ReadonlyMap<Person, Group>;
  readonly bundle: Bundle;
  readonly initialGroupInfo: Uint8Array;
}

/** A conversation as its creator's device makes it, before the server hears of it. */
export async function draftDm(creator: Person, peer: Person, id: ConversationId = newId('cnv')) {
  const { chain, keyPackages } = await creator.call(identity.operations.claimKeyPackages, {
    accountId: peer.id,
    claimId: newClaimId(),
  });
  creator.first.engine.chains.learn(creator.chain.bytes);
  const theirs = creator.first.engine.chains.learn(fromBase64url(chain));
  const entered = await Group.create(creator.first.engine, await creator.first.keyPackage(), dmPolicy(id, [creator.id, peer.id]));
  const add = keyPackages.map(({ keyPackage }) => fromBase64url(keyPackage));
  const bundle = take(await entered.group.commit({ add, evidence: { chains: [theirs] } }));
  const refs: string[] = keyPackages.map(({ ref }) => ref);
  return { id, group: entered.group, bundle, initialGroupInfo: entered.groupInfo, refs };
}

/** Opens a conversation and lets the peer join and accept it. */
export async function openDm(creator: Person, peer: Person): Promise<Dm> {
  const { id, group, bundle, initialGroupInfo, refs } = await draftDm(creator, peer);
  const opening = {
    conversationId: id,
    peer: peer.id,
    initialGroupInfo: toBase64url(initialGroupInfo),
    clientMessageId: newMessageId(),
  };
  await creator.call(messaging.operations.createDm, { ...opening, epoch: 0, ...wire(bundle) });
  take(await group.receive(bundle.commit));
  peer.first.engine.chains.learn(creator.chain.bytes);
  peer.first.engine.chains.learn(peer.chain.bytes);
  const own = packageOf(peer, refs);
  const joined = await Group.join(peer.first.engine, own, bundle.welcome ?? new Uint8Array(), { conversationId: id });
  await peer.call(messaging.operations.acceptConversation, { conversationId: id });
  const groups = new Map([
    [creator, group],
    [peer, joined.group],
  ]);
  return { id, creator, peer, groups, bundle, initialGroupInfo };
}

function packageOf(peer: Person, refs: readonly string[]): NewKeyPackage {
  const own = peer.packages.find(({ ref }) => refs.includes(ref));
  if (own === undefined) throw new Error('the package that was claimed is not one of the peer');
  return own;
}

/** A sealed message of a member, ready to be sent. */
export async function sealed(dm: Dm, sender: Person, text: string) {
  const group = dm.groups.get(sender);
  if (group === undefined) throw new Error('not in this conversation');
  const { bytes, messageId } = take(await group.send(utf8(text)));
  const clientMessageId = `msg_${messageId}` as ClientMessageId;
  return { conversationId: dm.id, clientMessageId, epoch: Number(group.epoch), bytes: toBase64url(bytes) };
}
