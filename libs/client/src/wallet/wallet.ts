import {
  type AccountId,
  type AmountMinor,
  AppError,
  type CurrencyView,
  idFrom,
  type LedgerId,
  type StatementEntry,
  type TopUpId,
  type TopUpView,
} from '@rialto/contracts';
import { type Chain, randomBytes } from '@rialto/crypto';
import type * as z from 'zod';
import { ClientError } from '../client-error.ts';
import type { Emitter } from '../events.ts';
import type { People } from '../people/people.ts';
import type { Wallet as WalletSurface } from '../sdk.ts';
import { Lanes } from '../single-flight.ts';
import type { Store } from '../store.ts';
import type { Api } from '../transport/api.ts';
import type { Balance, TopUp, TransferResult, VerifiedEntry } from '../views.ts';
import { memoHash } from './memo.ts';
import type { CardPlace, WalletPicture, WalletRows } from './payment-record.ts';
import type { StatementState } from './statement-check.ts';
import { type ReadStatement, Statements } from './statements.ts';
import type { Transfers } from './transfers.ts';

const LEDGER_KEY = 'ledger';
const PICTURE_KEY = 'wallet';
const DEFAULT_ENTRIES = 50;

export interface WalletPorts {
  readonly store: Store;
  readonly rows: WalletRows;
  readonly api: Api['payments'];
  readonly people: Pick<People, 'resolve' | 'chainUpTo'>;
  readonly transfers: Transfers;
  readonly events: Pick<Emitter, 'emit'>;
  readonly me: AccountId;
  ownChain(): Chain;
  /** Unix time in ms, by the server's clock. */
  serverNow(): number;
  /** Cards whose transfer has just appeared in the statement. */
  settled(cards: readonly CardPlace[]): Promise<void>;
}
type WalletAnswer = Awaited<ReturnType<Api['payments']['getWallet']>>;

/** Money as this device has verified it: nothing here is shown because a server says so. */
export class Wallet implements WalletSurface {
  readonly #ports: WalletPorts;
  readonly #statements: Statements;
  readonly #lanes = new Lanes();
  #balances: readonly Balance[] = [];
  #isSimulated = false;

  constructor(ports: WalletPorts) {
    this.#ports = ports;
    this.#statements = new Statements(ports);
  }

  get balances(): readonly Balance[] {
    return this.#balances;
  }
  get isSimulated(): boolean {
    return this.#isSimulated;
  }

  /** Shows what was verified before, without asking anybody. Nothing is known, and `balances` stays empty, before the first `refresh`. */
  async load(): Promise<void> {
    const picture = await this.#ports.rows.pictures.get(PICTURE_KEY);
    if (picture) this.#show(picture, await this.#states());
  }

  /** Reads and verifies every statement to its end. Throws `ClientError('server-lied')` when the ledger is another one than before. */
  refresh(): Promise<readonly Balance[]> {
    return this.#lanes.run('wallet', async () => {
      const askedAtMs = this.#ports.serverNow();
      const wallet = await this.#ports.api.getWallet({});
      await this.#pinLedger(wallet);
      const picture = pictureOf(wallet);
      await this.#ports.store.write([this.#ports.rows.pictures.put(PICTURE_KEY, picture)]);
      const isWhole = await this.#verify(wallet);
      if (isWhole) await this.#ports.store.write([this.#ports.rows.putVerified(askedAtMs)]);
      this.#show(picture, await this.#states());
      this.#ports.events.emit('wallet.changed', { currency: null });
      return this.#balances;
    });
  }

  /** Whether every statement was read to its end without a lie. */
  async #verify({ ledger, accounts }: WalletAnswer): Promise<boolean> {
    const receipts = await this.#ports.rows.receipts();
    const known = (await this.#states()).keys();
    // What was verified or signed once is asked for even when the server does not mention it any more.
    const mentioned = [...accounts, ...receipts.map(({ receipt }) => receipt)].map(({ currency }) => currency);
    const statements = new Map<string, ReadStatement>();
    for (const currency of new Set([...mentioned, ...known]))
      statements.set(currency, await this.#statements.read(currency, ledger));
    const isTrue = [...statements.values()].map(({ isWhole }) => isWhole);
    for (const account of accounts) {
      const statement = statements.get(account.currency);
      if (statement) isTrue.push(await this.#statements.compareBalance(account, statement));
    }
    isTrue.push(await this.#statements.compareReceipts(receipts, statements));
    return !isTrue.includes(false);
  }

  async #states(): Promise<Map<string, StatementState>> {
    return new Map((await this.#ports.rows.states.list()).map(({ key, value }) => [key, value]));
  }
  #show(picture: WalletPicture, states: ReadonlyMap<string, StatementState>): void {
    this.#isSimulated = picture.isSimulated;
    this.#balances = picture.currencies.map((currency) => balanceOf(currency, picture, states.get(currency.code)));
  }

  /** The statement has a new entry, says a push: it is read and verified. */
  async handlePosted(): Promise<void> {
    await this.refresh();
  }
  async handleTopUp(view: TopUpView): Promise<void> {
    this.#ports.events.emit('topUp.changed', topUpOf(view));
  }

  async send(payment: { to: string; amountMinor: bigint; currency: string; memo?: string }): Promise<TransferResult> {
    const { accountId, alarm } = await this.#ports.people.resolve(payment.to);
    if (alarm) throw new ClientError('keys-changed');
    const ledger = await this.ledgerId();
    const { record, changes } = await this.#ports.transfers.prepare({ ...payment, to: accountId, ledger, conversationId: null });
    await this.#ports.store.write(changes);
    return this.#ports.transfers.post(record);
  }

  async topUp({ currency, amountMinor }: { currency: string; amountMinor: bigint }): Promise<TopUp> {
    const topUpId = idFrom<TopUpId>('top', randomBytes(16));
    const amount = amountText(amountMinor);
    return topUpOf(await this.#ports.api.createTopUp({ topUpId, currency, amountMinor: amount }));
  }
  async topUpState(topUpId: string): Promise<TopUp> {
    return topUpOf(await this.#ports.api.getTopUp({ topUpId: topUpId as TopUpId }));
  }

  async statement(
    currency: string,
    { before, limit = DEFAULT_ENTRIES }: { before?: number; limit?: number } = {},
  ): Promise<VerifiedEntry[]> {
    const entries = await this.#ports.rows.entries(currency, { limit, ...(before !== undefined && { before }) });
    return Promise.all(entries.map((entry) => this.#viewOf(entry)));
  }

  /** The ledger that this device knows; asks for it the first time. Throws `ClientError('offline')`: nothing was signed then. */
  async ledgerId(): Promise<LedgerId> {
    const known = await this.#ports.rows.ledger.get(LEDGER_KEY);
    if (known) return known.ledger as LedgerId;
    const wallet = await this.#ports.api.getWallet({}).catch((error: unknown) => {
      throw error instanceof AppError && error.retryable ? new ClientError('offline', error) : error;
    });
    await this.#pinLedger(wallet);
    return wallet.ledger;
  }

  /** The key that signs receipts is believed at first sight and never changes after. */
  async #pinLedger({ ledger, ledgerKey }: Pick<WalletAnswer, 'ledger' | 'ledgerKey'>): Promise<void> {
    const { rows, store, events } = this.#ports;
    const known = await rows.ledger.get(LEDGER_KEY);
    if (!known) return store.write([rows.ledger.put(LEDGER_KEY, { ledger, ledgerKey })]);
    if (known.ledger === ledger && known.ledgerKey === ledgerKey) return;
    events.emit('problem', { code: 'ledger-key-changed' });
    throw new ClientError('server-lied');
  }

  async #viewOf(entry: StatementEntry): Promise<VerifiedEntry> {
    const { rows } = this.#ports;
    const { transferId, kind, direction, counterparty, currency, seq, intentId, at } = entry;
    const known = intentId ? [await rows.payment(intentId), ...(await rows.cards(intentId)).map(({ card }) => card)] : [];
    const memo = known.find((each) => each !== undefined && memoHash(each) === entry.memoHash)?.memo ?? null;
    const [amountMinor, balanceMinor] = [BigInt(entry.amountMinor), BigInt(entry.balanceMinor)];
    return { transferId, kind, direction, counterparty, currency, seq, intentId, at, amountMinor, balanceMinor, memo };
  }
}

/** Decimal text of a positive amount. Throws `ClientError('amount-invalid')`. */
export function amountText(amountMinor: bigint): z.infer<typeof AmountMinor> {
  const text = amountMinor.toString();
  if (amountMinor <= 0n || text.length > 18) throw new ClientError('amount-invalid');
  return text;
}

function pictureOf({ isSimulated, currencies, accounts }: WalletAnswer): WalletPicture {
  const ownAccounts = accounts.map(({ currency, heldMinor, isFrozen }) => ({ currency, heldMinor, isFrozen }));
  return { isSimulated, currencies, accounts: ownAccounts };
}

function balanceOf(currency: z.infer<typeof CurrencyView>, wallet: WalletPicture, state: StatementState | undefined): Balance {
  const account = wallet.accounts.find((each) => each.currency === currency.code);
  return {
    currency: currency.code,
    exponent: currency.exponent,
    balanceMinor: BigInt(state?.balanceMinor ?? '0'),
    heldMinor: BigInt(account?.heldMinor ?? '0'),
    isSimulated: wallet.isSimulated,
    isFrozen: account?.isFrozen ?? false,
    limits: {
      maxTransferMinor: BigInt(currency.maxTransferMinor),
      maxPerDayMinor: BigInt(currency.maxPerDayMinor),
      minTopUpMinor: BigInt(currency.minTopUpMinor),
      maxTopUpMinor: BigInt(currency.maxTopUpMinor),
    },
  };
}

/** A client goes to the checkout page, so its address must be a page's: `javascript:` is a URL as well. */
function topUpOf({ topUpId, currency, amountMinor, state, checkoutUrl }: TopUpView): TopUp {
  if (checkoutUrl !== null && !/^https?:$/.test(new URL(checkoutUrl).protocol)) throw new ClientError('server-lied');
  return { topUpId, currency, amountMinor: BigInt(amountMinor), state, checkoutUrl };
}
