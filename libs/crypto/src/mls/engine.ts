import type { Chains } from '../device-chain.ts';
import type { Opened } from './application-message.ts';
import type { Suite } from './cipher-suite.ts';
import type { LeafCredential } from './credential.ts';
import type { Evidence } from './evidence.ts';
import type { GroupSave } from './group-state.ts';
import type { PinRefusal } from './pin.ts';
import type { Policy, RosterEdit } from './policy.ts';
import { messageOf, type Refusal } from './refusal.ts';

/** What every group of a device shares: the cipher suite, and the device chains that this device has verified. */
export type Engine = { suite: Suite; chains: Chains };

/**
 * What to change, in terms that still hold after somebody else's commit won, so that it can be tried again. `add` holds the public
 * bytes of key packages that `readKeyPackage` has let through, with their chains in the evidence.
 */
export type Intent = {
  add?: Uint8Array[];
  remove?: { account: string; device?: string }[];
  roster?: RosterEdit;
  credential?: LeafCredential; // a later chain seq of this device
  evidence?: Evidence;
};

/** `rejoined`: the committer came back into the group by it, having lost its place. */
export type Received =
  | { kind: 'message'; message: Opened }
  | { kind: 'commit'; own: boolean; by: LeafCredential | undefined; policy: Policy; lostPending: boolean; rejoined: boolean }
  | { kind: 'removed'; by: LeafCredential };

/**
 * A step that is not durable yet. Write `save` (and what is to be sent) in one transaction; then call `settle`, and only then let bytes
 * leave. `abandon` is for a failed write: nothing happened, and nothing may have left. `save` is undefined when this device was
 * removed: delete the group.
 */
export type Step<T> = { save: GroupSave | undefined; result: T; settle(): void; abandon(): void };

/** `mls` is what only a member can see: the membership tag, the confirmation tag, or the contents of the path. */
export type CommitRefusal = Refusal | 'mls' | `welcome-untrusted: ${PinRefusal}` | `group-info-untrusted: ${PinRefusal}`;

/** A commit, a welcome or group info that must not take effect here. Nothing has changed; trying again gives the same answer. */
export class CommitRefused extends Error {
  reason: CommitRefusal;
  constructor(reason: CommitRefusal, cause?: unknown) {
    super(cause === undefined ? reason : `${reason}: ${messageOf(cause)}`, { cause });
    this.reason = reason;
  }
}
