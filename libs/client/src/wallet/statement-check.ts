import { type AccountId, type StatementEntry, TransferIntent } from '@rialto/contracts';
import { type Chain, concat, fromBase64url, sameBytes, utf8, verify } from '@rialto/crypto';

/** Where an account stood after the last entry that was verified. */
export interface StatementState {
  readonly seq: number;
  /** base64url. */
  readonly head: string;
  /** Decimal text of minor units. */
  readonly balanceMinor: string;
}
export const EMPTY_STATEMENT: StatementState = { seq: 0, head: 'A'.repeat(43), balanceMinor: '0' };

const ID_PREFIX = 'tra_';
const ID_BYTES = 16;

export type StatementFault =
  | 'out-of-order'
  | 'does-not-continue'
  | 'wrong-balance'
  | 'other-request'
  | 'wrong-hash'
  | 'no-intent'
  | 'intent-differs'
  | 'intent-not-signed'
  | 'intent-used-twice'
  | 'receipt-differs';

/** The entry is not what the ledger committed to before. */
export class StatementError extends Error {
  readonly fault: StatementFault;
  constructor(fault: StatementFault) {
    super(fault);
    this.fault = fault;
  }
}

export interface EntryContext {
  readonly me: AccountId;
  /** The one ledger that this device knows: an intent for another one moves nothing here. */
  readonly ledger: string;
  readonly before: StatementState;
  /** The verified chain of the payer of a transfer. */
  readonly payerChain: Chain | undefined;
}

/**
 * Recomputes one line of the own account: place, balance, what was asked, the intent's signature by the payer's own device, and the hash
 * that ties it to the line before (the layout is described with the contract's `StatementEntry`). Returns where the account stands after
 * it. Throws `StatementError`.
 */
export async function checkEntry(
  entry: StatementEntry,
  { me, ledger, before, payerChain }: EntryContext,
): Promise<StatementState> {
  if (entry.seq !== before.seq + 1) throw new StatementError('out-of-order');
  if (entry.previousHead !== before.head) throw new StatementError('does-not-continue');
  const signedAmount = entry.direction === 'credit' ? BigInt(entry.amountMinor) : -BigInt(entry.amountMinor);
  if (BigInt(before.balanceMinor) + signedAmount !== BigInt(entry.balanceMinor)) throw new StatementError('wrong-balance');
  const intent = entry.intent && fromBase64url(entry.intent.signed);
  if (entry.kind === 'transfer') checkIntent(entry, { me, ledger, payerChain });
  else if (entry.intent || entry.intentId) throw new StatementError('intent-differs');
  await checkRequest(entry, me, intent);
  const head = await headOf(entry);
  if (!sameBytes(head, fromBase64url(entry.head))) throw new StatementError('wrong-hash');
  return { seq: entry.seq, head: entry.head, balanceMinor: entry.balanceMinor };
}

/** The payer's own device asked for exactly this. */
function checkIntent(entry: StatementEntry, { me, ledger, payerChain }: Omit<EntryContext, 'before'>): void {
  const { intent: signedIntent, counterparty } = entry;
  if (!signedIntent || counterparty === null) throw new StatementError('no-intent');
  const bytes = fromBase64url(signedIntent.signed);
  const intent = readIntent(bytes);
  const [from, to] = entry.direction === 'debit' ? [me, counterparty] : [counterparty, me];
  const isTheSame =
    intent?.ledger === ledger &&
    intent.from === from &&
    intent.to === to &&
    intent.intentId === entry.intentId &&
    intent.currency === entry.currency &&
    intent.amountMinor === entry.amountMinor &&
    intent.memoHash === entry.memoHash;
  if (!isTheSame) throw new StatementError('intent-differs');
  const devices = payerChain?.account === from ? payerChain.devices[intent.chainSeq] : undefined;
  const signature = fromBase64url(signedIntent.signature);
  const isSigned = [...(devices?.values() ?? [])].some(({ deviceKey }) => verify('transfer-intent', bytes, signature, deviceKey));
  if (!isSigned) throw new StatementError('intent-not-signed');
}

/** The intent in signed bytes, or undefined when they hold none. */
export function readIntent(bytes: Uint8Array): TransferIntent | undefined {
  try {
    return TransferIntent.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))).data;
  } catch {
    return undefined; // not JSON: the entry is refused as a whole
  }
}

/** What was asked, as the ledger hashed it. Where a system account is the other side, it is one of the few that a kind may have. */
async function checkRequest(entry: StatementEntry, me: AccountId, intent: Uint8Array | null): Promise<void> {
  const intentHash = intent ? hex(await sha256(intent)) : '';
  const claimed = fromBase64url(entry.requestHash);
  const id = fromBase64url(entry.transferId.slice(ID_PREFIX.length), ID_BYTES);
  for (const other of othersOf(entry)) {
    const [debit, credit] = entry.direction === 'debit' ? [me, other] : [other, me];
    if (entry.kind === 'transfer' && !sameBytes(id, await transferIdOf(debit, entry.intentId ?? ''))) continue;
    const parts = [hex(id), debit, credit, entry.amountMinor, entry.currency, entry.kind, intentHash];
    if (sameBytes(await sha256(utf8(['rialto/request/v1', ...parts].join('|'))), claimed)) return;
  }
  throw new StatementError('other-request');
}

/** A transfer's id follows from its payer and its intent, so one intent is never two transfers. */
async function transferIdOf(payer: string, intentId: string): Promise<Uint8Array> {
  return (await sha256(utf8(['rialto/transfer/v1', payer, intentId].join('|')))).slice(0, ID_BYTES);
}

function othersOf({ kind, direction, counterparty }: StatementEntry): readonly string[] {
  switch (kind) {
    case 'transfer':
      return counterparty === null ? [] : [counterparty];
    case 'top-up':
      return direction === 'credit' ? ['processor'] : [];
    case 'refund':
      return direction === 'debit' ? ['processor', 'receivable'] : [];
    case 'operator':
      return ['operator'];
  }
}

/** `head = SHA-256(debitLink ‖ creditLink ‖ requestHash)`, the own link from salt, previous head, seq and balance. */
async function headOf(entry: StatementEntry): Promise<Uint8Array> {
  const own = await sha256(
    concat(
      fromBase64url(entry.salt),
      fromBase64url(entry.previousHead),
      int8(BigInt(entry.seq)),
      int8(BigInt(entry.balanceMinor)),
    ),
  );
  const other = fromBase64url(entry.otherLink);
  const [debitLink, creditLink] = entry.direction === 'debit' ? [own, other] : [other, own];
  return sha256(concat(debitLink, creditLink, fromBase64url(entry.requestHash)));
}

/** The web platform's own, so that it is there in browsers and in Node alike (libsodium's small build has no SHA-256). */
async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));
}

function int8(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value);
  return bytes;
}

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
