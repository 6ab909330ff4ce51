import type { LogRow } from '@rialto/contracts';
import { EMPTY_LOG_HASH, fromBase64url, nextLogHash, sameBytes, toBase64url } from '@rialto/crypto';
import { sortable } from '../rows.ts';
import type { Change, Store } from '../store.ts';
import type { ConversationRecord } from './conversation-record.ts';

/** Senders are at most a few messages behind; older hashes are of no use. */
const KEPT = 2_000;

/** What the hash takes of a row. */
export type CountedRow = Pick<LogRow, 'conversationId' | 'seq' | 'kind' | 'bytes'>;

/** The running hash of a conversation's log, and what others say of it. */
export class LogHashes {
  readonly #store: Store;
  constructor(store: Store) {
    this.#store = store;
  }

  /** The patch and the rows that count `row` in. With an unknown beginning there is nothing to count on, and it stays unknown. */
  count(
    record: ConversationRecord,
    row: CountedRow,
    base = record.logHash,
  ): { patch: Partial<ConversationRecord>; changes: Change[] } {
    if (base === null) return { patch: { cursor: row.seq, logHash: null }, changes: [] };
    const next = nextLogHash(fromBase64url(base), { seq: row.seq, kind: row.kind, bytes: fromBase64url(row.bytes) });
    const changes: Change[] = [{ kind: 'put', table: 'logHash', key: keyOf(row.conversationId, row.seq), value: next }];
    if (row.seq > KEPT) changes.push({ kind: 'delete', table: 'logHash', key: keyOf(row.conversationId, row.seq - KEPT) });
    return { patch: { cursor: row.seq, logHash: toBase64url(next) }, changes };
  }

  /** Whether a sender's view of the log is this device's: `unknown` where this device does not have that place any more. */
  async compare(
    row: LogRow,
    seen: { readonly seq: number; readonly logHash: string | null },
  ): Promise<'same' | 'different' | 'unknown'> {
    if (seen.seq >= row.seq) return 'different'; // nobody has read what comes after the own message
    if (seen.logHash === null) return 'unknown';
    const own = seen.seq === 0 ? EMPTY_LOG_HASH : await this.#store.read('logHash', keyOf(row.conversationId, seen.seq));
    if (!own) return 'unknown';
    return sameBytes(own, fromBase64url(seen.logHash)) ? 'same' : 'different';
  }
}

const keyOf = (conversationId: string, seq: number) => `${conversationId}/${sortable(seq)}`;
