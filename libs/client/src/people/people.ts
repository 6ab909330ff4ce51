import { AccountId, AppError, Handle, type AccountView } from '@rialto/contracts';
import {
  type Chain,
  compareChains,
  currentDevices,
  type Engine,
  fromBase64url,
  readChain,
  safetyNumber,
  toBase64url,
} from '@rialto/crypto';
import { ClientError } from '../client-error.ts';
import type { Emitter } from '../events.ts';
import { Rows } from '../rows.ts';
import type { HandleAvailability, People as PeopleSurface } from '../sdk.ts';
import { Lanes } from '../single-flight.ts';
import type { Store } from '../store.ts';
import type { Api } from '../transport/api.ts';
import type { Person, PersonAlarm } from '../views.ts';

export interface PersonRecord {
  readonly accountId: AccountId;
  readonly handle: string | null;
  readonly displayName: string | null;
  /** The longest device chain that was verified: the pin. */
  readonly chain: string;
  readonly isVerified: boolean;
  readonly alarm: PersonAlarm | null;
}
export interface PeoplePorts {
  readonly store: Store;
  readonly api: Pick<Api['identity'], 'findHandle' | 'getAccount' | 'checkHandle'>;
  readonly engine: Engine;
  readonly me: AccountId;
  readonly events: Pick<Emitter, 'emit'>;
}

/**
 * Who this device knows. An account's chain proves itself against its id, so a server cannot change keys behind an id; a chain that is
 * shorter than before, or another one, is an alarm that stays until the user looks at it.
 */
export class People implements PeopleSurface {
  readonly #ports: PeoplePorts;
  readonly #rows: Rows<PersonRecord>;
  readonly #known = new Map<AccountId, { record: PersonRecord; chain: Chain }>();
  readonly #lanes = new Lanes();

  constructor(ports: PeoplePorts) {
    this.#ports = ports;
    this.#rows = new Rows(ports.store, 'person');
  }

  /** Reads what is stored; every group needs the chains of its members. */
  async load(): Promise<void> {
    for (const { value } of await this.#rows.list()) this.#remember(value);
  }

  /** This device's own account, from its own record: known before the server was asked, and the own side of every safety number. */
  async learnOwn(own: { readonly handle: string; readonly displayName: string; readonly chain: string }): Promise<void> {
    if (this.#known.has(this.#ports.me)) return;
    await this.#learn({ accountId: this.#ports.me, handle: own.handle, displayName: own.displayName, chain: own.chain });
  }

  async find(text: string): Promise<Person> {
    const [typed = '', id] = text.trim().replace(/^@/, '').split('#');
    const handle = Handle.safeParse(typed.toLowerCase());
    if (!handle.success) throw new AppError('not-found');
    const view = await this.#ports.api.findHandle({ handle: handle.data });
    const before = [...this.#known.values()].find(({ record }) => record.handle === handle.data);
    // A handle is never given to another account, so a server that says so has lied now or before.
    if (view.handle !== handle.data || (before && before.record.accountId !== view.accountId))
      throw new ClientError('server-lied');
    if (id !== undefined && id !== view.accountId) throw new ClientError('server-lied');
    return this.#viewOf(await this.#learn(view));
  }

  async get(accountId: AccountId): Promise<Person> {
    const known = this.#known.get(accountId);
    return this.#viewOf(known?.record ?? (await this.refresh(accountId)));
  }

  /** What is known without asking the server. */
  known(accountId: AccountId): Person | undefined {
    const known = this.#known.get(accountId);
    return known && this.#viewOf(known.record);
  }

  /** A person by `@handle` or account id. */
  async resolve(text: string): Promise<Person> {
    const id = AccountId.safeParse(text.trim());
    return id.success ? this.get(id.data) : this.find(text);
  }

  async markVerified(accountId: AccountId, isVerified = true): Promise<Person> {
    await this.get(accountId);
    return this.#lanes.run(accountId, async () => {
      const known = this.#known.get(accountId);
      if (!known) throw new AppError('not-found');
      return this.#viewOf(await this.#save({ ...known.record, isVerified, ...(isVerified && { alarm: null }) }));
    });
  }

  isHandleAvailable(handle: string): Promise<HandleAvailability> {
    return this.#ports.api.checkHandle({ handle: handle.trim().replace(/^@/, '').toLowerCase() });
  }

  /** Asks the server for the account and checks what it says against what is known. */
  async refresh(accountId: AccountId): Promise<PersonRecord> {
    const asked = this.#knownLength(accountId);
    const view = await this.#ports.api.getAccount({ accountId });
    if (view.accountId !== accountId) throw new ClientError('server-lied');
    return this.#learn(view, asked);
  }

  /** The verified chain. Throws `ClientError('keys-changed')` while there is an alarm: nothing new may be built on these keys. */
  async trustedChain(accountId: AccountId): Promise<Chain> {
    if (!this.#known.has(accountId)) await this.refresh(accountId);
    const known = this.#known.get(accountId);
    if (!known) throw new AppError('not-found');
    if (known.record.alarm) throw new ClientError('keys-changed');
    return known.chain;
  }

  /**
   * The longest chain that was verified, alarm or not: for judging what was signed in the past. Asks the server when the chain is not
   * known as far as `seq`.
   */
  async chainUpTo(accountId: AccountId, seq: number): Promise<Chain | undefined> {
    if (this.#known.get(accountId)?.chain.heads[seq] === undefined) await this.refresh(accountId);
    return this.#known.get(accountId)?.chain;
  }

  /**
   * Takes a chain that came with something else (key packages, a commit's evidence). `asked`: how many of its entries were known when the
   * server was asked for it. Throws `ClientError`.
   */
  async learnChain(accountId: AccountId, bytes: string, asked = this.#knownLength(accountId)): Promise<Chain> {
    const known = this.#known.get(accountId)?.record;
    await this.#learn({ accountId, handle: known?.handle ?? null, displayName: known?.displayName ?? null, chain: bytes }, asked);
    return this.trustedChain(accountId);
  }

  /** What a sender says of its own chain, inside the seal: a newer one is fetched, a different one is an alarm. */
  async compareClaim(accountId: AccountId, claim: { readonly seq: number; readonly hash: string }): Promise<void> {
    const known = this.#known.get(accountId);
    if (known?.chain.heads[claim.seq] === claim.hash) return;
    if (!known || known.chain.heads[claim.seq] === undefined) await this.refresh(accountId);
    const now = this.#known.get(accountId);
    if (now && now.chain.heads[claim.seq] !== claim.hash) await this.#alarm(accountId, 'chain-forked');
  }

  isCurrentDevice(accountId: AccountId, deviceId: string): boolean {
    const known = this.#known.get(accountId);
    return known !== undefined && currentDevices(known.chain).has(deviceId);
  }

  #knownLength(accountId: AccountId): number {
    return this.#known.get(accountId)?.chain.heads.length ?? 0;
  }

  /** An answer may be overtaken by a newer one on its way, so it is a step back only from what was known when it was asked for. */
  #learn(view: AccountView, asked = this.#knownLength(view.accountId)): Promise<PersonRecord> {
    return this.#lanes.run(view.accountId, async () => {
      const offered = verifiedChain(view);
      const known = this.#known.get(view.accountId);
      const profile = { accountId: view.accountId, handle: view.handle, displayName: view.displayName };
      if (!known) return this.#save({ ...profile, chain: view.chain, isVerified: false, alarm: null });
      const { verdict, chain } = compareChains(known.chain, offered);
      if (verdict === 'stale' && offered.heads.length >= asked) return known.record;
      const alarm = verdict === 'stale' ? 'chain-rolled-back' : verdict === 'forked' ? 'chain-forked' : known.record.alarm;
      const record = { ...known.record, ...profile, chain: toBase64url(chain.bytes), alarm };
      if (alarm !== known.record.alarm) this.#tell(view.accountId, alarm);
      return sameRecord(record, known.record) ? known.record : this.#save(record);
    });
  }

  async #alarm(accountId: AccountId, alarm: PersonAlarm): Promise<void> {
    await this.#lanes.run(accountId, async () => {
      const known = this.#known.get(accountId);
      if (!known || known.record.alarm === alarm) return;
      await this.#save({ ...known.record, alarm });
      this.#tell(accountId, alarm);
    });
  }

  #tell(accountId: AccountId, alarm: PersonAlarm | null): void {
    if (alarm === null) return;
    const code = alarm === 'chain-rolled-back' ? 'person-keys-rolled-back' : 'person-keys-forked';
    this.#ports.events.emit('problem', { code, accountId });
  }

  async #save(record: PersonRecord): Promise<PersonRecord> {
    await this.#ports.store.write([this.#rows.put(record.accountId, record)]);
    this.#remember(record);
    this.#ports.events.emit('person.changed', { accountId: record.accountId });
    return record;
  }

  #remember(record: PersonRecord): void {
    const chain = this.#ports.engine.chains.learn(fromBase64url(record.chain));
    this.#known.set(record.accountId, { record, chain });
  }

  #viewOf({ accountId, handle, displayName, isVerified, alarm }: PersonRecord): Person {
    const [mine, theirs] = [this.#known.get(this.#ports.me)?.chain, this.#known.get(accountId)?.chain];
    const digits = mine && theirs && accountId !== this.#ports.me ? safetyNumber(partyOf(mine), partyOf(theirs)).split(' ') : [];
    return { accountId, handle, displayName, safetyNumber: digits, isVerified, alarm };
  }
}

const partyOf = ({ account, rootKey }: Chain) => ({ account, rootKey });

function verifiedChain({ accountId, chain }: AccountView): Chain {
  let read: Chain;
  try {
    read = readChain(fromBase64url(chain));
  } catch (cause) {
    throw new ClientError('server-lied', cause);
  }
  if (read.account !== accountId) throw new ClientError('server-lied');
  return read;
}

const sameRecord = (a: PersonRecord, b: PersonRecord) =>
  a.handle === b.handle && a.displayName === b.displayName && a.chain === b.chain && a.alarm === b.alarm;
