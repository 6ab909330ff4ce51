import {
  AppError,
  type AccountId,
  type IntentId,
  type LedgerId,
  type Receipt,
  type SignedBody,
  type TransferId,
  type TransferIntent,
} from '@rialto/contracts';
import { sign, type SigningKey } from '@rialto/crypto/server';
import type pg from 'pg';
import { base64urlOf } from './base64url.ts';
import { transferIdBytes } from './domain/posting.ts';
import { type Posted, type PostedSide, readTransfers } from './ledger.ts';
import { transferIdOf, transferUuid } from './transfer-ids.ts';

/** Signs what the ledger vouches for. The same transfer and side give the same bytes and the same signature, always. */
export class Receipts {
  readonly #ledger: LedgerId;
  readonly #key: SigningKey;
  readonly #pool: Pick<pg.Pool, 'query'>;

  constructor({ ledger, key, pool }: { ledger: LedgerId; key: SigningKey; pool: Pick<pg.Pool, 'query'> }) {
    this.#ledger = ledger;
    this.#key = key;
    this.#pool = pool;
  }

  /** The receipt for one side of a transfer, `side` being one of its two. */
  sign(posted: Posted, side: PostedSide): SignedBody {
    const bytes = Buffer.from(JSON.stringify(receiptOf(this.#ledger, posted, side)), 'utf8');
    return { signed: base64urlOf(bytes), signature: base64urlOf(sign('receipt', bytes, this.#key.privateKey)) };
  }

  /** The receipt for the caller's side. Throws `not-found` when there is no such transfer, or it is between others. */
  async get(transferId: TransferId, caller: AccountId): Promise<SignedBody> {
    const [posted] = await readTransfers(this.#pool, [transferUuid(transferId)]);
    const side = posted && [posted.debit, posted.credit].find(({ owner }) => owner === caller);
    if (!posted || !side) throw new AppError('not-found');
    return this.sign(posted, side);
  }

  /**
   * The transfer that an intent of its payer has become, with the payer's receipt; undefined while there is none. Throws `conflict` when other
   * bytes than `signed` were carried out under its id.
   */
  async findTransfer(
    { from, intentId }: Pick<TransferIntent, 'from' | 'intentId'>,
    signed: Uint8Array,
  ): Promise<{ transferId: TransferId; receipt: SignedBody } | undefined> {
    const uuid = Buffer.from(transferIdBytes({ scope: from, key: intentId })).toString('hex');
    const { rows } = await this.#pool.query<{ is_same: boolean }>('select intent = $2 as is_same from transfer where id = $1', [
      uuid,
      signed,
    ]);
    if (!rows[0]) return undefined;
    if (!rows[0].is_same) throw new AppError('conflict');
    const transferId = transferIdOf(uuid);
    return { transferId, receipt: await this.get(transferId, from) };
  }
}

/** The order of the keys is part of what is signed. */
export function receiptOf(ledger: LedgerId, posted: Posted, side: PostedSide): Receipt {
  if (side.previousHead === null) throw new Error('a receipt needs the side with its previous head');
  return {
    ledger,
    transferId: transferIdOf(posted.id),
    intentId: posted.kind === 'transfer' ? (posted.key as IntentId) : null,
    account: side.owner as AccountId,
    currency: posted.currency,
    seq: Number(side.seq),
    balanceMinor: side.balanceMinor.toString(),
    previousHead: base64urlOf(side.previousHead),
    head: base64urlOf(posted.head),
    at: posted.at.toISOString(),
  };
}
