import type { Capabilities, CiphersuiteName, Extension } from 'ts-mls';
import { encodeRequiredCapabilities } from 'ts-mls/requiredCapabilities.js';
import { EncodingError, Reader, Writer } from '../encoding.ts';
import { fromBase64url, HASH_BYTES, sameBytes, toBase64url } from '../primitives.ts';

export type Role = 'member' | 'admin';
/** `since` is the epoch in which the account was entered: it keeps an old leave statement from removing somebody who came back. */
export type RosterEntry = { account: string; role: Role; minChainSeq: number; since: bigint };
export type RosterEdit = { set?: Omit<RosterEntry, 'since'>[]; drop?: string[] };
export type Kind = 'dm' | 'group' | 'self';
export type Policy = { conversationId: string; resetSeq: number; kind: Kind; roster: RosterEntry[] };

/** From RFC 9420's private range 0xF000–0xFFFF, and no GREASE value. */
const POLICY_EXTENSION = 0xf7a1;
/** `last_resort` of draft-ietf-mls-extensions, registered by IANA for key packages. */
export const LAST_RESORT_EXTENSION = 0x000a;
export const MAX_LEAVES = 100;
export const MAX_ACCOUNTS = 100;

const VERSION = 1;
const KINDS: readonly Kind[] = ['dm', 'group', 'self'];
const ROLES: readonly Role[] = ['member', 'admin'];
const REQUIRED = encodeRequiredCapabilities({
  extensionTypes: [POLICY_EXTENSION],
  proposalTypes: [],
  credentialTypes: ['basic'],
});

/** A conversation of two accounts, both admins: neither can put the other out, since the roster of a `dm` is fixed. */
export function dmPolicy(conversationId: string, accounts: readonly [string, string]): Policy {
  return { conversationId, resetSeq: 0, kind: 'dm', roster: accounts.map(founder) };
}

/** A group that starts with its creator as the only account, and admin. */
export function groupPolicy(conversationId: string, creator: string): Policy {
  return { conversationId, resetSeq: 0, kind: 'group', roster: [founder(creator)] };
}

/** The group of one's own devices. */
export function selfPolicy(conversationId: string, account: string): Policy {
  return { conversationId, resetSeq: 0, kind: 'self', roster: [founder(account)] };
}

const founder = (account: string): RosterEntry => ({ account, role: 'admin', minChainSeq: 0, since: 0n });

/** Exactly these two extensions are in every group context, in this order. */
export function groupExtensions(policy: Policy): Extension[] {
  return [
    { extensionType: 'required_capabilities', extensionData: REQUIRED },
    { extensionType: POLICY_EXTENSION, extensionData: encodePolicy(policy) },
  ];
}

/** Throws `EncodingError` when the extensions are not exactly ours, or the policy not in its one encoding. */
export function policyOf(extensions: readonly Extension[]): Policy {
  const [required, policy] = extensions;
  if (
    extensions.length !== 2 ||
    required?.extensionType !== 'required_capabilities' ||
    policy?.extensionType !== POLICY_EXTENSION
  )
    throw new EncodingError('unexpected group extensions');
  if (!sameBytes(required.extensionData, REQUIRED)) throw new EncodingError('unexpected required capabilities');
  return decodePolicy(policy.extensionData);
}

/** What every leaf declares: nothing optional, no GREASE, so that two builds make the same leaf. */
export function capabilities(suite: CiphersuiteName): Capabilities {
  const extensions = [LAST_RESORT_EXTENSION, POLICY_EXTENSION];
  return { versions: ['mls10'], ciphersuites: [suite], extensions, proposals: [], credentials: ['basic'] };
}

/** The group id follows from the conversation and its reset, so a policy cannot be carried into another group. */
export function groupIdOf({ conversationId, resetSeq }: Pick<Policy, 'conversationId' | 'resetSeq'>): Uint8Array {
  return new Writer().text(conversationId).number(resetSeq, 4).finish();
}

/** The conversation and reset that a group id names. Throws `EncodingError`. */
export function readGroupId(groupId: Uint8Array): Pick<Policy, 'conversationId' | 'resetSeq'> {
  const reader = new Reader(groupId);
  const [conversationId, resetSeq] = [reader.text(), reader.number(4)];
  reader.end();
  return { conversationId, resetSeq };
}

/** The policy with accounts set and dropped; an account that is new is entered as of `epoch`. */
export function editRoster(policy: Policy, { set = [], drop = [] }: RosterEdit, epoch: bigint): Policy {
  const since = (account: string) => policy.roster.find((entry) => entry.account === account)?.since ?? epoch;
  const touched = new Set([...set.map((entry) => entry.account), ...drop]);
  const kept = policy.roster.filter((entry) => !touched.has(entry.account));
  return { ...policy, roster: [...kept, ...set.map((entry) => ({ ...entry, since: since(entry.account) }))] };
}

function encodePolicy(policy: Policy): Uint8Array {
  const writer = new Writer()
    .number(VERSION, 1)
    .text(policy.conversationId)
    .number(policy.resetSeq, 4)
    .number(KINDS.indexOf(policy.kind), 1)
    .number(policy.roster.length, 4);
  for (const { account, role, minChainSeq, since } of sorted(policy.roster))
    writer.fixed(fromBase64url(account, HASH_BYTES)).number(ROLES.indexOf(role), 1).number(minChainSeq, 4).number(since, 8);
  return writer.finish();
}

function decodePolicy(bytes: Uint8Array): Policy {
  const reader = new Reader(bytes);
  if (reader.number(1) !== VERSION) throw new EncodingError('unknown policy version');
  const [conversationId, resetSeq] = [reader.text(), reader.number(4)];
  const kind = KINDS[reader.number(1)];
  const length = reader.number(4);
  if (!kind || length > MAX_ACCOUNTS) throw new EncodingError('bad policy');
  const roster = Array.from({ length }, (): RosterEntry => {
    const [account, role] = [toBase64url(reader.fixed(HASH_BYTES)), ROLES[reader.number(1)]];
    if (!role) throw new EncodingError('bad role');
    return { account, role, minChainSeq: reader.number(4), since: reader.bigint() };
  });
  reader.end();
  const policy = { conversationId, resetSeq, kind, roster };
  if (new Set(roster.map((entry) => entry.account)).size !== length) throw new EncodingError('an account twice');
  if (!sameBytes(encodePolicy(policy), bytes)) throw new EncodingError('roster not in order');
  return policy;
}

const sorted = (roster: readonly RosterEntry[]) => roster.toSorted((a, b) => (a.account < b.account ? -1 : 1));
