import {
  AppError,
  type Input,
  MAX_INTENT_BYTES,
  type Output,
  payments,
  type LedgerId,
  type SigningCaller,
  type TransferIntent,
} from '@rialto/contracts';
import { sameBytes } from '@rialto/crypto/server';
import type { Push } from '@rialto/service';
import { checkIntent } from './domain/intent.ts';
import type { Ledger, Posted, Posting } from './ledger.ts';
import type { PayerChains } from './payer-chains.ts';
import type { Receipts } from './receipts.ts';
import { transferIdOf } from './transfer-ids.ts';

interface Dependencies {
  readonly ledgerId: LedgerId;
  readonly ledger: Pick<Ledger, 'post'>;
  readonly chains: PayerChains;
  readonly receipts: Receipts;
  readonly push: Pick<Push, 'toAccount'>;
}
type TransferOutput = Output<typeof payments.operations.transfer>;

/** Moves money by signed intents. */
export class Transfers {
  readonly #with: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#with = dependencies;
  }

  /** An intent that was carried out is answered for ever, also when the chain that it names has grown since. */
  async transfer(intent: Input<typeof payments.operations.transfer>, caller: SigningCaller): Promise<TransferOutput> {
    if (caller.signed.length > MAX_INTENT_BYTES) throw new AppError('payload-too-large');
    try {
      return await this.#carryOut(intent, caller);
    } catch (error) {
      const isStale = error instanceof AppError && error.code === 'chain-stale';
      const found = isStale ? await this.#with.receipts.findTransfer(intent, caller.signed) : undefined;
      if (!found) throw error;
      return { ...found, duplicate: true };
    }
  }

  async #carryOut(intent: TransferIntent, caller: SigningCaller): Promise<TransferOutput> {
    const { ledger, chains, receipts, push } = this.#with;
    const key = await this.admit(intent, caller);
    // The signature holds under the token's key; the chain says whether that is the device's, whatever identity says.
    if (!sameBytes(caller.deviceKey, key)) throw new AppError('signature-invalid');
    await chains.mustExist(intent.to);
    const posted = await ledger.post(postingOf(intent, caller));
    if (!posted.isDuplicate) announce(push, posted);
    return { transferId: transferIdOf(posted.id), duplicate: posted.isDuplicate, receipt: receipts.sign(posted, posted.debit) };
  }

  /** Every check on an intent before its signature; the key under which it must be signed. */
  admit(intent: TransferIntent, { accountId, deviceId }: SigningCaller): Promise<Uint8Array> {
    checkIntent(intent, { ledger: this.#with.ledgerId, payer: accountId });
    return this.#with.chains.deviceKey({ accountId, deviceId, chainSeq: intent.chainSeq });
  }
}

export function postingOf(intent: TransferIntent, { signed, signature }: Pick<SigningCaller, 'signed' | 'signature'>): Posting {
  return {
    scope: intent.from,
    key: intent.intentId,
    debit: intent.from,
    credit: intent.to,
    currency: intent.currency,
    amountMinor: BigInt(intent.amountMinor),
    kind: 'transfer',
    intent: {
      signed,
      signature,
      memoHash: intent.memoHash === null ? null : Buffer.from(intent.memoHash, 'base64url'),
      expiresAtMs: Date.parse(intent.expiresAt),
    },
  };
}

/** Tells both parties, where they are people, that their statements go on. Call it after the commit. */
export function announce(push: Pick<Push, 'toAccount'>, posted: Posted): void {
  const ACCOUNT_ID_CHARS = 43;
  for (const { owner, seq } of [posted.debit, posted.credit]) {
    if (owner.length !== ACCOUNT_ID_CHARS) continue;
    const { transferPosted } = payments.events;
    push.toAccount(transferPosted, owner, { transferId: transferIdOf(posted.id), currency: posted.currency, seq: Number(seq) });
  }
}
