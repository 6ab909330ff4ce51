import {
  type AccountId,
  AppError,
  type ConversationId,
  idFrom,
  type IntentId,
  type LedgerId,
  MAX_CLOCK_SKEW_MS,
  MAX_INTENT_LIFETIME_MS,
  Receipt,
  type SignedBody,
  type TransferIntent,
} from '@rialto/contracts';
import { type Chain, fromBase64url, randomBytes, verify } from '@rialto/crypto';
import { ClientError } from '../client-error.ts';
import type { Emitter } from '../events.ts';
import { Lanes } from '../single-flight.ts';
import type { Change, Store } from '../store.ts';
import type { Api } from '../transport/api.ts';
import { signBody, type Signer } from '../transport/signing.ts';
import type { TransferResult } from '../views.ts';
import { memoHash, saltedMemo } from './memo.ts';
import type { PaymentRecord, ReceiptRecord, WalletRows } from './payment-record.ts';
import { readIntent } from './statement-check.ts';

/** Clocks may differ: an intent's life is a little shorter than the longest that is allowed. */
const INTENT_LIFETIME_MS = MAX_INTENT_LIFETIME_MS - 120_000;

export interface TransfersPorts {
  readonly store: Store;
  readonly rows: WalletRows;
  readonly api: Pick<Api['payments'], 'transfer'>;
  readonly signer: Signer;
  readonly events: Pick<Emitter, 'emit'>;
  readonly me: AccountId;
  ownChain(): Chain;
  serverNow(): number;
  /** The payment is posted: what to write with that, such as the card that tells the payee. */
  posted(record: PaymentRecord, changes: readonly Change[]): Promise<void>;
}
export interface PaymentRequest {
  readonly to: AccountId;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly memo?: string;
  readonly ledger: LedgerId;
  readonly conversationId: ConversationId | null;
}

/** Intents to pay: signed once, stored, and posted with the same bytes until there is an answer. */
export class Transfers {
  readonly #ports: TransfersPorts;
  readonly #lanes = new Lanes();

  constructor(ports: TransfersPorts) {
    this.#ports = ports;
  }

  /** Signs an intent. Write `changes`, then `post` the record. Throws `ClientError('amount-invalid')`. */
  async prepare(request: PaymentRequest): Promise<{ record: PaymentRecord; changes: Change[] }> {
    const { me, signer, ownChain, serverNow, rows } = this.#ports;
    if (request.amountMinor <= 0n || request.amountMinor.toString().length > 18) throw new ClientError('amount-invalid');
    if (request.to === me) throw new AppError('intent-invalid');
    const salted = saltedMemo(request.memo);
    const intent: TransferIntent = {
      ledger: request.ledger,
      intentId: idFrom<IntentId>('int', randomBytes(16)),
      from: me,
      to: request.to,
      currency: request.currency,
      amountMinor: request.amountMinor.toString(),
      maxFeeMinor: '0',
      memoHash: memoHash(salted),
      expiresAt: new Date(serverNow() + INTENT_LIFETIME_MS).toISOString(),
      chainSeq: ownChain().heads.length - 1,
    };
    const record: PaymentRecord = {
      ...salted,
      intentId: intent.intentId,
      body: signBody('transfer-intent', intent, signer),
      to: request.to,
      amountMinor: intent.amountMinor,
      currency: request.currency,
      state: 'planned',
      transferId: null,
      conversationId: request.conversationId,
    };
    return { record, changes: [rows.putPayment(record)] };
  }

  /**
   * Posts a stored intent. A failure for good is stored and thrown; with an unknown outcome the intent stays planned, and `resume` posts
   * the same bytes again.
   */
  post({ intentId }: Pick<PaymentRecord, 'intentId'>): Promise<TransferResult> {
    return this.#lanes.run(intentId, async () => {
      const { api, rows, store } = this.#ports;
      const record = await rows.payment(intentId);
      if (!record) throw new AppError('not-found');
      if (record.state === 'posted' && record.transferId) return { intentId, transferId: record.transferId };
      try {
        const answer = await api.transfer(record.body as never);
        const receipt = await this.#checkedReceipt(answer.receipt, record, answer.transferId);
        const posted: PaymentRecord = { ...record, state: 'posted', transferId: answer.transferId };
        await this.#ports.posted(posted, [rows.putPayment(posted), ...(receipt ? [rows.putReceipt(receipt)] : [])]);
        return { intentId, transferId: answer.transferId };
      } catch (error) {
        if (!(error instanceof AppError) || !this.#isFinal(error, record)) throw error;
        // An earlier attempt may have been posted without its answer reaching this device: the statement knows.
        const entry = await rows.entryOf({ intentId, payer: this.#ports.me });
        if (!entry) {
          await store.write([rows.putPayment({ ...record, state: 'failed', error: error.code })]);
          throw error;
        }
        const posted: PaymentRecord = { ...record, state: 'posted', transferId: entry.transferId };
        await this.#ports.posted(posted, [rows.putPayment(posted)]);
        return { intentId, transferId: entry.transferId };
      }
    });
  }

  /** Posts what was cut off. Tries everything, and rejects with the first thing that has to wait. A refusal is told as a problem. */
  async resume(): Promise<void> {
    const { rows, events } = this.#ports;
    const failures: unknown[] = [];
    for (const record of await rows.waiting()) {
      await this.post(record).catch(async (error: unknown) => {
        if ((await rows.payment(record.intentId))?.state !== 'failed') return failures.push(error);
        return events.emit('problem', { code: 'payment-refused', detail: record.intentId });
      });
    }
    if (failures.length > 0) throw failures[0];
  }

  /** These bytes will never be posted: for a chain that has moved on that is sure once the intent's time is over. */
  #isFinal(error: AppError, { body }: PaymentRecord): boolean {
    if (error.code !== 'chain-stale') return !error.retryable;
    const intent = readIntent(fromBase64url(body.signed));
    return intent === undefined || Date.parse(intent.expiresAt) + MAX_CLOCK_SKEW_MS < this.#ports.serverNow();
  }

  /** The ledger's signed word for the own side, which `Statements` compares. A wrong one is an alarm; the statement decides what happened. */
  async #checkedReceipt(proof: SignedBody, record: PaymentRecord, transferId: string): Promise<ReceiptRecord | undefined> {
    const { rows, me, events } = this.#ports;
    const pin = await rows.ledger.get('ledger');
    const bytes = fromBase64url(proof.signed);
    const receipt =
      pin && verify('receipt', bytes, fromBase64url(proof.signature), fromBase64url(pin.ledgerKey))
        ? readReceipt(bytes)
        : undefined;
    const isTheSame =
      receipt?.ledger === pin?.ledger &&
      receipt?.transferId === transferId &&
      receipt.intentId === record.intentId &&
      receipt.account === me &&
      receipt.currency === record.currency;
    if (receipt && isTheSame) return { receipt, proof };
    events.emit('problem', { code: 'receipt-invalid', detail: record.intentId });
    return undefined;
  }
}

function readReceipt(bytes: Uint8Array): Receipt | undefined {
  try {
    return Receipt.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))).data;
  } catch {
    return undefined; // signed, and still no receipt: refused like a wrong one
  }
}
