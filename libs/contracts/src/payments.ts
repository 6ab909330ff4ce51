import * as z from 'zod';
import { AccountId, IntentId, LedgerId, TopUpId, TransferId } from './ids.ts';
import { MAX_PAGE } from './limits.ts';
import { event, operation, service } from './operation.ts';
import { AmountMinor, BalanceMinor, Bytes, Bytes32, Currency, Moment, Seq, SignedBody } from './values.ts';

/** What the payer's device signs (purpose `transfer-intent`). The JSON bytes and their signature are part of the transfer for ever. */
export const TransferIntent = z.object({
  ledger: LedgerId,
  intentId: IntentId,
  from: AccountId,
  to: AccountId,
  currency: Currency,
  amountMinor: AmountMinor,
  maxFeeMinor: BalanceMinor,
  /** BLAKE2b-256 of the sealed memo's plaintext and salt; the memo itself travels in the conversation. */
  memoHash: Bytes32.nullable(),
  expiresAt: Moment,
  chainSeq: Seq,
});
export type TransferIntent = z.infer<typeof TransferIntent>;

/** What the ledger signs (purpose `receipt`) for one party of a transfer. `previousHead` and `head` are that party's, around the transfer. */
export const Receipt = z.object({
  ledger: LedgerId,
  transferId: TransferId,
  intentId: IntentId.nullable(),
  account: AccountId,
  currency: Currency,
  seq: Seq,
  balanceMinor: BalanceMinor,
  previousHead: Bytes32,
  head: Bytes32,
  at: Moment,
});
export type Receipt = z.infer<typeof Receipt>;

/**
 * One line of the caller's own account with everything that its hash is made of, so that a client recomputes it:
 * `head = SHA-256(debitLink ‖ creditLink ‖ requestHash)`, own link = `SHA-256(salt ‖ previousHead ‖ int8 seq ‖ int8 balance)`.
 * The other party's link comes as a hash only, because it hides that party's balance.
 */
export const StatementEntry = z.object({
  transferId: TransferId,
  kind: z.enum(['transfer', 'top-up', 'refund', 'operator']),
  direction: z.enum(['debit', 'credit']),
  counterparty: AccountId.nullable(),
  currency: Currency,
  amountMinor: AmountMinor,
  seq: Seq,
  balanceMinor: BalanceMinor,
  previousHead: Bytes32,
  head: Bytes32,
  salt: Bytes(16),
  otherLink: Bytes32,
  requestHash: Bytes32,
  /** The signed intent behind a transfer: proof for both parties. Null for entries of the operator. */
  intent: SignedBody.nullable(),
  intentId: IntentId.nullable(),
  memoHash: Bytes32.nullable(),
  at: Moment,
});
export type StatementEntry = z.infer<typeof StatementEntry>;

export const CurrencyView = z.object({
  code: Currency,
  exponent: z.int().min(0).max(4),
  maxTransferMinor: AmountMinor,
  maxPerDayMinor: AmountMinor,
  minTopUpMinor: AmountMinor,
  maxTopUpMinor: AmountMinor,
});
export const WalletAccount = z.object({
  currency: Currency,
  balanceMinor: BalanceMinor,
  heldMinor: BalanceMinor,
  seq: Seq,
  head: Bytes32,
  isFrozen: z.boolean(),
});
export const TopUpView = z.object({
  topUpId: TopUpId,
  currency: Currency,
  amountMinor: AmountMinor,
  state: z.enum(['creating', 'open', 'paid', 'failed', 'expired']),
  /** Where the payer completes it; null when it is over. */
  checkoutUrl: z.url().nullable(),
  transferId: TransferId.nullable(),
  createdAt: Moment,
});
export type TopUpView = z.infer<typeof TopUpView>;

export const payments = service(
  'payments',
  {
    getWallet: operation({
      summary: "The caller's balances, the ledger's identity and key, and the currencies with their limits.",
      http: 'GET /v1/wallet',
      callers: ['device'],
      input: z.object({}),
      output: z.object({
        ledger: LedgerId,
        ledgerKey: Bytes32,
        isSimulated: z.boolean(),
        accounts: z.array(WalletAccount),
        currencies: z.array(CurrencyView),
      }),
      errors: [],
    }),
    transfer: operation({
      summary: 'Moves money by a signed intent. The same intent gives the same transfer for ever.',
      http: 'POST /v1/transfers',
      callers: ['device-signed'],
      signedAs: 'transfer-intent',
      idempotentBy: 'intentId',
      input: TransferIntent,
      output: z.object({ transferId: TransferId, duplicate: z.boolean(), receipt: SignedBody }),
      errors: [
        'intent-expired',
        'intent-invalid',
        'insufficient-funds',
        'limit-exceeded',
        'account-frozen',
        'currency-unknown',
        'not-reachable',
        'chain-stale',
      ],
    }),
    getStatement: operation({
      summary: "Entries of the caller's account in one currency, by sequence number.",
      http: 'GET /v1/wallet/:currency/statement',
      callers: ['device'],
      input: z.object({ currency: Currency, after: Seq, limit: z.int().min(1).max(MAX_PAGE).optional() }),
      output: z.object({ entries: z.array(StatementEntry), seq: Seq, head: Bytes32 }),
      errors: ['currency-unknown'],
    }),
    getReceipt: operation({
      summary: "The ledger's signed receipt for the caller's side of a transfer.",
      http: 'GET /v1/transfers/:transferId/receipt',
      callers: ['device'],
      input: z.object({ transferId: TransferId }),
      output: z.object({ receipt: SignedBody }),
      errors: [],
    }),
    createTopUp: operation({
      summary: 'Opens a checkout that adds money to the wallet.',
      http: 'POST /v1/top-ups',
      callers: ['device'],
      idempotentBy: 'topUpId',
      input: z.object({ topUpId: TopUpId, currency: Currency, amountMinor: AmountMinor }),
      output: TopUpView,
      errors: ['currency-unknown', 'limit-exceeded', 'processor-unavailable'],
    }),
    getTopUp: operation({
      summary: 'The state of a top-up.',
      http: 'GET /v1/top-ups/:topUpId',
      callers: ['device'],
      input: z.object({ topUpId: TopUpId }),
      output: TopUpView,
      errors: [],
    }),
    receiveStripeEvent: operation({
      summary: 'A webhook delivery, byte for byte as it came.',
      callers: ['gateway'],
      input: z.object({ body: Bytes(524_288), signature: z.string().max(1_000) }),
      output: z.object({ received: z.boolean() }),
      errors: ['webhook-refused'],
    }),
  },
  {
    transferPosted: event({
      summary: "The account's statement has a new entry.",
      audience: 'account',
      payload: z.object({ transferId: TransferId, currency: Currency, seq: Seq }),
    }),
    topUpChanged: event({ summary: 'A top-up changed its state.', audience: 'account', payload: TopUpView }),
  },
);
