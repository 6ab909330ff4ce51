import {
  type AccountId,
  AppError,
  type LedgerId,
  MAX_PAGE,
  type Output,
  type payments,
  type StatementEntry,
} from '@rialto/contracts';
import { type Chain, fromBase64url } from '@rialto/crypto';
import * as z from 'zod';
import type { Emitter } from '../events.ts';
import type { People } from '../people/people.ts';
import type { Store } from '../store.ts';
import type { Api } from '../transport/api.ts';
import type { CardPlace, ReceiptRecord, WalletRows } from './payment-record.ts';
import { checkEntry, EMPTY_STATEMENT, readIntent, StatementError, type StatementState } from './statement-check.ts';

export interface StatementsPorts {
  readonly store: Store;
  readonly rows: WalletRows;
  readonly api: Pick<Api['payments'], 'getStatement'>;
  readonly people: Pick<People, 'chainUpTo'>;
  readonly events: Pick<Emitter, 'emit'>;
  readonly me: AccountId;
  ownChain(): Chain;
  /** Cards whose transfer has just appeared in the statement. */
  settled(cards: readonly CardPlace[]): Promise<void>;
}
type ClaimedAccount = Output<typeof payments.operations.getWallet>['accounts'][number];
type Page = Output<typeof payments.operations.getStatement>;

/** What one currency's statement was verified to be. `isWhole`: up to the end that the ledger claims, without a lie. */
export interface ReadStatement {
  readonly state: StatementState;
  readonly isWhole: boolean;
}

/** Reads the own statements and believes of them what this device can recompute. A lie is told as a problem and never stored. */
export class Statements {
  readonly #ports: StatementsPorts;

  constructor(ports: StatementsPorts) {
    this.#ports = ports;
  }

  /** From the last verified entry to the newest. What does not verify is not stored, and nothing behind it is read. */
  async read(currency: string, ledger: LedgerId): Promise<ReadStatement> {
    const { rows, store, settled } = this.#ports;
    let state = (await rows.states.get(currency)) ?? EMPTY_STATEMENT;
    for (;;) {
      const page = await this.#page(currency, state.seq);
      if (!page) return { state, isWhole: false };
      const cards: CardPlace[] = [];
      try {
        for (const entry of page.entries) {
          const next = await this.#check(entry, { currency, ledger, before: state });
          if (!next) return { state, isWhole: false };
          await store.write(rows.addEntry(entry, next, this.#payerOf(entry)));
          state = next;
          if (entry.intentId) cards.push(...(await rows.cards(entry.intentId)));
        }
      } finally {
        await settled(cards); // also of the lines before one that does not verify
      }
      if (state.seq < page.seq && page.entries.length > 0) continue;
      const isWhole = state.seq === page.seq && state.head === page.head;
      if (!isWhole) this.#forged(currency, `the end, at ${state.seq}`);
      return { state, isWhole };
    }
  }

  /** Whether what the ledger claims beside a statement is a place in it. The claim was answered before the statement was asked for. */
  async compareBalance(
    { currency, seq, head, balanceMinor }: ClaimedAccount,
    { state, isWhole }: ReadStatement,
  ): Promise<boolean> {
    const known = seq === 0 ? EMPTY_STATEMENT : await this.#ports.rows.entry(currency, seq);
    const isTheSame = known !== undefined && known.head === head && known.balanceMinor === balanceMinor;
    if (!isTheSame && (isWhole || state.seq >= seq)) this.#forged(currency, `the balance at ${seq}`);
    return isTheSame;
  }

  /**
   * What the ledger signed must be a line of the statement; it is forgotten then. `receipts` were there before the statements were asked for,
   * so that their transfers are older than the answers.
   */
  async compareReceipts(receipts: readonly ReceiptRecord[], statements: ReadonlyMap<string, ReadStatement>): Promise<boolean> {
    const { rows, store } = this.#ports;
    let isKept = true;
    for (const record of receipts) {
      const { currency, seq } = record.receipt;
      const entry = await rows.entry(currency, seq);
      if (entry && agrees(record, entry)) {
        await store.write([rows.deleteReceipt(record)]);
        continue;
      }
      isKept = false;
      if (entry || statements.get(currency)?.isWhole) this.#forged(currency, `without what was signed at ${seq}`);
    }
    return isKept;
  }

  /** Undefined, and told, when what came is no statement: that of a newer server, or damaged. */
  async #page(currency: string, after: number): Promise<Page | undefined> {
    const { api, events } = this.#ports;
    try {
      return await api.getStatement({ currency, after, limit: MAX_PAGE });
    } catch (error) {
      if (!(error instanceof AppError && error.cause instanceof z.ZodError)) throw error;
      events.emit('problem', { code: 'statement-unreadable', detail: `${currency} after ${after}` });
      return undefined;
    }
  }

  async #check(
    entry: StatementEntry,
    { currency, ledger, before }: { currency: string; ledger: LedgerId; before: StatementState },
  ): Promise<StatementState | undefined> {
    const { me, events, rows } = this.#ports;
    try {
      if (entry.currency !== currency) throw new StatementError('other-request');
      const payerChain = entry.kind === 'transfer' ? await this.#payerChain(entry) : undefined;
      const next = await checkEntry(entry, { me, ledger, before, payerChain });
      const payer = this.#payerOf(entry);
      if (entry.intentId && payer && (await rows.entryOf({ intentId: entry.intentId, payer })))
        throw new StatementError('intent-used-twice');
      const receipts = await rows.receipts({ currency, seq: entry.seq });
      if (!receipts.every((receipt) => agrees(receipt, entry))) throw new StatementError('receipt-differs');
      return next;
    } catch (error) {
      if (!(error instanceof StatementError)) throw error;
      if (await this.#isUnasked(entry, error)) {
        events.emit('problem', { code: 'debit-without-intent', detail: `${currency} ${entry.seq}` });
      } else this.#forged(currency, `${error.fault} at ${entry.seq}`);
      return undefined;
    }
  }

  /** Money left, and no device of this account asked for it. */
  async #isUnasked({ kind, direction, intentId }: StatementEntry, { fault }: StatementError): Promise<boolean> {
    if (kind !== 'transfer' || direction !== 'debit') return false;
    if (fault === 'intent-used-twice') return true;
    const isOwn = intentId !== null && (await this.#ports.rows.payment(intentId)) !== undefined;
    return !isOwn && (fault === 'no-intent' || fault === 'intent-not-signed');
  }

  #payerOf({ kind, direction, counterparty }: StatementEntry): AccountId | null {
    if (kind !== 'transfer') return null;
    return direction === 'debit' ? this.#ports.me : counterparty;
  }

  async #payerChain(entry: StatementEntry): Promise<Chain | undefined> {
    if (entry.direction === 'debit') return this.#ports.ownChain();
    const intent = entry.intent && readIntent(fromBase64url(entry.intent.signed));
    return intent && entry.counterparty ? this.#ports.people.chainUpTo(entry.counterparty, intent.chainSeq) : undefined;
  }

  #forged(currency: string, detail: string): void {
    this.#ports.events.emit('problem', { code: 'statement-forged', detail: `${currency}: ${detail}` });
  }
}

/** The head commits to amount, payee and memo; balance and previous head are what the receipt says beside it. */
function agrees({ receipt }: ReceiptRecord, entry: StatementEntry): boolean {
  return (
    receipt.transferId === entry.transferId &&
    receipt.previousHead === entry.previousHead &&
    receipt.head === entry.head &&
    receipt.balanceMinor === entry.balanceMinor
  );
}
