import {
  type AccountId,
  DEFAULT_PAGE,
  type IntentId,
  type Input,
  type Output,
  type payments,
  type StatementEntry,
} from '@rialto/contracts';
import type pg from 'pg';
import { base64urlOf } from './base64url.ts';
import { EMPTY_HEAD, linkHash, type PostingKind } from './domain/posting.ts';
import { transferIdOf } from './transfer-ids.ts';
import { findAccount, findCurrency } from './wallets.ts';

type GetStatement = typeof payments.operations.getStatement;

interface EntryRow {
  readonly id: string;
  readonly key: string;
  readonly kind: PostingKind;
  readonly direction: 'debit' | 'credit';
  readonly counterparty: string | null;
  readonly currency: string;
  readonly amount: string;
  readonly seq: string;
  readonly balance: string;
  readonly previous: Buffer;
  readonly salt: Buffer;
  readonly other_seq: string;
  readonly other_balance: string;
  readonly other_previous: Buffer;
  readonly other_salt: Buffer;
  readonly head: Buffer;
  readonly request_hash: Buffer;
  readonly intent: Buffer | null;
  readonly signature: Buffer | null;
  readonly memo_hash: Buffer | null;
  readonly at: Date;
}

const side = (mine: 'debit' | 'credit', other: 'debit' | 'credit') => `
  (select t.id, t.key, t.kind, '${mine}' as direction, t.${other} as other, t.amount, t.head, t.request_hash, t.intent, t.signature,
     t.memo_hash, t.at, t.${mine}_seq as seq, t.${mine}_balance as balance, t.${mine}_previous as previous, t.${mine}_salt as salt,
     t.${other}_seq as other_seq, t.${other}_balance as other_balance, t.${other}_previous as other_previous, t.${other}_salt as other_salt
   from transfer t where t.${mine} = $1 and t.${mine}_seq > $2 and t.${mine}_seq <= $3 order by t.${mine}_seq limit $4)`;

const PAGE = `select e.*, a.currency, (array['transfer', 'top-up', 'refund', 'operator'])[e.kind] as kind,
    case when a.is_system then null else a.owner end as counterparty
  from (${side('debit', 'credit')} union all ${side('credit', 'debit')}) e join account a on a.id = e.other order by e.seq limit $4`;

/** Entries of one account after a sequence number, oldest first, and where the account stands. */
export async function getStatement(
  on: Pick<pg.Pool, 'query'>,
  { currency, after, limit = DEFAULT_PAGE }: Input<GetStatement>,
  owner: AccountId,
): Promise<Output<GetStatement>> {
  const account = await findAccount(on, owner, currency);
  if (!account) {
    await findCurrency(on, currency);
    return { entries: [], seq: 0, head: base64urlOf(EMPTY_HEAD) };
  }
  // Up to the seq that was read, so that entries and head fit each other whatever is posted meanwhile.
  const { rows } = await on.query<EntryRow>(PAGE, [account.id, after, account.seq, limit]);
  return { entries: rows.map(entryOf), seq: Number(account.seq), head: base64urlOf(account.head) };
}

function entryOf(row: EntryRow): StatementEntry {
  const otherLink = linkHash({
    salt: row.other_salt,
    previousHead: row.other_previous,
    seq: BigInt(row.other_seq),
    balanceMinor: BigInt(row.other_balance),
  });
  const { intent, signature } = row;
  return {
    transferId: transferIdOf(row.id),
    kind: row.kind,
    direction: row.direction,
    counterparty: row.counterparty as AccountId | null,
    currency: row.currency,
    amountMinor: row.amount,
    seq: Number(row.seq),
    balanceMinor: row.balance,
    previousHead: base64urlOf(row.previous),
    head: base64urlOf(row.head),
    salt: base64urlOf(row.salt),
    otherLink: base64urlOf(otherLink),
    requestHash: base64urlOf(row.request_hash),
    intent: intent && signature ? { signed: base64urlOf(intent), signature: base64urlOf(signature) } : null,
    intentId: row.kind === 'transfer' ? (row.key as IntentId) : null,
    memoHash: row.memo_hash && base64urlOf(row.memo_hash),
    at: row.at.toISOString(),
  };
}
