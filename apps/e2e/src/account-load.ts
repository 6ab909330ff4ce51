import { AppError, type Bound, CONTRACTS, type Input, type Output } from '@rialto/contracts';
import { fromBase64url, type NewKeyPackage, toBase64url } from '@rialto/crypto';
import type { AccountAtEnd, AccountDeeds, ChainEntry, HandleClaim, IdentityAtEnd, PackageTaking } from './account-history.ts';
import { callHttp, codeOf } from './call.ts';
import { ANSWER_WITHIN_MS, insist, type LoadReport } from './load.ts';
import { type Device, entriesOf, newClaimId, newestEntry, newHandle, Person } from './person.ts';
import { each, pause, type System } from './system.ts';

const { identity } = CONTRACTS;
/** Making keys and packages for people without end would take the cores from everything else. */
const PAUSE_MS = 50;
const SINGLE_USE_PACKAGES = 2;
const READ_AT_ONCE = 8;

/** An account with what its owner holds, for the look at the end. */
export interface RegisteredAccount {
  readonly person: Person;
  readonly second: Device;
  readonly deeds: AccountDeeds;
}
/** Those who register at the same time want the same handles, and take the key packages of the same person. */
export interface Rivals {
  readonly handles: string[];
  readonly newest: { account?: Person };
}
export const newRivals = (): Rivals => ({ handles: [], newest: {} });

interface Load {
  readonly rivals: Rivals;
  readonly report: LoadReport;
  readonly isWanted: () => boolean;
}

/** Registers one account after the other with all that belongs to it, until told to stop; every outcome is written down. */
export async function keepRegistering(system: System, load: Load): Promise<RegisteredAccount[]> {
  const done: RegisteredAccount[] = [];
  for (let number = 0; load.isWanted(); number += 1) {
    load.rivals.handles[number] ??= newHandle('wanted');
    done.push(await registerOne(system, load, number));
    await pause(PAUSE_MS);
  }
  return done;
}

async function registerOne(system: System, { rivals, report, isWanted }: Load, number: number): Promise<RegisteredAccount> {
  const person = await Person.draft(system, 'crowd');
  const { id, first, from } = person;
  const run = <T>(work: (url: string) => Promise<T>) =>
    insist(report, isWanted, (attempt) => work(system.gateway(number + attempt)));
  const call = <O extends Bound>(operation: O, input: Input<O>) => run((url) => callAs(first, operation, input, url));

  const chain = toBase64url(person.chain.bytes);
  const created = await run((url) =>
    callHttp(identity.operations.createAccount, { accountId: id, chain }, { url, from, timeoutMs: ANSWER_WITHIN_MS }),
  );
  await run((url) => first.signIn(system.url, url));
  const claims = await claimHandles(person, rivals.handles[number] ?? '', run);
  const packages = await offerPackages(first, call);
  const takings = await takeFrom(rivals.newest.account, call);

  const entries: ChainEntry[] = [entryOf(person, created && 0)];
  const append = async () => {
    const answer = await call(identity.operations.appendToChain, { accountId: id, entry: newestEntry(person.chain) });
    entries.push(entryOf(person, answer?.chainSeq));
    return answer !== undefined;
  };
  const second = person.certifyDevice();
  const isAdded = await append();
  person.expelDevice(second);
  const revocation = (await append()) ? 'acknowledged' : 'unknown';
  const devices = [
    { device: first.id, isAdded: created !== undefined, revocation: 'none' },
    { device: second.id, isAdded, revocation },
  ] as const;
  rivals.newest.account = person;
  return {
    person,
    second,
    deeds: { account: id, isCreated: created !== undefined, claims, entries, devices, packages, takings },
  };
}

const callAs = <O extends Bound>(device: Device, operation: O, input: Input<O>, url: string): Promise<Output<O>> => {
  const body = operation.signedAs === undefined ? input : (device.signedBody(operation.signedAs, input) as unknown as Input<O>);
  return callHttp(operation, body, { url, token: device.token, timeoutMs: ANSWER_WITHIN_MS });
};
const entryOf = ({ chain }: Person, seq: number | undefined): ChainEntry => {
  const entry = newestEntry(chain);
  return seq === undefined ? { entry } : { entry, seq };
};

type Run = <T>(work: (url: string) => Promise<T>) => Promise<T | undefined>;
type Call = <O extends Bound>(operation: O, input: Input<O>) => Promise<Output<O> | undefined>;

/** Claims the handle that others want too, and one of its own when it was refused. */
async function claimHandles({ id, handle: own, first }: Person, contested: string, run: Run): Promise<HandleClaim[]> {
  const claims: HandleClaim[] = [];
  for (const handle of [contested, own]) {
    const outcome = await run((url) =>
      callAs(first, identity.operations.claimHandle, { accountId: id, handle }, url).then(
        () => 'acknowledged' as const,
        (error: unknown) => {
          if (error instanceof AppError && error.code === 'handle-taken') return 'refused' as const;
          throw error;
        },
      ),
    );
    claims.push({ handle, outcome: outcome ?? 'unknown' });
    if (outcome !== 'refused') break;
  }
  return claims;
}

async function offerPackages(first: Device, call: Call) {
  const made: NewKeyPackage[] = [];
  for (let count = 0; count < SINGLE_USE_PACKAGES; count += 1) made.push(await first.keyPackage());
  const lastResort = await first.keyPackage({ lastResort: true });
  const answer = await call(identity.operations.publishKeyPackages, {
    keyPackages: made.map(({ publicBytes }) => toBase64url(publicBytes)),
    lastResort: toBase64url(lastResort.publicBytes),
  });
  const isAcknowledged = answer !== undefined;
  return [
    ...made.map(({ ref }) => ({ ref, isLastResort: false, isAcknowledged })),
    { ref: lastResort.ref, isLastResort: true, isAcknowledged },
  ];
}

async function takeFrom(other: Person | undefined, call: Call): Promise<PackageTaking[]> {
  if (other === undefined) return [];
  const answer = await call(identity.operations.claimKeyPackages, { accountId: other.id, claimId: newClaimId() });
  return [answer === undefined ? { of: other.id } : { of: other.id, refs: answer.keyPackages.map(({ ref }) => ref) }];
}

/** What identity says of these accounts, as anybody signed in and their owners see it. Which packages are left only its table says. */
export async function readIdentity(system: System, registered: readonly RegisteredAccount[]): Promise<IdentityAtEnd> {
  const accounts: AccountAtEnd[] = [];
  const owners = new Map<string, string>();
  const { rows } = await system.admin.query<{ account_id: string; ref: string }>(
    'select account_id, ref from identity.key_package where account_id = any ($1)',
    [registered.map(({ person }) => person.id)],
  );
  const packagesOf = Map.groupBy(rows, (row) => row.account_id);
  await each(registered, READ_AT_ONCE, async ({ person, second, deeds }) => {
    const { first } = person;
    await first.signIn();
    const view = await first.call(identity.operations.getAccount, { accountId: person.id });
    const { devices } = await first.call(identity.operations.listDevices, {});
    const isSecondIn = (await codeOf(second.signIn())) === 'ok';
    for (const { handle } of deeds.claims) {
      const found = await first.call(identity.operations.findHandle, { handle }).catch((error: unknown) => {
        if (error instanceof AppError && error.code === 'not-found') return undefined;
        throw error;
      });
      if (found !== undefined) owners.set(handle, found.accountId);
    }
    accounts.push({
      account: person.id,
      handle: view.handle,
      entries: entriesOf(fromBase64url(view.chain)),
      devices: devices.map(({ deviceId }) => deviceId),
      openSessions: [first.id, ...(isSecondIn ? [second.id] : [])],
      packages: (packagesOf.get(person.id) ?? []).map(({ ref }) => ref),
    });
  });
  return { accounts, owners };
}
