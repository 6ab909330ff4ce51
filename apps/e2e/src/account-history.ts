import type { Fault } from './history-checker.ts';

/** What the owner of one account did, and what identity acknowledged. Nothing here asks the system. */
export interface AccountDeeds {
  readonly account: string;
  readonly isCreated: boolean;
  readonly claims: readonly HandleClaim[];
  /** The device chain as its owner made it, oldest first; the first entry is acknowledged by the account itself. */
  readonly entries: readonly ChainEntry[];
  readonly devices: readonly DeviceDeed[];
  readonly packages: readonly OfferedPackage[];
  readonly takings: readonly PackageTaking[];
}
/** `refused` says that the handle was somebody else's; without an answer the outcome is `unknown`. */
export interface HandleClaim {
  readonly handle: string;
  readonly outcome: 'acknowledged' | 'refused' | 'unknown';
}
export interface ChainEntry {
  readonly entry: string;
  /** The number that the server gave it; undefined when its outcome stayed unknown. */
  readonly seq?: number;
}
export interface DeviceDeed {
  readonly device: string;
  readonly isAdded: boolean;
  readonly revocation: 'none' | 'acknowledged' | 'unknown';
}
export interface OfferedPackage {
  readonly ref: string;
  readonly isLastResort: boolean;
  readonly isAcknowledged: boolean;
}
/** One claim of somebody's key packages. `refs` are there when it was answered. */
export interface PackageTaking {
  readonly of: string;
  readonly refs?: readonly string[];
}
/** One account as identity has it at the end. */
export interface AccountAtEnd {
  readonly account: string;
  readonly handle: string | null;
  readonly entries: readonly string[];
  readonly devices: readonly string[];
  /** Devices of its owner that still open a session. */
  readonly openSessions: readonly string[];
  /** Key packages that can still be claimed, the last resort among them. */
  readonly packages: readonly string[];
}
/** What identity says at the end. */
export interface IdentityAtEnd {
  readonly accounts: readonly AccountAtEnd[];
  /** Whom a handle leads to. */
  readonly owners: ReadonlyMap<string, string>;
}

/** Every promise of identity that was broken, given all that was ever done to these accounts and what is there at the end. */
export function checkAccounts(deeds: readonly AccountDeeds[], atEnd: IdentityAtEnd): Fault[] {
  const faults = [...checkHandles(deeds, atEnd), ...checkPackages(deeds, atEnd)];
  const found = new Map(atEnd.accounts.map((account) => [account.account, account]));
  for (const one of deeds) {
    const end = found.get(one.account);
    if (end !== undefined) faults.push(...checkChain(one, end), ...checkDevices(one, end));
    else if (one.isCreated) faults.push({ kind: 'lost', what: `the account ${one.account} was acknowledged` });
  }
  return faults;
}

/** A handle leads to the one account that was given it, and nobody was refused one that no one has. */
function checkHandles(deeds: readonly AccountDeeds[], { accounts, owners }: IdentityAtEnd): Fault[] {
  const claims = deeds.flatMap(({ account, claims: made }) => made.map((claim) => ({ account, ...claim })));
  const shown = new Map(accounts.map(({ account, handle }) => [account, handle]));
  const faults: Fault[] = [];
  for (const [handle, all] of Map.groupBy(claims, (claim) => claim.handle)) {
    const given = all.filter(({ outcome }) => outcome === 'acknowledged');
    if (new Set(given.map(({ account }) => account)).size > 1)
      faults.push({ kind: 'doubled', what: `@${handle} was given to ${given.length} accounts` });
    const owner = owners.get(handle);
    for (const { account } of given) {
      if (owner !== account || shown.get(account) !== handle)
        faults.push({ kind: 'lost', what: `@${handle} was acknowledged to ${account} and leads to ${owner}` });
    }
    for (const { account } of all.filter(({ outcome }) => outcome === 'refused')) {
      if (owner === undefined || owner === account)
        faults.push({ kind: 'forged', what: `@${handle} was refused to ${account} and leads to ${owner}` });
    }
  }
  for (const { account, handle } of accounts) {
    const isClaimed = handle === null || claims.some((claim) => claim.account === account && claim.handle === handle);
    if (!isClaimed) faults.push({ kind: 'forged', what: `@${handle} was not claimed by ${account}` });
  }
  for (const [account, own] of Map.groupBy(claims, (claim) => claim.account)) {
    const handles = new Set(own.filter(({ outcome }) => outcome === 'acknowledged').map(({ handle }) => handle));
    if (handles.size > 1) faults.push({ kind: 'doubled', what: `${account} was given ${handles.size} handles` });
  }
  return faults;
}

/** The chain is what its owner made, in that order, up to at least the last entry that was acknowledged. */
function checkChain({ account, entries }: AccountDeeds, end: AccountAtEnd): Fault[] {
  const faults: Fault[] = [];
  for (const [place, entry] of end.entries.entries()) {
    if (end.entries.indexOf(entry) !== place)
      faults.push({ kind: 'duplicated', what: `${account}: entry ${place} is there twice` });
    else if (entries[place]?.entry !== entry)
      faults.push({ kind: 'forged', what: `${account}: nobody signed the entry ${place}` });
  }
  for (const [place, { entry, seq }] of entries.entries()) {
    if (seq === undefined) continue;
    if (seq !== place) faults.push({ kind: 'renumbered', what: `${account}: entry ${place} was acknowledged as ${seq}` });
    if (!end.entries.includes(entry)) faults.push({ kind: 'lost', what: `${account}: entry ${place} was acknowledged` });
  }
  return faults;
}

/** A device that was added is there; one that was revoked is not, and opens no session. */
function checkDevices({ account, devices }: AccountDeeds, end: AccountAtEnd): Fault[] {
  const faults: Fault[] = [];
  for (const { device, isAdded, revocation } of devices) {
    const isThere = end.devices.includes(device);
    if (isAdded && revocation === 'none' && !isThere)
      faults.push({ kind: 'lost', what: `${account}: the device ${device} was acknowledged` });
    if (revocation === 'acknowledged' && (isThere || end.openSessions.includes(device)))
      faults.push({ kind: 'lost', what: `${account}: the revocation of ${device} was acknowledged` });
  }
  const strange = end.devices.filter((device) => !devices.some((one) => one.device === device));
  return [...faults, ...strange.map((device): Fault => ({ kind: 'forged', what: `${account}: nobody added ${device}` }))];
}

/** Each single-use package was given away once or is still there; none comes from nowhere. */
function checkPackages(deeds: readonly AccountDeeds[], { accounts }: IdentityAtEnd): Fault[] {
  const takings = deeds.flatMap((one) => one.takings);
  const timesGiven = new Map<string, number>();
  for (const ref of takings.flatMap(({ refs = [] }) => refs)) timesGiven.set(ref, (timesGiven.get(ref) ?? 0) + 1);
  const perhapsTaken = new Set(takings.filter(({ refs }) => refs === undefined).map(({ of }) => of));
  const left = new Set(accounts.flatMap(({ packages }) => packages));
  const faults: Fault[] = [];
  for (const { account, packages } of deeds) {
    for (const { ref, isLastResort, isAcknowledged } of packages) {
      const times = timesGiven.get(ref) ?? 0;
      if (!isLastResort && times > 1) faults.push({ kind: 'doubled', what: `the key package ${ref} was given ${times} times` });
      if (!isLastResort && times > 0 && left.has(ref))
        faults.push({ kind: 'doubled', what: `the key package ${ref} was given, and is still offered` });
      const mayBeGone = !isLastResort && (times > 0 || perhapsTaken.has(account));
      if (isAcknowledged && !left.has(ref) && !mayBeGone)
        faults.push({ kind: 'lost', what: `the key package ${ref} of ${account} was acknowledged` });
    }
  }
  const offered = new Set(deeds.flatMap(({ packages }) => packages.map(({ ref }) => ref)));
  const strange = [...timesGiven.keys(), ...left].filter((ref) => !offered.has(ref));
  return [...faults, ...strange.map((ref): Fault => ({ kind: 'forged', what: `nobody offered the key package ${ref}` }))];
}
