import { LOW_KEY_PACKAGES, MAX_KEY_PACKAGES_PER_CALL } from '@rialto/contracts';
import {
  createKeyPackage,
  credentialFor,
  type Chain,
  type Engine,
  fromBase64url,
  type OwnKeyPackage,
  type SigningKey,
  toBase64url,
} from '@rialto/crypto';
import { Rows } from '../rows.ts';
import { Lanes } from '../single-flight.ts';
import type { Change, Store } from '../store.ts';
import type { Api } from '../transport/api.ts';

/** How many single-use packages a device keeps on offer. */
const TARGET = 3 * LOW_KEY_PACKAGES;
const DAY_MS = 24 * 60 * 60 * 1000;
const LAST_RESORT_LIFETIME_MS = 7 * DAY_MS;
/** A welcome may wait this long for a device that was away, so the secrets that open it are kept. */
const KEEP_REPLACED_MS = 30 * DAY_MS;
const EXPIRY_MS = 90 * DAY_MS;

interface KeyPackageRecord {
  readonly publicBytes: string;
  readonly privateBytes: string;
  readonly isLastResort: boolean;
  readonly isPublished: boolean;
  readonly madeAt: number;
}
export interface KeyPackagePorts {
  readonly store: Store;
  readonly engine: Engine;
  readonly mlsKey: SigningKey;
  readonly deviceId: string;
  chain(): Chain;
  now(): number;
}

/** This device's offers to be added to groups: made, kept, uploaded before they run out, and deleted with their secrets once used. */
export class KeyPackages {
  readonly #ports: KeyPackagePorts;
  readonly #rows: Rows<KeyPackageRecord>;
  readonly #lanes = new Lanes();

  constructor(ports: KeyPackagePorts) {
    this.#ports = ports;
    this.#rows = new Rows(ports.store, 'keyPackage');
  }

  /** Uploads what is missing, and a new last resort every week. Secrets are stored before anything is uploaded. */
  refill(api: Pick<Api['identity'], 'countKeyPackages' | 'publishKeyPackages'>): Promise<void> {
    return this.#lanes.run('refill', async () => {
      await this.#deleteExpired();
      const { available, hasLastResort } = await api.countKeyPackages({});
      const own = await this.#rows.list();
      const waiting = own.filter(({ value }) => !value.isPublished && !value.isLastResort);
      const missing = available < LOW_KEY_PACKAGES ? TARGET - available : 0;
      const singles = missing === 0 ? [] : await this.#ensure(waiting, missing);
      const lastResort = await this.#lastResort(own, hasLastResort);
      if (singles.length === 0 && !lastResort) return;
      await api.publishKeyPackages({
        keyPackages: singles.slice(0, MAX_KEY_PACKAGES_PER_CALL).map(({ value }) => value.publicBytes),
        ...(lastResort && { lastResort: lastResort.value.publicBytes }),
      });
      const published = [...singles, ...(lastResort ? [lastResort] : [])];
      await this.#ports.store.write(published.map(({ key, value }) => this.#rows.put(key, { ...value, isPublished: true })));
    });
  }

  /** A package for one's own use now: to start a group, or to come back to one. It is never uploaded. */
  async fresh(): Promise<OwnKeyPackage> {
    const { mlsKey, engine, deviceId, chain, now } = this.#ports;
    return createKeyPackage(engine, mlsKey, credentialFor(chain(), deviceId), { nowMs: now() });
  }

  /** The own package that one of these refs names. */
  async find(refs: readonly string[]): Promise<{ ref: string; own: OwnKeyPackage; isLastResort: boolean } | undefined> {
    for (const ref of refs) {
      const row = await this.#rows.get(ref);
      if (!row) continue;
      const own = { publicBytes: fromBase64url(row.publicBytes), privateBytes: fromBase64url(row.privateBytes) };
      return { ref, own, isLastResort: row.isLastResort };
    }
    return undefined;
  }

  /** What to write, with the group that the package opened, once it was used. */
  used({ ref, isLastResort }: { readonly ref: string; readonly isLastResort: boolean }): Change[] {
    return isLastResort ? [] : [this.#rows.delete(ref)];
  }

  async #ensure(waiting: { key: string; value: KeyPackageRecord }[], missing: number) {
    const made = [];
    for (let count = waiting.length; count < missing; count += 1) made.push(await this.#make(false));
    await this.#ports.store.write(made.map(({ key, value }) => this.#rows.insert(key, value)));
    return [...waiting, ...made].slice(0, missing);
  }

  async #lastResort(own: readonly { key: string; value: KeyPackageRecord }[], hasLastResort: boolean) {
    const newest = own.filter(({ value }) => value.isLastResort).toSorted((a, b) => b.value.madeAt - a.value.madeAt)[0];
    const isFresh = newest && this.#ports.now() - newest.value.madeAt < LAST_RESORT_LIFETIME_MS;
    if (isFresh && newest.value.isPublished && hasLastResort) return undefined;
    if (isFresh) return newest;
    const made = await this.#make(true);
    await this.#ports.store.write([this.#rows.insert(made.key, made.value)]);
    return made;
  }

  async #make(lastResort: boolean): Promise<{ key: string; value: KeyPackageRecord }> {
    const { mlsKey, engine, deviceId, chain, now } = this.#ports;
    const made = await createKeyPackage(engine, mlsKey, credentialFor(chain(), deviceId), { nowMs: now(), lastResort });
    const value: KeyPackageRecord = {
      publicBytes: toBase64url(made.publicBytes),
      privateBytes: toBase64url(made.privateBytes),
      isLastResort: lastResort,
      isPublished: false,
      madeAt: now(),
    };
    return { key: made.ref, value };
  }

  async #deleteExpired(): Promise<void> {
    const now = this.#ports.now();
    const limit = ({ isLastResort }: KeyPackageRecord) => (isLastResort ? LAST_RESORT_LIFETIME_MS + KEEP_REPLACED_MS : EXPIRY_MS);
    const old = (await this.#rows.list()).filter(({ value }) => now - value.madeAt > limit(value));
    if (old.length > 0) await this.#ports.store.write(old.map(({ key }) => this.#rows.delete(key)));
  }
}
