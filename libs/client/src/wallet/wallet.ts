import {
  type AccountId,
  type AmountMinor,
  AppError,
  type CurrencyView,
  idFrom,
  type LedgerId,
  MAX_PAGE,
  type StatementEntry,
  type TopUpId,
  type TopUpView,
} from '@rialto/contracts';
import { type Chain, fromBase64url, randomBytes } from '@rialto/crypto';
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
import { checkEntry, EMPTY_STATEMENT, readIntent, StatementError, type StatementState } from './statement-check.ts';
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
  readonly #lanes = new Lanes();
  #balances: readonly Balance[] = [];
  #isSimulated = false;

  constructor(ports: WalletPorts) {
    this.#ports = ports;
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
      const states = await this.#states();
      // What was verified once is asked for even when the server does not mention it any more.
      const currencies = new Set([...wallet.accounts.map(({ currency }) => currency), ...states.keys()]);
      for (const currency of currencies) states.set(currency, await this.#verify(currency));
      for (const account of wallet.accounts) await this.#compare(account, states.get(account.currency));
      await this.#ports.store.write([this.#ports.rows.putVerified(askedAtMs)]);
      this.#show(picture, states);
      this.#ports.events.emit('wallet.changed', { currency: null });
      return this.#balances;
    });
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

  /** From the last verified entry to the newest. What does not verify is not stored, and nothing behind it is read. */
  async #verify(currency: string): Promise<StatementState> {
    const { api, rows, store, settled } = this.#ports;
    let state = (await rows.states.get(currency)) ?? EMPTY_STATEMENT;
    for (;;) {
      const page = await api.getStatement({ currency, after: state.seq, limit: MAX_PAGE });
      const cards: CardPlace[] = [];
      try {
        for (const entry of page.entries) {
          const next = await this.#check(entry, currency, state);
          if (!next) return state;
          await store.write(rows.addEntry(entry, next));
          state = next;
          if (entry.intentId) cards.push(...(await rows.cards(entry.intentId)));
        }
      } finally {
        await settled(cards); // also of the lines before one that does not verify
      }
      const isEnd = state.seq >= page.seq || page.entries.length === 0;
      if (isEnd && (state.seq !== page.seq || state.head !== page.head)) this.#forged(currency, `the end, at ${state.seq}`);
      if (isEnd) return state;
    }
  }

  async #check(entry: StatementEntry, currency: string, before: StatementState): Promise<StatementState | undefined> {
    const { me, events, rows } = this.#ports;
    try {
      if (entry.currency !== currency) throw new StatementError('other-request');
      const payerChain = entry.kind === 'transfer' ? await this.#payerChain(entry) : undefined;
      const next = await checkEntry(entry, { me, ledger: await this.ledgerId(), before, payerChain });
      const signed = entry.direction === 'debit' && entry.intentId ? (await rows.payment(entry.intentId))?.receipt : undefined;
      if (signed && (signed.head !== entry.head || signed.seq !== entry.seq)) throw new StatementError('wrong-hash');
      return next;
    } catch (error) {
      if (!(error instanceof StatementError)) throw error;
      const isDebit = entry.kind === 'transfer' && entry.direction === 'debit';
      const isOwn = isDebit && entry.intentId !== null && (await rows.payment(entry.intentId)) !== undefined;
      const isAlarm = isDebit && !isOwn && (error.fault === 'no-intent' || error.fault === 'intent-not-signed');
      if (isAlarm) events.emit('problem', { code: 'debit-without-intent', detail: `${currency} ${entry.seq}` });
      else this.#forged(currency, `${error.fault} at ${entry.seq}`);
      return undefined;
    }
  }

  async #payerChain(entry: StatementEntry): Promise<Chain | undefined> {
    if (entry.direction === 'debit') return this.#ports.ownChain();
    const intent = entry.intent && readIntent(fromBase64url(entry.intent.signed));
    return intent && entry.counterparty ? this.#ports.people.chainUpTo(entry.counterparty, intent.chainSeq) : undefined;
  }

  /** What `getWallet` says must be a place in the verified statement. */
  async #compare(account: WalletAnswer['accounts'][number], state: StatementState | undefined): Promise<void> {
    const { currency, seq, head, balanceMinor } = account;
    const entry = seq === 0 ? undefined : await this.#ports.rows.entry(currency, seq);
    const known = entry ?? (seq === 0 ? EMPTY_STATEMENT : undefined);
    const isTheSame = known !== undefined && known.head === head && known.balanceMinor === balanceMinor;
    if (!isTheSame && state !== undefined && state.seq >= seq) this.#forged(currency, `the balance at ${seq}`);
  }

  #forged(currency: string, detail: string): void {
    this.#ports.events.emit('problem', { code: 'statement-forged', detail: `${currency}: ${detail}` });
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
