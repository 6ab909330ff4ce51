import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccountId, DeviceId, LedgerId, SigningCaller, TransferIntent } from '@rialto/contracts';
import { newDeviceId, newSigningKey, ready, startChain } from '@rialto/crypto';
import { startPostgres } from '@rialto/engines';
import { type Database, logger, migrate, migrationsDirOf, openDatabase } from '@rialto/service';
import { Ledger, type Posting } from '../../../apps/payments/src/ledger.ts';
import { PayerChains } from '../../../apps/payments/src/payer-chains.ts';
import { receiptOf, Receipts } from '../../../apps/payments/src/receipts.ts';
import { postingOf, Transfers } from '../../../apps/payments/src/transfers.ts';
import { type MeasureFile, median, type Result, rounded, type Say } from '../src/measure.ts';
import { Pgbench } from '../src/pgbench.ts';
import { settle } from '../src/settle.ts';

const PEOPLE = 10_000;
const FUNDS_MINOR = 1_000_000n;
const FUNDING_BATCH = 250;
const ROUNDS = 3;
const SECONDS = 4;
const WARM_UP_SECONDS = 1;
const MOST_TRANSFERS_PER_SECOND = 25_000;
const MOST_INTENT_BYTES = 512;
const MS_A_SECOND = 1_000;
const INTENT_LIVES_MS = 300_000;
const LEDGER = 'ldg_BBBBBBBBBBBBBBBBBBBBBB' as LedgerId;
/** No signature is verified here, so none is needed. */
const NO_KEY = new Uint8Array(32);
const CONTROL = 'pgbench TPC-B, scale 10, 32 clients, prepared';

interface Load {
  readonly callers: number;
  readonly isHot: boolean;
}
const LOADS: Readonly<Record<string, Load>> = {
  'ledger-spread-32': { callers: 32, isHot: false },
  'ledger-spread-256': { callers: 256, isHot: false },
  'ledger-hot-32': { callers: 32, isHot: true },
};

/** The payments service's own code from the parsed intent to the receipt's bytes; no signature is verified or made. */
export default {
  measures: {
    'ledger-spread-32': 'transfers/s from 32 callers among 10,000 funded accounts',
    'ledger-spread-256': 'the same from 256 callers',
    'ledger-hot-32': 'transfers/s from 32 callers, all into one account',
  },
  async run(wanted, say) {
    const parent = mkdtempSync(join(tmpdir(), 'rialto-bench-'));
    chmodSync(parent, 0o711); // As root, PostgreSQL runs as another user that must get through here.
    const server = await startPostgres({ dataDir: join(parent, 'data') });
    try {
      return await measureAll(server.url, [...wanted], say);
    } finally {
      await server.stop();
      rmSync(parent, { recursive: true, force: true });
    }
  },
} satisfies MeasureFile;

async function measureAll(serverUrl: string, names: readonly string[], say: Say): Promise<Result[]> {
  const url = new URL(serverUrl);
  url.pathname = '/bench';
  const appPassword = randomBytes(16).toString('hex');
  await migrate({
    adminUrl: url.href,
    services: [{ name: 'payments', migrationsDir: migrationsDirOf('payments'), appPassword }],
  });
  const pgbench = new Pgbench(url.href);
  await pgbench.prepare();
  const appUrl = Object.assign(new URL(url), { username: 'payments_app', password: appPassword });
  const database = await openDatabase({ url: appUrl.href, service: 'payments', log: logger('bench', 'error') });
  try {
    const city = await City.found(database, say);
    for (const name of names) await city.run(loadOf(name), WARM_UP_SECONDS);
    const controls: number[] = [];
    const values = new Map<string, number[]>(names.map((name) => [name, []]));
    for (let round = 1; round <= ROUNDS; round += 1) {
      await settle(url.href);
      controls.push(await pgbench.measure(SECONDS));
      for (const name of names) {
        await settle(url.href);
        values.get(name)?.push(await city.run(loadOf(name), SECONDS));
      }
      const line = names.map((name) => `${name} ${Math.round(values.get(name)?.at(-1) ?? 0)}/s`).join(', ');
      say(`round ${round} of ${ROUNDS}: TPC-B ${Math.round(controls.at(-1) ?? 0)}/s, ${line}`);
    }
    const controlValue = rounded(median(controls), 0);
    return names.map((measure) => {
      const value = rounded(median(values.get(measure) ?? []), 0);
      return { measure, value, unit: 'transfers/s', control: CONTROL, controlValue, ratio: rounded(value / controlValue, 2) };
    });
  } finally {
    await database.close();
  }
}

function loadOf(name: string): Load {
  const load = LOADS[name];
  if (!load) throw new Error(`no load is defined for ${name}`);
  return load;
}

/** Payer, payee and number of an intent. */
interface Order {
  readonly from: Person;
  readonly to: Person;
  readonly count: number;
}
interface Person {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
}

/** Ten thousand people with money, certified devices, and the service's own objects between them. */
class City {
  readonly #people: readonly Person[];
  readonly #ledger: Ledger;
  readonly #chains: PayerChains;
  readonly #transfers: Transfers;
  readonly #signature = randomBytes(64);
  #intents = 0;

  private constructor(database: Database, people: readonly Person[], chains: PayerChains) {
    this.#people = people;
    this.#ledger = new Ledger(database.pool, [database.lane(), database.lane()]);
    this.#chains = chains;
    const receipts = new Receipts({ ledger: LEDGER, key: newSigningKey(), pool: database.pool });
    this.#transfers = new Transfers({ ledgerId: LEDGER, ledger: this.#ledger, chains, receipts, push: { toAccount: () => {} } });
  }

  static async found(database: Database, say: Say): Promise<City> {
    await ready();
    say(`${PEOPLE} people get a device chain and money …`);
    const chainOf = new Map<AccountId, string>();
    const people = Array.from({ length: PEOPLE }, (): Person => {
      const deviceId = newDeviceId() as DeviceId;
      const keys = { deviceKey: newSigningKey().publicKey, mlsKey: newSigningKey().publicKey };
      const chain = startChain({ device: deviceId, ...keys }, newSigningKey());
      chainOf.set(chain.account as AccountId, Buffer.from(chain.bytes).toString('base64url'));
      return { accountId: chain.account as AccountId, deviceId };
    });
    const chains = new PayerChains((accountId) => Promise.resolve({ chain: chainOf.get(accountId) ?? '', chainSeq: 0 }));
    const city = new City(database, people, chains);
    for (const { accountId } of people) await chains.mustExist(accountId);
    await city.#fund();
    return city;
  }

  async #fund(): Promise<void> {
    const postings = this.#people.map(({ accountId }): Posting => {
      const amount = { currency: 'EUR', amountMinor: FUNDS_MINOR };
      return {
        scope: 'operator',
        key: accountId,
        debit: 'operator',
        credit: accountId,
        ...amount,
        kind: 'operator',
        intent: null,
      };
    });
    for (let from = 0; from < PEOPLE; from += FUNDING_BATCH) {
      await Promise.all(postings.slice(from, from + FUNDING_BATCH).map((posting) => this.#ledger.post(posting)));
    }
  }

  /** Transfers a second while every caller sends its next one as soon as the last is committed. */
  async run({ callers, isHot }: Load, seconds: number): Promise<number> {
    const expiresAt = new Date(Date.now() + INTENT_LIVES_MS).toISOString();
    const orders = Array.from({ length: MOST_TRANSFERS_PER_SECOND * seconds }, () => this.#order(isHot));
    const signed = new SignedIntents(orders, expiresAt);
    let done = 0;
    const began = performance.now();
    const caller = async () => {
      while (performance.now() - began < seconds * MS_A_SECOND) {
        const order = orders[done];
        if (!order) throw new Error('the intents made beforehand are used up');
        const bytes = signed.at(done);
        done += 1;
        await this.#pay(intentOf(order, expiresAt), order.from, bytes);
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    return (done / (performance.now() - began)) * MS_A_SECOND;
  }

  #order(isHot: boolean): Order {
    const from = this.#anybody();
    let to = isHot ? this.#people[0] : this.#anybody();
    while (!to || to === from) to = this.#anybody();
    return { from, to, count: (this.#intents += 1) };
  }

  /** What the service is given: the parsed intent and its bytes, as the payer's device has made them. */
  async #pay(intent: TransferIntent, { accountId, deviceId }: Person, signed: Uint8Array): Promise<void> {
    const signature = this.#signature;
    const caller: SigningCaller = { kind: 'device-signed', accountId, deviceId, signed, signature, deviceKey: NO_KEY };
    await this.#transfers.admit(intent, caller);
    await this.#chains.mustExist(intent.to);
    const posted = await this.#ledger.post(postingOf(intent, caller));
    Buffer.from(JSON.stringify(receiptOf(LEDGER, posted, posted.debit)), 'utf8');
  }

  #anybody(): Person {
    const person = this.#people[Math.floor(Math.random() * PEOPLE)];
    if (!person) throw new Error('nobody lives here');
    return person;
  }
}

/** The bytes of intents, in one buffer: as objects of their own they would keep the garbage collector busy while the clock runs. */
class SignedIntents {
  readonly #bytes: Buffer;
  readonly #ends: Uint32Array;

  constructor(orders: readonly Order[], expiresAt: string) {
    this.#bytes = Buffer.allocUnsafe(orders.length * MOST_INTENT_BYTES);
    this.#ends = new Uint32Array(orders.length + 1);
    let end = 0;
    orders.forEach((order, index) => {
      end += this.#bytes.write(JSON.stringify(intentOf(order, expiresAt)), end);
      this.#ends[index + 1] = end;
    });
  }
  at(index: number): Uint8Array {
    return this.#bytes.subarray(this.#ends[index], this.#ends[index + 1]);
  }
}

const intentOf = ({ from, to, count }: Order, expiresAt: string): TransferIntent => ({
  ledger: LEDGER,
  intentId: `int_${count.toString(36).padStart(22, '0')}` as TransferIntent['intentId'],
  from: from.accountId,
  to: to.accountId,
  currency: 'EUR',
  amountMinor: '1',
  maxFeeMinor: '0',
  memoHash: from.accountId,
  expiresAt,
  chainSeq: 0,
});
